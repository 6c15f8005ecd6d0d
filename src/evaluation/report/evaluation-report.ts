import { divaRuleNames } from '../diva-style.ts';
import { chanceAt, type Scores, type ScoresComparison } from '../evaluation.ts';
import type { LearnedScore } from '../learned.ts';
import { chanceScore } from '../mmvp.ts';
import { runsOf } from '../runs.ts';
import { bootstrapInterval, signed } from '../statistics.ts';
import { selectionWarning } from '../verdicts.ts';
import type { Report, ReportPicture, ReportTable } from './table.ts';

/** One model of a report. The first is what the others are compared with. */
export interface ReportedModel {
  name: string;
  scores: Scores;
  /** Against the first model; undefined for the first. */
  against?: ScoresComparison;
}

export interface ReportContext {
  /** How the figures were made: models and their hashes, data and their hashes, mode, seeds, versions. */
  facts: Report['facts'];
  /** What is unusual about the data, such as rows of the benchmark, texts that were cut, images left out. */
  warnings?: readonly string[];
  pictures?: { mmvp?: readonly ReportPicture[]; zeroShot?: readonly ReportPicture[] };
}

/** Tables with one column a model, their comparison with the first model underneath. */
export function evaluationReport(models: readonly ReportedModel[], context: ReportContext): Report {
  return {
    title: 'Evaluation of image encoders',
    facts: [...context.facts, ...(context.warnings ?? []).map((text) => ['Warning', text] as const)],
    tables: [
      ...mmvpTable(models, context),
      ...divaStyleTable(models),
      ...zeroShotTables(models, context),
      ...retrievalTable(models),
      ...learnedTable(models),
      ...segmentationTable(models),
      ...runsTable(models),
    ],
  };
}

/** The official benchmark's name is for its own form alone. */
export const benchmarkName = (official: boolean): string => (official ? 'MMVP-VLM' : 'MMVP-style');

function mmvpTable(models: readonly ReportedModel[], context: ReportContext): ReportTable[] {
  const scores = allOf(models, ({ mmvp }) => mmvp);
  const [first] = scores;
  if (!first) return [];
  const table = patternTable(models, scores, {
    title: benchmarkName(first.official),
    totals: [
      ['Total', ...scores.map(({ total }) => total)],
      ['Total, 95% interval', ...scores.map(({ patterns, pairs }) => interval(byPattern(patterns, pairs)))],
    ],
    notes: notes(models, ({ mmvp }) => mmvp?.verdict),
  });
  return [{ ...table, ...(context.pictures?.mmvp?.length ? { pictures: context.pictures.mmvp } : {}) }];
}

function divaStyleTable(models: readonly ReportedModel[]): ReportTable[] {
  const scores = allOf(models, ({ divaStyle }) => divaStyle);
  const [first] = scores;
  if (!first) return [];
  const several = first.seeds.length > 1;
  const drawn = first.seeds.length > 0;
  return [
    patternTable(models, scores, {
      title: `${benchmarkName(first.official)}, DIVA-style embedding`,
      totals: [
        [several ? 'Total, mean over the seeds' : 'Total', ...scores.map(({ total }) => total)],
        ...(several ? [['Total, spread', ...scores.map(({ spread }) => `± ${spread!.toFixed(1)}`)]] : []),
      ],
      notes: [
        `Image embedding: ${divaRuleNames[first.rule]}. Not the official score: it is comparable with DIVA’s own figures alone.`,
        ...(drawn
          ? [
              `Patches are drawn anew for every statement; ${several ? 'seeds' : 'seed'} ${first.seeds.map(({ seed }) => seed).join(', ')}, patterns of the first.`,
            ]
          : []),
        ...notes(models, ({ divaStyle }) => divaStyle?.verdict),
      ],
    }),
  ];
}

/** Scores by visual pattern, totals and guessing underneath. */
function patternTable(
  models: readonly ReportedModel[],
  scores: readonly { patterns: readonly { name: string; score: number }[] }[],
  { title, totals, notes }: Pick<ReportTable, 'title'> & { totals: ReportTable['rows']; notes: string[] },
): ReportTable {
  return {
    title,
    columns: ['Pattern', ...models.map(({ name }) => name)],
    rows: [
      ...scores[0]!.patterns.map(({ name }, i) => [
        name,
        ...scores.map(({ patterns }) => patterns[i]!.score),
      ]),
      ...totals,
      ['Guessing', ...scores.map(() => chanceScore)],
    ],
    notes: [...notes, ...selection(models, title)],
  };
}

