import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../formats/csv.ts';
import { csvReport } from './csv.ts';
import { htmlReport } from './html.ts';
import { latexReport } from './latex.ts';
import type { Report } from './table.ts';

const report: Report = {
  title: 'Report on <b>x</b> & "y"',
  facts: [['model', 'a_model\n100%']],
  tables: [
    {
      title: 'MMVP-VLM',
      columns: ['Pattern', 'Before', 'After'],
      rows: [
        ['Color, "bright" & <script>', 20, 33.3333],
        ['=SUM(A1)', -0.01, '3 of 9'],
      ],
      notes: ['p = 0.03'],
      pictures: [
        { bytes: Uint8Array.of(1, 2, 250), type: 'image/png', caption: '"><script>alert(1)</script>' },
      ],
    },
  ],
};

describe('reports', () => {
  it('writes CSV that reads back, numbers whole and formulas disarmed', () => {
    expect(parseCsv(csvReport(report)).map(({ fields }) => fields)).toEqual([
      ['table', 'row', 'column', 'value'],
      ['about', 'model', '', 'a_model\n100%'],
      ['MMVP-VLM', 'note', '', 'p = 0.03'],
      ['MMVP-VLM', 'Color, "bright" & <script>', 'Before', '20'],
      ['MMVP-VLM', 'Color, "bright" & <script>', 'After', '33.3333'],
      ['MMVP-VLM', "'=SUM(A1)", 'Before', '-0.01'],
      ['MMVP-VLM', "'=SUM(A1)", 'After', '3 of 9'],
    ]);
  });

  it('writes LaTeX with its special characters escaped', () => {
    const text = latexReport(report);
    expect(text).toContain('% model: a_model 100%\n');
    expect(text).toContain('    Color, "bright" \\& <script> & 20.0 & 33.3 \\\\\n');
    expect(text).toContain('    =SUM(A1) & 0.0 & 3 of 9 \\\\\n');
    expect(text).toContain('\\begin{tabular}{lrr}');
    const braces = (c: string) => text.split(c).length;
    expect(braces('{')).toBe(braces('}'));
  });

  it('writes a page with its pictures inside and no text of others as markup', () => {
    const page = htmlReport(report);
    expect(page).not.toMatch(/<script|<b>/);
    expect(page).toContain('<title>Report on &lt;b&gt;x&lt;/b&gt; &amp; &quot;y&quot;</title>');
    expect(page).toContain('src="data:image/png;base64,AQL6"');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
  });
});
