import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { compareScores } from '../../src/evaluation/evaluation.ts';
import { neighbours, probeC } from '../../src/evaluation/learned.ts';
import {
  benchmarkName,
  evaluationReport,
  type ReportedModel,
} from '../../src/evaluation/report/evaluation-report.ts';
import {
  cellText,
  type Report,
  type ReportPicture,
  type ReportTable,
} from '../../src/evaluation/report/table.ts';
import { suiteName } from '../../src/evaluation/verdicts.ts';
import type { Evaluation, EvaluationData, Settings } from './evaluate-model.ts';

/** Pairs that the page shows at most. */
const shownPairs = 30;
/** Images taken for another class that the page shows at most. */
const shownImages = 24;

type Given = EvaluationData & { own?: readonly NamedBlob[] | '' | undefined };
type Told = Pick<Settings, 'mode' | 'seeds' | 'templates'> & { suite: boolean; guard: number };

/** The report of everything that was scored; the first model is what the others are compared with. */
export async function reportOf(
  results: readonly Evaluation[],
  data: Given,
  settings: Told,
  withPictures: boolean,
): Promise<Report> {
  const last = results.at(-1)!;
  const pictures = withPictures
    ? { mmvp: await missedPairs(last, data), zeroShot: await missedImages(last, data) }
    : {};
  const report = evaluationReport(compared(results, settings.guard), {
    facts: factsOf(results, settings),
    warnings: [...new Set(results.flatMap(({ warnings }) => warnings))],
    pictures,
  });
  const blind = await blindPairsTable(results[0]!, data, withPictures);
  return { ...report, tables: [...report.tables, ...blind] };
}

/** How the figures were made. */
function factsOf(results: readonly Evaluation[], settings: Told): [name: string, value: string][] {
  const first = results[0]!;
  return [
    ...(settings.suite ? [['Suite', suiteName] as [string, string]] : []),
    ['Models', results.map(({ model, modelHash }) => `${model} (${modelHash})`).join('; ')],
    [
      'Data',
      Object.entries(first.data)
        .map(([part, hash]) => `${part} (${hash})`)
        .join('; '),
    ],
    ['Pixels', settings.mode],
    ['Prompt templates', String(settings.templates.length)],
    ['Seeds', settings.seeds.join(', ')],
    ['Provider', 'onnxruntime-node, cpu'],
    ['Software', software().join(', ')],
    ['Made', new Date().toISOString()],
  ];
}

function software(): string[] {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return [`Acuity ${version}`, `ONNX Runtime ${ort.env.versions.node ?? ort.env.versions.common}`];
}

/** Every model with its comparison with the first. */
function compared(results: readonly Evaluation[], guard: number): ReportedModel[] {
  const [first] = results;
  return results.map((scores, i) => ({
    name: scores.model,
    scores,
    ...(i > 0 ? { against: compareScores(first!, scores, { guard }) } : {}),
  }));
}

const types = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' } as const;

/** Both pictures of pairs that the last model got wrong. */
async function missedPairs({ mmvp: score }: Evaluation, { mmvp }: Given): Promise<ReportPicture[]> {
  const missed = score?.pairs.filter(({ correct }) => !correct).slice(0, shownPairs) ?? [];
  const found = missed.flatMap(({ index, pattern }) =>
    [2 * index, 2 * index + 1].map((row) =>
      picture(mmvp!.images[row]!, `Missed pair ${index + 1} (${pattern}): ${mmvp!.rows[row]!.statement}`),
    ),
  );
  return (await Promise.all(found)).flat();
}

/** Images that the last model took for another class. */
async function missedImages({ zeroShot, skipped }: Evaluation, { classes }: Given): Promise<ReportPicture[]> {
  if (!zeroShot || !classes) return [];
  const left = new Set(skipped.map(({ path }) => path));
  const scored = classes.images.filter(({ path }) => !left.has(path));
  const missed = [...zeroShot.ranks.keys()].filter((image) => zeroShot.ranks[image] !== 1);
  const found = missed.slice(0, shownImages).map((image) => {
    const file = scored[image]!;
    const taken = zeroShot.classes[zeroShot.predictions[image]!]!.name;
    return picture(file, `${file.path}: taken for ${taken}`);
  });
  return (await Promise.all(found)).flat();
}

/** None for a kind of file that pages do not carry. */
async function picture({ path, blob }: NamedBlob, caption: string): Promise<ReportPicture[]> {
  const type = types[path.slice(path.lastIndexOf('.') + 1).toLowerCase() as keyof typeof types];
  return type === undefined ? [] : [{ bytes: new Uint8Array(await blob.arrayBuffer()), type, caption }];
}

async function blindPairsTable(
  { model, blindPairs }: Evaluation,
  { own }: Given,
  withPictures: boolean,
): Promise<ReportTable[]> {
  if (!blindPairs || !own) return [];
  const { pairs, second, images, alike, different } = blindPairs;
  const byPath = new Map(own.map((file) => [file.path, file]));
  const shown = withPictures ? pairs.slice(0, shownPairs) : [];
  const pictures = shown.flatMap(({ images: both }, i) =>
    both.map((path) => picture(byPath.get(path)!, `Pair ${i + 1}: ${path}`)),
  );
  return [
    {
      title: 'Blind pairs',
      columns: ['Pair', 'First image', 'Second image', `Cosine by ${model}`, `Cosine by ${second}`],
      rows: pairs.map((pair, i) => [
        String(i + 1),
        ...pair.images,
        pair.alike.toFixed(4),
        pair.different.toFixed(4),
      ]),
      notes: [
        `Of ${images} images, the pairs above ${alike} by ${model} and below ${different} by ${second}, widest gap first.`,
      ],
      pictures: (await Promise.all(pictures)).flat(),
    },
  ];
}

/** Everything as one JSON object; a single model's parts lie at the top. */
export function evaluationJson(results: readonly Evaluation[], { suite, guard, mode }: Told): string {
  const models = compared(results, guard);
  const [first, ...others] = models.map(({ against }, i) => ({ ...plain(results[i]!), against }));
  const verdicts = models.flatMap(({ name, against }) =>
    against?.guard ? [{ model: name, ...against.guard }] : [],
  );
  const named = suite
    ? {
        name: suiteName,
        guard: {
          threshold: guard,
          passed: verdicts.length === 0 ? null : verdicts.every(({ passed }) => passed),
          verdicts,
        },
      }
    : undefined;
  const all = { ...first, mode, suite: named, ...(others.length > 0 ? { compare: others } : {}) };
  return `${JSON.stringify(all)}\n`;
}

function plain({ mmvp, divaStyle, knn, probe, ...rest }: Evaluation) {
  const patternsOf = (patterns: readonly { name: string; score: number }[]) =>
    Object.fromEntries(patterns.map(({ name, score }) => [name, score]));
  return {
    ...rest,
    mmvp: mmvp && {
      benchmark: benchmarkName(mmvp.official),
      total: mmvp.total,
      patterns: patternsOf(mmvp.patterns),
      pairs: mmvp.pairs.map(({ correct }) => correct),
    },
    divaStyle: divaStyle && {
      ...divaStyle,
      patterns: patternsOf(divaStyle.patterns),
      pairs: divaStyle.pairs.map(({ correct }) => correct),
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
