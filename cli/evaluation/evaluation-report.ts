import { chanceScore, type MmvpScore } from '../../src/evaluation/mmvp.ts';
import {
  cellText,
  type Report,
  type ReportPicture,
  type ReportTable,
} from '../../src/evaluation/report/table.ts';
import { comparePairs, type PairedComparison } from '../../src/evaluation/statistics.ts';
import { selectionWarning, zeroShotGuard } from '../../src/evaluation/verdicts.ts';
import type { Evaluation, EvaluationData } from './evaluate-model.ts';

/** Pairs that the page shows at most. */
const shownPairs = 30;

/** Tables with one column a model; the first model is what the others are compared with. */
export async function evaluationReport(
  results: readonly Evaluation[],
  data: EvaluationData,
  mode: string,
  withPictures: boolean,
): Promise<Report> {
  const models = results.map(({ model }) => model);
  const tables: ReportTable[] = [];
  const [first] = results;
  if (first?.mmvp) {
    const scores = results.map(({ mmvp }) => mmvp!);
    const name = benchmarkName(first.mmvp);
    const warning = selectionWarning(results.length - 1, name);
    tables.push({
      title: name,
      columns: ['Pattern', ...models],
      rows: [
        ...first.mmvp.patterns.map((pattern, i) => [
          pattern.name,
          ...scores.map((s) => s.patterns[i]!.score),
        ]),
        ['Total', ...scores.map(({ total }) => total)],
        ['Guessing', ...scores.map(() => chanceScore)],
      ],
      notes: [
        ...first.warnings,
        ...comparisons(results).map(({ model, mmvp }) => `${model}: ${mmvp?.verdict}`),
        ...(warning ? [`${warning}.`] : []),
      ],
      ...(withPictures ? { pictures: await failedPairs(scores.at(-1)!, data) } : {}),
    });
  }
  if (first?.zeroShot) {
    const scores = results.map(({ zeroShot }) => zeroShot!);
    tables.push({
      title: 'Zero-shot classification',
      columns: ['Measure', ...models],
      rows: [
        ['Top-1', ...scores.map(({ top1 }) => top1)],
        ['Top-5', ...scores.map(({ top5 }) => top5)],
        ['Mean per class', ...scores.map(({ meanPerClass }) => meanPerClass)],
        ...first.zeroShot.classes.map((c, i) => [
          `Class: ${c.name}`,
          ...scores.map((score) => score.classes[i]!.top1 ?? 'no images'),
        ]),
      ],
      notes: comparisons(results).flatMap(({ model, zeroShot, guard }) => [
        `${model}: ${zeroShot?.verdict}`,
        `${model}: ${guard?.verdict}`,
      ]),
    });
    tables.push(...scores.map((score, i) => confusionTable(models[i]!, score)));
  }
  const learned = [
    ['k-NN', ...results.flatMap(({ knn }) => knn?.accuracy ?? [])],
    ['Linear probe', ...results.flatMap(({ probe }) => probe?.accuracy ?? [])],
  ].filter((row) => row.length > 1);
  if (learned.length > 0) {
    const part = first?.knn ?? first?.probe;
    tables.push({
      title: 'Learned from labels',
      columns: ['Accuracy', ...models],
      rows: learned,
      notes: [`${part?.train} images to learn from, ${part?.test} to test on.`],
    });
  }
  if (first?.retrieval) {
    const recall = (way: 'imageToText' | 'textToImage', key: 'at1' | 'at5' | 'at10') =>
      results.map(({ retrieval }) => retrieval![way][key]);
    tables.push({
      title: 'Retrieval',
      columns: ['Recall', ...models],
      rows: (['imageToText', 'textToImage'] as const).flatMap((way) =>
        (['at1', 'at5', 'at10'] as const).map((key) => [
          `${way === 'imageToText' ? 'Image to text' : 'Text to image'} R@${key.slice(2)}`,
          ...recall(way, key),
        ]),
      ),
    });
  }
  return {
    title: 'Evaluation of image encoders',
    facts: [
      ['Models', models.join(', ')],
      ['Pixels', mode],
    ],
    tables,
  };
}

const benchmarkName = (score: MmvpScore): string => (score.official ? 'MMVP-VLM' : 'MMVP-style');

function confusionTable(
  model: string,
  { classes, confusion }: NonNullable<Evaluation['zeroShot']>,
): ReportTable {
  const names = classes.map(({ name }) => name);
  return {
    title: `Confusion of ${model}`,
    columns: ['Class', ...names],
    rows: confusion.map((row, i) => [names[i]!, ...row.map(String)]),
  };
}

/** The later models against the first. */
function comparisons(results: readonly Evaluation[]) {
  const [first, ...others] = results;
  return others.map((other) => ({
    model: other.model,
    mmvp: first?.mmvp && other.mmvp && comparePairs(first.mmvp.pairs, other.mmvp.pairs),
    zeroShot: first?.zeroShot && other.zeroShot && compareImages(first.zeroShot, other.zeroShot),
    guard: first?.zeroShot && other.zeroShot && zeroShotGuard(first.zeroShot.top1, other.zeroShot.top1),
  }));
}

type Ranked = Pick<NonNullable<Evaluation['zeroShot']>, 'ranks'>;

function compareImages(before: Ranked, after: Ranked): PairedComparison {
  const outcomes = ({ ranks }: Ranked) => ranks.map((rank) => ({ pattern: 'all', correct: rank === 1 }));
  return comparePairs(outcomes(before), outcomes(after), { noun: 'image' });
}

const types = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' } as const;

/** Both pictures of pairs that the last model got wrong. */
async function failedPairs({ pairs }: MmvpScore, { mmvp }: EvaluationData): Promise<ReportPicture[]> {
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
  const [first, ...others] = results.map(plain);
  const compared = comparisons(results);
  const compare = others.map((other, i) => ({ ...other, against: compared[i] }));
  return `${JSON.stringify({ ...first, ...(compare.length > 0 ? { compare } : {}) })}\n`;
}

function plain({ mmvp, retrieval, ...rest }: Evaluation) {
  return {
    ...rest,
    mmvp: mmvp && {
      benchmark: benchmarkName(mmvp),
      total: mmvp.total,
      patterns: Object.fromEntries(mmvp.patterns.map(({ name, score }) => [name, score])),
      pairs: mmvp.pairs.map(({ correct }) => correct),
    },
    retrieval,
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
