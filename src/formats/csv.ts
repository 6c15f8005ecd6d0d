/**
 * Reads comma-separated text the way Python's `csv.reader` reads it with its default dialect: fields may be quoted,
 * quotes inside a quoted field are doubled, line ends are LF, CRLF or CR, a quoted field may span lines. A byte order
 * mark is dropped. Empty lines are left out.
 */
export function parseCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let fields: string[] = [];
  let field = '';
  let line = 1;
  let firstLine = 1;
  let quoted = false;
  /** Whether anything of the field in hand was read, so that `""` at the end of a line is a field. */
  let started = false;

  const endRow = () => {
    if (fields.length > 0 || started) {
      fields.push(field);
      rows.push({ line: firstLine, fields });
    }
    fields = [];
    field = '';
    started = false;
  };

  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
    const c = text[i]!;
    if (fields.length === 0 && !started) firstLine = line;
    if (quoted) {
      if (c !== '"') {
        field += c;
        if (c === '\n') line++;
      } else if (text[i + 1] === '"') {
        field += '"';
        i++;
      } else {
        quoted = false;
      }
    } else if (c === '"' && !started) {
      quoted = true;
      started = true;
    } else if (c === ',') {
      fields.push(field);
      field = '';
      started = false;
    } else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[i + 1] === '\n') i++;
      endRow();
      line++;
    } else {
      field += c;
      started = true;
    }
  }
  endRow();
  return rows;
}

export interface CsvRow {
  /** Number of the line on which the row begins, from 1. */
  line: number;
  fields: string[];
}

/** Rows as CSV: quoted by RFC 4180, lines end in CR LF, nothing that a spreadsheet would run as a formula. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((fields) => `${fields.map(field).join(',')}\r\n`).join('');
}

function field(text: string): string {
  // A spreadsheet would run text that begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
