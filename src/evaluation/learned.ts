import { splitByClass } from './class-folder.ts';
import { type EmbeddingTable, embeddingTable, normaliseRows, productsPerPause } from './embeddings.ts';
import { Neighbours } from './knn.ts';
import { fitProbe, probePredict } from './linear-probe.ts';
import { deviation, mean, mulberry32 } from './statistics.ts';

/** Accuracy of what learns from part of the labels and is tested on the rest, over seeds of the split. */
export interface LearnedScore {
  /** Mean over the seeds, in percent of the held-out images. */
  accuracy: number;
  /** Standard deviation over the seeds (n - 1), in points; undefined for one seed. */
  spread: number | undefined;
  seeds: { seed: number; accuracy: number }[];
  /** Whether each held-out image of the first seed was right: what two encoders are paired by. */
  correct: boolean[];
  train: number;
  test: number;
  /** Guessing is right once in so many. */
  classes: number;
}

/** Neighbours of the k-NN protocol that self-supervised encoders are compared by (Caron et al. 2021, table 2). */
export const neighbours = 20;
/** Share of each class to learn from. */
const trainShare = 0.8;
/** Inverse penalty on features of length 1 times the square root of their number. */
export const probeC = 1;

export interface LearningData {
  /** [labels.length, width], any length. */
  embeddings: Float32Array;
  labels: readonly number[];
  classes: number;
}

/**
 * Classifies the held-out images by the nearest neighbours or by a linear probe, once for each seed of the split.
 *
 * @param pause called between parts of the work with the share that is done, from 0 to 1: it may throw
 * @returns undefined when no class has two images, so that nothing can be held out
 */
export async function learnFromLabels(
  method: 'knn' | 'probe',
  data: LearningData,
  seeds: readonly number[],
  pause: (share: number) => Promise<void> = async () => {},
): Promise<LearnedScore | undefined> {
  const { embeddings, labels, classes } = data;
  const table = normaliseRows(embeddingTable(embeddings, labels.length, 'images'), 'image');
  const scores: { seed: number; accuracy: number; correct: boolean[] }[] = [];
  let sizes = { train: 0, test: 0 };
  for (const [i, seed] of seeds.entries()) {
    const within = (share: number) => pause((i + share) / seeds.length);
    const { train, test } = splitByClass(labels, trainShare, mulberry32(seed));
    if (test.length === 0) return undefined;
    sizes = { train: train.length, test: test.length };
    await within(0);
    const predicted =
      method === 'knn'
        ? await byNeighbours(table, labels, train, test, within)
        : await byProbe(table, labels, classes, { train, test }, within);
    const correct = predicted.map((label, i) => label === labels[test[i]!]);
    scores.push({ seed, correct, accuracy: (100 * correct.filter(Boolean).length) / test.length });
  }
  const accuracies = scores.map(({ accuracy }) => accuracy);
  return {
    accuracy: mean(accuracies),
    spread: deviation(accuracies),
    seeds: scores.map(({ seed, accuracy }) => ({ seed, accuracy })),
    correct: scores[0]!.correct,
    ...sizes,
    classes,
  };
}

async function byNeighbours(
  table: EmbeddingTable,
  labels: readonly number[],
  train: readonly number[],
  test: readonly number[],
  pause: (share: number) => Promise<void>,
): Promise<number[]> {
  const known = new Neighbours(
    rowsOf(table, train, 1),
    train.map((row) => labels[row]!),
  );
  const predicted: number[] = [];
  const part = Math.max(1, Math.floor(productsPerPause / (train.length * table.width)));
  for (let from = 0; from < test.length; from += part) {
    const asked = test.slice(from, from + part);
    predicted.push(...known.predict(rowsOf(table, asked, 1), asked.length, neighbours));
    await pause(Math.min(1, (from + part) / test.length));
  }
  return predicted;
}

async function byProbe(
  table: EmbeddingTable,
  labels: readonly number[],
  classes: number,
  { train, test }: { train: readonly number[]; test: readonly number[] },
  pause: (share: number) => Promise<void>,
): Promise<number[]> {
  const scale = Math.sqrt(table.width);
  const trainLabels = train.map((row) => labels[row]!);
  const probe = await fitProbe(rowsOf(table, train, scale), trainLabels, classes, probeC, pause);
  return probePredict(probe, rowsOf(table, test, scale), test.length);
}

function rowsOf({ width, values }: EmbeddingTable, rows: readonly number[], scale: number): Float32Array {
  const picked = new Float32Array(rows.length * width);
  for (const [to, row] of rows.entries()) {
    for (let i = 0; i < width; i++) picked[to * width + i] = scale * values[row * width + i]!;
  }
  return picked;
}