function zeroShotTables(models: readonly ReportedModel[], context: ReportContext): ReportTable[] {
  const scores = allOf(models, ({ zeroShot }) => zeroShot);
  const [first] = scores;
  if (!first) return [];
  const guess = (k: number) => scores.map(({ classes }) => chanceAt(k, classes.length));
  const table: ReportTable = {
    title: 'Zero-shot classification',
    columns: ['Measure', ...models.map(({ name }) => name)],
    rows: [
      ['Top-1', ...scores.map(({ top1 }) => top1)],
      [
        'Top-1, 95% interval',
        ...scores.map(({ ranks }) => interval([ranks.map((rank) => Number(rank === 1))])),
      ],
      ['Top-1, guessing', ...guess(1)],
      ['Top-5', ...scores.map(({ top5 }) => top5)],
      ['Top-5, guessing', ...guess(5)],
      ['Mean per class', ...scores.map(({ meanPerClass }) => meanPerClass)],
      ...first.classes.map((c, i) => [
        `Class: ${c.name}`,
        ...scores.map((score) => score.classes[i]!.top1 ?? 'no images'),
      ]),
    ],
    notes: [
      ...notes(models, ({ zeroShot }) => zeroShot?.verdict),
      ...notes(models, ({ guard }) => guard?.verdict),
      ...selection(models, 'these classes'),
    ],
    ...(context.pictures?.zeroShot?.length ? { pictures: context.pictures.zeroShot } : {}),
  };
  const confusions = scores.map(({ classes, confusion }, i): ReportTable => {
    const names = classes.map(({ name }) => name);
    return {
      title: `Confusion of ${models[i]!.name}`,
      columns: ['Class', ...names],
      rows: confusion.map((row, at) => [names[at]!, ...row.map(String)]),
    };
  });
  return [table, ...confusions];
}

function retrievalTable(models: readonly ReportedModel[]): ReportTable[] {
  const scores = allOf(models, ({ retrieval }) => retrieval);
  const [first] = scores;
  if (!first) return [];
  const images = first.imageToText.queries;
  const captions = first.textToImage.queries;
  const guess = {
    // On average over images an image has so many captions.
    imageToText: (k: number) => chanceAt(k, captions, captions / images),
    textToImage: (k: number) => chanceAt(k, images),
  };
  const ways = [
    ['imageToText', 'Image to text'],
    ['textToImage', 'Text to image'],
  ] as const;
  return [
    {
      title: 'Retrieval',
      columns: ['Recall', ...models.map(({ name }) => name)],
      rows: ways.flatMap(([way, name]) =>
        ([1, 5, 10] as const).flatMap((k) => [
          [`${name} R@${k}`, ...scores.map((score) => score[way][`at${k}`])],
          [`${name} R@${k}, guessing`, ...scores.map(() => guess[way](k))],
        ]),
      ),
      notes: [
        ...notes(models, ({ retrieval }) =>
          retrieval ? `image to text at 1: ${retrieval.imageToText.verdict}` : undefined,
        ),
        ...notes(models, ({ retrieval }) =>
          retrieval ? `text to image at 1: ${retrieval.textToImage.verdict}` : undefined,
        ),
        ...selection(models, 'these captions'),
      ],
    },
  ];
}

