import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from './csv.ts';

/** Random texts and what Python makes of them (tools/reference/csv_rows.py). */
const cases: [string, string[][]][] = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/csv.json', import.meta.url), 'utf8'),
);

const fieldsOf = (text: string) => parseCsv(text).map((row) => row.fields);

describe('parseCsv', () => {
  it('reads what the published Questions.csv contains: quotes, commas, apostrophes', () => {
    expect(fieldsOf('Question ID,Type,Statement\r\n1,Text,"a sign, ""STOP"""\r\n2,Text,it’s\r\n')).toEqual([
      ['Question ID', 'Type', 'Statement'],
      ['1', 'Text', 'a sign, "STOP"'],
      ['2', 'Text', 'it’s'],
    ]);
  });

  it('drops a byte order mark and empty lines, and keeps the numbers of lines', () => {
    expect(parseCsv('\ufeffa,b\n\n"x\ny",z\nlast,""')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 3, fields: ['x\ny', 'z'] },
      { line: 5, fields: ['last', ''] },
    ]);
  });

  it('reads any text as Python’s csv.reader does', () => {
    for (const [text, rows] of cases) expect(fieldsOf(text), JSON.stringify(text)).toEqual(rows);
  });
});
