import { csvReport } from '../../evaluation/report/csv.ts';
import { evaluationReport } from '../../evaluation/report/evaluation-report.ts';
import { htmlReport } from '../../evaluation/report/html.ts';
import { latexReport } from '../../evaluation/report/latex.ts';
import type { Report, ReportPicture } from '../../evaluation/report/table.ts';
import { engine } from '../shared/engine.ts';
import type { Shown } from './store.ts';

export type ReportKind = 'csv' | 'json' | 'latex' | 'html';

/** Missed pairs that a page shows at most. */
const shownPairs = 30;

/** The results on view as a file. Only the page carries pictures. */
export async function reportFile(shown: Shown, kind: ReportKind): Promise<{ name: string; blob: Blob }> {
  switch (kind) {
    case 'json':
      return file('evaluation.json', `${JSON.stringify(jsonOf(shown), null, 2)}\n`, 'application/json');
    case 'csv':
      return file('evaluation.csv', csvReport(reportOf(shown)), 'text/csv');
    case 'latex':
      return file('evaluation.tex', latexReport(reportOf(shown)), 'application/x-tex');
    case 'html':
      return file('evaluation.html', htmlReport(reportOf(shown, await missedPairs(shown))), 'text/html');
  }
}

const file = (name: string, text: string, type: string) => ({ name, blob: new Blob([text], { type }) });

const jsonOf = ({ results, comparisons }: Shown) => ({
  about: Object.fromEntries(factsOf({ results, comparisons })),
  results,
  comparisons: comparisons.map((comparison, i) => ({
    before: results[0]!.name,
    after: results[i + 1]!.name,
    ...comparison,
  })),
});

function reportOf(shown: Shown, mmvp: readonly ReportPicture[] = []): Report {
  const { results, comparisons } = shown;
  return evaluationReport(
    results.map(({ name, scores }, i) => ({
      name,
      scores,
      ...(i > 0 ? { against: comparisons[i - 1]! } : {}),
    })),
    { facts: factsOf(shown), warnings: results[0]!.warnings, pictures: { mmvp } },
  );
}

/** How the figures were made. */
function factsOf({ results }: Shown): [name: string, value: string][] {
  const first = results[0]!;
  return [
    ['Models', results.map(({ name, modelHash }) => `${name} (${modelHash})`).join('; ')],
    ['Data', first.sets.map(({ name, hash }) => `${name} (${hash})`).join('; ')],
    ['Pixels', first.mode],
    ['Prompt templates', first.templates.name],
    ['Seeds', first.seeds.join(', ')],
    ['Provider', [...new Set(results.map(({ provider }) => provider))].join(', ')],
    ['Software', first.versions.join(', ')],
    ['Made', first.createdAt],
  ];
}

const types = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' } as const;

/** Both pictures of the pairs that the last model got wrong. */
async function missedPairs({ results }: Shown): Promise<ReportPicture[]> {
  const mmvp = results.at(-1)!.scores.mmvp;
  if (!mmvp) return [];
  const pictures: ReportPicture[] = [];
  for (const pair of mmvp.pairs.filter(({ correct }) => !correct).slice(0, shownPairs)) {
    for (const [i, path] of pair.images.entries()) {
      const type = types[path.slice(path.lastIndexOf('.') + 1).toLowerCase() as keyof typeof types];
      const blob = await engine().file(mmvp.benchmark, path);
      pictures.push({
        bytes: new Uint8Array(await blob.arrayBuffer()),
        type,
        caption: `Missed pair ${pair.index + 1} (${pair.pattern}): ${pair.statements[i]}`,
      });
    }
  }
  return pictures;
}
