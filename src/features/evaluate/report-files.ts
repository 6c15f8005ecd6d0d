import type { EvaluationResult } from '../../../workers/protocol.ts';
import { csvReport } from '../../evaluation/report/csv.ts';
import { evaluationReport, type ReportContext } from '../../evaluation/report/evaluation-report.ts';
import { htmlReport } from '../../evaluation/report/html.ts';
import { latexReport } from '../../evaluation/report/latex.ts';
import type { Report, ReportPicture } from '../../evaluation/report/table.ts';
import { suiteName } from '../../evaluation/verdicts.ts';
import { engine } from '../shared/engine.ts';
import type { Shown } from './store.ts';

export type ReportKind = 'csv' | 'json' | 'latex' | 'html';

/** Missed pairs that a page shows at most. */
const shownPairs = 30;
/** Images taken for another class that a page shows at most. */
const shownImages = 24;

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
      return file('evaluation.html', htmlReport(reportOf(shown, await picturesOf(shown))), 'text/html');
  }
}

const file = (name: string, text: string, type: string) => ({ name, blob: new Blob([text], { type }) });

const jsonOf = ({ results, comparisons, candidates }: Shown) => ({
  about: Object.fromEntries(factsOf({ results, candidates })),
  results,
  comparisons: comparisons.map((comparison, i) => ({
    before: results[0]!.name,
    after: results[i + 1]!.name,
    ...comparison,
  })),
});

function reportOf(shown: Shown, pictures: ReportContext['pictures'] = {}): Report {
  const { results, comparisons } = shown;
  return evaluationReport(
    results.map(({ name, scores }, i) => ({
      name,
      scores,
      ...(i > 0 ? { against: comparisons[i - 1]! } : {}),
    })),
    { facts: factsOf(shown), warnings: [...new Set(results.flatMap((result) => result.warnings))], pictures },
  );
}

/** How the figures were made. */
function factsOf({
  results,
  candidates,
}: Pick<Shown, 'results' | 'candidates'>): [name: string, value: string][] {
  const first = results[0]!;
  return [
    ['Suite', suiteName],
    ['Models', results.map(({ name, modelHash }) => `${name} (${modelHash})`).join('; ')],
    ['Data', first.sets.map(({ name, hash }) => `${name} (${hash})`).join('; ')],
    ['Pixels', first.mode],
    ['Prompt templates', first.templates.name],
    ['Seeds', first.seeds.join(', ')],
    ['Provider', [...new Set(results.map(({ provider }) => provider))].join(', ')],
    ['Checkpoints scored on this data', String(candidates)],
    ['Software', first.versions.join(', ')],
    ['Made', first.createdAt],
  ];
}

const types = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' } as const;

/** Where the last model goes wrong. */
async function picturesOf({ results }: Shown): Promise<NonNullable<ReportContext['pictures']>> {
  const last = results.at(-1)!;
  return { mmvp: await missedPairs(last), zeroShot: await missedImages(last) };
}

async function missedPairs({ scores: { mmvp } }: EvaluationResult): Promise<ReportPicture[]> {
  const missed = mmvp?.pairs.filter(({ correct }) => !correct).slice(0, shownPairs) ?? [];
  const found = missed.flatMap(({ images, index, pattern, statements }) =>
    images.map((path, i) =>
      picture(mmvp!.benchmark, path, `Missed pair ${index + 1} (${pattern}): ${statements[i]}`),
    ),
  );
  return (await Promise.all(found)).flat();
}

async function missedImages({ classes, scores: { zeroShot } }: EvaluationResult): Promise<ReportPicture[]> {
  if (classes === null || !zeroShot) return [];
  const paths = await engine().imagePaths(classes);
  const missed = [...zeroShot.ranks.keys()].filter((image) => zeroShot.ranks[image] !== 1);
  const found = missed.slice(0, shownImages).map((image) => {
    const taken = zeroShot.classes[zeroShot.predictions[image]!]!.name;
    return picture(classes, paths[image]!, `${paths[image]}: taken for ${taken}`);
  });
  return (await Promise.all(found)).flat();
}

/** None for a kind of file that pages do not carry. */
async function picture(owner: string, path: string, caption: string): Promise<ReportPicture[]> {
  const type = types[path.slice(path.lastIndexOf('.') + 1).toLowerCase() as keyof typeof types];
  if (type === undefined) return [];
  const blob = await engine().file(owner, path);
  return [{ bytes: new Uint8Array(await blob.arrayBuffer()), type, caption }];
}
