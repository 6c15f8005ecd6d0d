import { cellText, type Report, type ReportPicture, type ReportTable } from './table.ts';

/** One page that needs nothing beside it: styles and pictures are inside, and no script. */
export function htmlReport(report: Report): string {
  const facts = report.facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escaped(report.title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(report.title)}</h1>
<dl>${facts.join('')}</dl>
${report.tables.map(section).join('\n')}
</body>
</html>
`;
}

function section(table: ReportTable): string {
  const cells = (tag: 'td' | 'th', row: readonly (string | number)[]) =>
    row
      .map((cell, i) =>
        i === 0
          ? `<th scope="${tag === 'th' ? 'col' : 'row'}">${escaped(cellText(cell))}</th>`
          : `<${tag}${tag === 'th' ? ' scope="col"' : ''}>${escaped(cellText(cell))}</${tag}>`,
      )
      .join('');
  const rows = table.rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
  const notes = (table.notes ?? []).map((note) => `<p>${escaped(note)}</p>`).join('');
  const pictures = (table.pictures ?? []).map(figure).join('');
  return `<section>
<h2>${escaped(table.title)}</h2>
<table><thead><tr>${cells('th', table.columns)}</tr></thead><tbody>
${rows}
</tbody></table>
${notes}${pictures === '' ? '' : `<div>${pictures}</div>`}
</section>`;
}

function figure({ bytes, type, caption }: ReportPicture): string {
  const text = escaped(caption);
  return `<figure><img src="data:${type};base64,${base64(bytes)}" alt="${text}"><figcaption>${text}</figcaption></figure>`;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  // In pieces: arguments of a call are limited in number.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => entities[c]!);

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem; border-bottom: 1px solid #ccc; text-align: right; }
th:first-child { text-align: left; } dt { font-weight: 600; } dd { margin: 0 0 .3rem; overflow-wrap: anywhere; }
div { display: flex; flex-wrap: wrap; gap: 1rem; } figure { width: 14rem; margin: 1rem 0; } img { max-width: 100%; }`;
