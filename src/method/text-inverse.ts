import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Rows of equal width, one after another. */
export interface Rows {
  /** [count, width], row-major. */
  values: Float32Array;
  width: number;
}

/** What the map from embeddings of images to the teacher's text context is fitted on. No image has a caption here. */
export interface TextInverseSamples {
  /** Projected embeddings of images by the encoder as it came, not L2-normalised. */
  images: Rows;
  /** Projected embeddings of sentences by the encoder's text tower, not L2-normalised. */
  texts: Rows;
  /** The same sentences' states in the teacher's text encoder, at the end-of-text token. */
  states: Rows;
  /** The state of the caption-free prompt, to whose context the map's result is added. */
  emptyState: Float32Array;
  /** Leading principal directions of the sentences' embeddings that are matched; the rest is left out. */
  directions: number;
}

/** The affine map x W + b, as the condition's projection holds it. */
export interface AffineMap {
  /** [encoder width, context width], row-major. */
  weight: Float32Array;
  /** [context width] */
  bias: Float32Array;
}

/**
 * Fits the fixed affine map that says an image's embedding in the teacher's language, as the difference that a
 * sentence makes to the caption-free prompt's state.
 *
 * In the sentences' leading principal directions the images' mean and standard deviation are made the sentences' (the
 * modality gap would otherwise put images far from anything the teacher has read); from these coordinates the
 * sentences' states are found by least squares. Where encoder and teacher share one text tower this is the inverse of
 * its text projection, restricted to those directions, because principal coordinates are uncorrelated.
 *
 * @throws RangeError when there are too few samples for the directions, or the widths disagree
 */
export function fitTextInverse(samples: TextInverseSamples): AffineMap {
  const { images, texts, states, emptyState, directions } = samples;
  const [imageCount, textCount] = [rowsOf(images), rowsOf(texts)];
  if (images.width !== texts.width || states.width !== emptyState.length || rowsOf(states) !== textCount) {
    throw new RangeError(
      `Images are ${images.width} wide and sentences ${texts.width}; ${textCount} sentences have ${rowsOf(states)} states of ${states.width}`,
    );
  }
  if (directions > texts.width || directions >= textCount || imageCount < 2) {
    throw new RangeError(
      `${directions} directions cannot be matched with ${imageCount} images and ${textCount} sentences of width ${texts.width}: lower "Directions matched" or add images`,
    );
  }
  const textMean = meanOf(texts);
  const imageMean = meanOf(images);
  const stateMean = meanOf(states);
  const centred = centre(texts, textMean);
  const axes = leadingAxes(centred, directions);
  const there = centred.mmul(axes);
  const here = centre(images, imageMean).mmul(axes);
  // Axis j: image coordinate, scaled to the sentences' deviation, then the states' regression on that coordinate.
  const covariance = there.transpose().mmul(centre(states, stateMean));
  const step = new Matrix(directions, states.width);
  for (let j = 0; j < directions; j++) {
    const energy = squares(there, j);
    const ratio =
      Math.sqrt(energy / (textCount - 1)) / Math.max(1e-6, Math.sqrt(squares(here, j) / (imageCount - 1)));
    for (let c = 0; c < states.width; c++)
      step.set(j, c, energy > 0 ? (ratio * covariance.get(j, c)) / energy : 0);
  }
  const weight = axes.mmul(step);
  const shift = Matrix.rowVector([...imageMean]).mmul(weight);
  return {
    weight: Float32Array.from(weight.to1DArray()),
    bias: Float32Array.from(stateMean, (mean, c) => mean - shift.get(0, c) - emptyState[c]!),
  };
}

const rowsOf = ({ values, width }: Rows): number => values.length / width;

function meanOf(rows: Rows): Float64Array {
  const mean = new Float64Array(rows.width);
  const count = rowsOf(rows);
  for (const [i, value] of rows.values.entries()) mean[i % rows.width]! += value / count;
  return mean;
}

function centre(rows: Rows, mean: Float64Array): Matrix {
  const count = rowsOf(rows);
  const out = new Matrix(count, rows.width);
  for (let r = 0; r < count; r++)
    for (let c = 0; c < rows.width; c++) out.set(r, c, rows.values[r * rows.width + c]! - mean[c]!);
  return out;
}

/** Eigenvectors of the covariance with the largest eigenvalues, as columns, largest first. */
function leadingAxes(centred: Matrix, count: number): Matrix {
  const scatter = centred.transpose().mmul(centred);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(scatter, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return eigenvectorMatrix.subMatrixColumn(order.slice(0, count));
}

function squares(matrix: Matrix, column: number): number {
  let sum = 0;
  for (let r = 0; r < matrix.rows; r++) sum += matrix.get(r, column) ** 2;
  return sum;
}
