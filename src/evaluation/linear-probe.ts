import { embeddingTable, productsPerPause } from './embeddings.ts';
import { gradientTolerance, minimise } from './minimise.ts';

export interface LinearProbe {
  /** [classes, width]. */
  weights: Float64Array;
  /** [classes]; they sum to 0, as a shift of all changes nothing. */
  bias: Float64Array;
  classes: number;
  width: number;
}

/**
 * Fits multinomial logistic regression with an L2 penalty on the weights and none on the bias: it minimises
 * c * (sum of cross entropies) + |weights|^2 / 2, the objective of scikit-learn's `LogisticRegression(C=c)`.
 *
 * @param features [labels.length, width]
 * @param labels class of each row, from 0 to classes - 1
 * @param c inverse strength of the penalty
 * @param pause called every few million products with the share of the work that is done, from 0 to 1: it may throw
 * @throws Error when sizes disagree
 */
export async function fitProbe(
  features: Float32Array,
  labels: readonly number[],
  classes: number,
  c: number,
  pause: (share: number) => Promise<void> = async () => {},
): Promise<LinearProbe> {
  if (!(c > 0 && Number.isFinite(c)))
    throw new RangeError(`The penalty's inverse is ${c}: give a number above 0`);
  const { width, values } = embeddingTable(features, labels.length, 'images');
  const rows = labels.length;
  const stray = labels.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (stray >= 0) throw new Error(`Image ${stray + 1} has the class ${labels[stray]} of ${classes}`);
  const biasAt = classes * width;
  // Divided by c * rows, so that one tolerance suits every size.
  const penalty = 1 / (c * rows);
  const scores = new Float64Array(classes);
  const perPause = Math.max(1, Math.floor(productsPerPause / (2 * classes * width)));
  let share = 0;
  let since = 0;
  const loss = async (x: Float64Array, gradient: Float64Array): Promise<number> => {
    let sum = 0;
    gradient.fill(0);
    for (let row = 0; row < rows; row++) {
      if (++since >= perPause) {
        since = 0;
        await pause(share);
      }
      sum -= softmaxInto(scores, x, values, row * width, width)[labels[row]!]!;
      for (let k = 0; k < classes; k++) {
        const error = (Math.exp(scores[k]!) - (labels[row] === k ? 1 : 0)) / rows;
        gradient[biasAt + k]! += error;
        const to = k * width;
        for (let i = 0; i < width; i++) gradient[to + i]! += error * values[row * width + i]!;
      }
    }
    let squares = 0;
    for (let i = 0; i < biasAt; i++) {
      squares += x[i]! ** 2;
      gradient[i]! += penalty * x[i]!;
    }
    return sum / rows + (penalty * squares) / 2;
  };
  const solution = await minimise(loss, new Float64Array(biasAt + classes), {
    // The gradient falls by about the same factor each step, so its logarithm tells how far the work is.
    onStep: (first, now) => {
      const way = Math.log(first / gradientTolerance);
      if (way > 0 && now > 0) share = Math.max(share, Math.min(1, Math.log(first / now) / way));
    },
  });
  const bias = solution.slice(biasAt);
  const mean = bias.reduce((a, b) => a + b, 0) / classes;
  return { weights: solution.slice(0, biasAt), bias: bias.map((b) => b - mean), classes, width };
}

/** Class probabilities of each row, [rows, classes]. */
export function probeProbabilities(probe: LinearProbe, features: Float32Array, rows: number): Float64Array {
  const { width, values } = embeddingTable(features, rows, 'images');
  if (width !== probe.width)
    throw new Error(`Features of ${width} elements; the probe learned ${probe.width}`);
  const x = new Float64Array(probe.weights.length + probe.classes);
  x.set(probe.weights);
  x.set(probe.bias, probe.weights.length);
  const scores = new Float64Array(probe.classes);
  const all = new Float64Array(rows * probe.classes);
  for (let row = 0; row < rows; row++) {
    all.set(softmaxInto(scores, x, values, row * width, width).map(Math.exp), row * probe.classes);
  }
  return all;
}

/** The likeliest class of each row. */
export function probePredict(probe: LinearProbe, features: Float32Array, rows: number): number[] {
  const probabilities = probeProbabilities(probe, features, rows);
  return Array.from({ length: rows }, (_, row) => {
    const own = probabilities.subarray(row * probe.classes, (row + 1) * probe.classes);
    return own.indexOf(Math.max(...own));
  });
}

/** Logarithms of the class probabilities of one row; parameters are weights, then biases. */
function softmaxInto(
  scores: Float64Array,
  parameters: Float64Array,
  values: Float32Array,
  at: number,
  width: number,
): Float64Array {
  const classes = scores.length;
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) {
    let score = parameters[classes * width + k]!;
    for (let i = 0; i < width; i++) score += parameters[k * width + i]! * values[at + i]!;
    scores[k] = score;
    largest = Math.max(largest, score);
  }
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += Math.exp(scores[k]! - largest);
  const total = largest + Math.log(sum);
  for (let k = 0; k < classes; k++) scores[k]! -= total;
  return scores;
}