function learnedTable(models: readonly ReportedModel[]): ReportTable[] {
  const knn = allOf(models, (scores) => scores.knn);
  const probe = allOf(models, (scores) => scores.probe);
  const part = knn[0] ?? probe[0];
  if (!part) return [];
  const rows = (name: string, scores: readonly LearnedScore[]) =>
    scores.length === 0
      ? []
      : [
          [name, ...scores.map(({ accuracy }) => accuracy)],
          ...(part.seeds.length > 1
            ? [[`${name}, spread`, ...scores.map(({ spread }) => `± ${spread!.toFixed(1)}`)]]
            : []),
        ];
  return [
    {
      title: 'Learned from labels',
      columns: ['Accuracy', ...models.map(({ name }) => name)],
      rows: [
        ...rows('k-NN', knn),
        ...rows('Linear probe', probe),
        ['Guessing', ...models.map(() => chanceAt(1, part.classes))],
      ],
      notes: [
        `${part.train} images to learn from, ${part.test} to test on; ${part.seeds.length === 1 ? 'seed' : 'mean over the seeds'} ${part.seeds.map(({ seed }) => seed).join(', ')}.`,
        ...notes(models, (against) => (against.knn ? `k-NN: ${against.knn.verdict}` : undefined)),
        ...notes(models, (against) => (against.probe ? `linear probe: ${against.probe.verdict}` : undefined)),
        ...selection(models, 'these classes'),
      ],
    },
  ];
}

function segmentationTable(models: readonly ReportedModel[]): ReportTable[] {
  const scores = allOf(models, ({ segmentation }) => segmentation);
  const [first] = scores;
  if (!first) return [];
  return [
    {
      title: 'Zero-shot segmentation',
      columns: ['Measure', ...models.map(({ name }) => name)],
      rows: [
        ['Mean IoU', ...scores.map(({ meanIou }) => meanIou)],
        ['Pixel accuracy', ...scores.map(({ pixelAccuracy }) => pixelAccuracy)],
        ['Pixel accuracy, guessing', ...scores.map(({ classes }) => chanceAt(1, classes.length))],
        ...first.classes.map(({ name }, i) => [
          `IoU: ${name}`,
          ...scores.map(({ classes }) => classes[i]!.iou ?? 'not present'),
        ]),
      ],
      notes: [
        `${first.images} images with masks, each squeezed into the encoder's square.`,
        ...selection(models, 'these masks'),
      ],
    },
  ];
}

function runsTable(models: readonly ReportedModel[]): ReportTable[] {
  const runs = runsOf(models.map(({ scores }) => scores));
  if (runs.length === 0) return [];
  return [
    {
      title: 'The compared models as runs of one recipe',
      columns: ['Measure', models[0]!.name, 'Mean', 'Spread', 'Change', '95% interval'],
      rows: runs.map(
        ({
          name,
          summary: {
            baseline,
            mean,
            spread,
            difference,
            interval: [low, high],
          },
        }) => [
          name,
          baseline,
          mean,
          `± ${spread.toFixed(1)}`,
          signed(difference),
          `${signed(low)} to ${signed(high)}`,
        ],
      ),
      notes: runs.map(({ name, summary }) => `${name}: ${summary.verdict}`),
    },
  ];
}

/** 95% bootstrap interval of a score, the mean over groups of the share that is right. */
function interval(groups: readonly (readonly number[])[]): string {
  // Large sets need fewer resamples for one decimal, and would take seconds with all.
  const items = groups.reduce((sum, group) => sum + group.length, 0);
  const resamples = Math.max(1000, Math.min(10_000, Math.floor(1e7 / items)));
  const [low, high] = bootstrapInterval(groups, resamples, 0);
  return `${low.toFixed(1)} to ${high.toFixed(1)}`;
}

const byPattern = (
  patterns: readonly { name: string }[],
  pairs: readonly { pattern: string; correct: boolean }[],
): number[][] =>
  patterns.map(({ name }) =>
    pairs.filter(({ pattern }) => pattern === name).map(({ correct }) => Number(correct)),
  );

/** The models' part, where all have it. */
function allOf<T>(models: readonly ReportedModel[], part: (scores: Scores) => T | undefined): T[] {
  const found = models.flatMap(({ scores }) => part(scores) ?? []);
  return found.length === models.length ? found : [];
}

function notes(
  models: readonly ReportedModel[],
  say: (against: ScoresComparison) => string | undefined,
): string[] {
  return models.flatMap(({ name, against }) => {
    const text = against && say(against);
    return text === undefined ? [] : [`${name}: ${text}`];
  });
}

function selection(models: readonly ReportedModel[], benchmark: string): string[] {
  const warning = selectionWarning(models.length - 1, benchmark);
  return warning ? [`${warning}.`] : [];
}
