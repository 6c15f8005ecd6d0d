import { compareScores } from '../../src/evaluation/evaluation.ts';
import { neighbours, probeC } from '../../src/evaluation/learned.ts';
import {
  benchmarkName,
  evaluationReport,
  type ReportedModel,
} from '../../src/evaluation/report/evaluation-report.ts';
import { cellText, type Report, type ReportPicture } from '../../src/evaluation/report/table.ts';
import type { Evaluation, EvaluationData, Settings } from './evaluate-model.ts';

/** Pairs that the page shows at most. */
const shownPairs = 30;

/** The report of everything that was scored; the first model is what the others are compared with. */
export async function reportOf(
  results: readonly Evaluation[],
  data: EvaluationData,
  settings: Pick<Settings, 'mode' | 'seeds'>,
  withPictures: boolean,
): Promise<Report> {
  const last = results.at(-1)?.mmvp;
  const pictures = withPictures && last ? { mmvp: await failedPairs(last, data) } : {};
  return evaluationReport(compared(results), {
    facts: [
      ['Models', results.map(({ model }) => model).join(', ')],
      ['Pixels', settings.mode],
      ['Seeds', settings.seeds.join(', ')],
    ],
    warnings: results[0]?.warnings ?? [],
    pictures,
  });
}

/** Every model with its comparison with the first. */
function compared(results: readonly Evaluation[]): ReportedModel[] {
  const [first] = results;
  return results.map((scores, i) => ({
    name: scores.model,
    scores,
    ...(i > 0 ? { against: compareScores(first!, scores) } : {}),
  }));
}

const types = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' } as const;

/** Both pictures of pairs that the last model got wrong. */
async function failedPairs(
  { pairs }: NonNullable<Evaluation['mmvp']>,
  { mmvp }: EvaluationData,
): Promise<ReportPicture[]> {
  const pictures: ReportPicture[] = [];
  for (const { index, pattern } of pairs.filter(({ correct }) => !correct).slice(0, shownPairs)) {
    for (const row of [2 * index, 2 * index + 1]) {
      const { path, blob } = mmvp!.images[row]!;
      const kind = path.slice(path.lastIndexOf('.') + 1).toLowerCase() as keyof typeof types;
      pictures.push({
        bytes: new Uint8Array(await blob.arrayBuffer()),
        type: types[kind],
        caption: `Missed pair ${index + 1} (${pattern}): ${mmvp!.rows[row]!.statement}`,
      });
    }
  }
  return pictures;
}

/** Everything as one JSON object; a single model's parts lie at the top. */
export function evaluationJson(results: readonly Evaluation[]): string {
  const [first, ...others] = compared(results).map(({ against }, i) => ({ ...plain(results[i]!), against }));
  return `${JSON.stringify({ ...first, ...(others.length > 0 ? { compare: others } : {}) })}\n`;
}

function plain({ mmvp, knn, probe, ...rest }: Evaluation) {
  return {
    ...rest,
    mmvp: mmvp && {
      benchmark: benchmarkName(mmvp.official),
      total: mmvp.total,
      patterns: Object.fromEntries(mmvp.patterns.map(({ name, score }) => [name, score])),
      pairs: mmvp.pairs.map(({ correct }) => correct),
    },
    knn: knn && { ...knn, neighbours },
    probe: probe && { ...probe, c: probeC },
  };
}

/** The tables as text for a terminal; confusion matrices stay in the files. */
export function listing(report: Report): string {
  const blocks = report.tables
    .filter(({ title }) => !title.startsWith('Confusion of '))
    .map(({ title, columns, rows, notes }) => {
      const lines = [[title, ...columns.slice(1)], ...rows].map((row) => row.map(cellText));
      const widths = lines[0]!.map((_, i) => Math.max(...lines.map((row) => row[i]!.length)));
      const text = lines.map((row) =>
        row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
      );
      return [...text, ...(notes ?? [])].join('\n');
    });
  return `${blocks.join('\n\n')}\n`;
}
