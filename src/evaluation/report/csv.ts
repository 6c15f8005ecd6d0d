import { writeCsv } from '../../formats/csv.ts';
import { cellText, type Report } from './table.ts';

/** One row for each figure and each note: table, row, column, value. Quoted by RFC 4180, lines end in CR LF. */
export function csvReport(report: Report): string {
  const lines = [['table', 'row', 'column', 'value']];
  for (const [name, value] of report.facts) lines.push(['about', name, '', value]);
  for (const table of report.tables) {
    for (const note of table.notes ?? []) lines.push([table.title, 'note', '', note]);
    for (const [name, ...cells] of table.rows) {
      for (const [i, cell] of cells.entries()) {
        const value = typeof cell === 'number' ? String(cell) : cell;
        lines.push([table.title, cellText(name ?? ''), table.columns[i + 1] ?? '', value]);
      }
    }
  }
  return writeCsv(lines);
}
