import { cellText, type Report } from './table.ts';

/** Tables for a paper: one `table` environment each, with rules of the booktabs package. */
export function latexReport(report: Report): string {
  const about = report.facts.map(([name, value]) => `% ${oneLine(name)}: ${oneLine(value)}`);
  const tables = report.tables.map((table) => {
    const line = (cells: readonly (string | number)[]) =>
      `    ${cells.map((cell) => escaped(cellText(cell))).join(' & ')} \\\\`;
    return [
      '\\begin{table}',
      '  \\centering',
      `  \\caption{${escaped([table.title, ...(table.notes ?? [])].join('. '))}}`,
      `  \\begin{tabular}{l${'r'.repeat(Math.max(0, table.columns.length - 1))}}`,
      '    \\toprule',
      line(table.columns),
      '    \\midrule',
      ...table.rows.map(line),
      '    \\bottomrule',
      '  \\end{tabular}',
      '\\end{table}',
    ].join('\n');
  });
  return `${[...about, '% Needs \\usepackage{booktabs}', ...tables].join('\n')}\n`;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const special: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '−': '$-$',
};

function escaped(text: string): string {
  return oneLine(text).replaceAll(/[\\~^−&%$#_{}]/g, (c) => special[c] ?? `\\${c}`);
}
