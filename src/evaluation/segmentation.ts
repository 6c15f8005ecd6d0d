import { dotRows, type EmbeddingTable, normaliseRows, sameWidth } from './embeddings.ts';

/** A mask's value for pixels that count nowhere: borders in VOC, unlabelled ones here. */
export const ignored = 255;

/**
 * Labels every pixel of a picture by the class nearest to it: cosines of patches with classes, enlarged bilinearly
 * (as PyTorch's `interpolate` without aligned corners, which MaskCLIP and its followers use), then the largest.
 *
 * @param tokens [1 + grid * grid, width]: class token first, then patches in reading order
 * @param classes rows of length 1, at most 255
 * @returns [height, width] indices of classes
 */
export function segment(
  tokens: Float32Array,
  grid: number,
  classes: EmbeddingTable,
  size: { width: number; height: number },
): Uint8Array {
  const rows = 1 + grid * grid;
  const table = normaliseRows({ rows, width: tokens.length / rows, values: tokens }, 'token');
  sameWidth(table, classes);
  if (classes.rows > ignored)
    throw new Error(`${classes.rows} classes: at most ${ignored} can be told apart`);
  const across = weightsOf(grid, size.width);
  const down = weightsOf(grid, size.height);
  const labels = new Uint8Array(size.width * size.height);
  const best = new Float64Array(labels.length).fill(Number.NEGATIVE_INFINITY);
  for (let c = 0; c < classes.rows; c++) {
    const scores = Float64Array.from({ length: grid * grid }, (_, patch) =>
      dotRows(table, patch + 1, classes, c),
    );
    for (let y = 0; y < size.height; y++) {
      const [top, bottom, v] = down[y]!;
      for (let x = 0; x < size.width; x++) {
        const [left, right, u] = across[x]!;
        const above = (1 - u) * scores[top * grid + left]! + u * scores[top * grid + right]!;
        const below = (1 - u) * scores[bottom * grid + left]! + u * scores[bottom * grid + right]!;
        const score = (1 - v) * above + v * below;
        const at = y * size.width + x;
        if (score > best[at]!) {
          best[at] = score;
          labels[at] = c;
        }
      }
    }
  }
  return labels;
}

/** For each pixel the two patches that it lies between, and how far it is towards the second. */
function weightsOf(patches: number, pixels: number): [number, number, number][] {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = Math.max(0, ((pixel + 0.5) * patches) / pixels - 0.5);
    const low = Math.min(patches - 1, Math.floor(at));
    return [low, Math.min(patches - 1, low + 1), at - low];
  });
}

export interface SegmentationScore {
  /** Intersection over union of each class in percent; undefined where it is neither in masks nor predicted. */
  iou: (number | undefined)[];
  /** Their mean over the classes that occur. */
  meanIou: number;
  /** Percent of the pixels that are right. */
  pixelAccuracy: number;
}

/** Sums up intersections and unions over pictures: mIoU is of all pixels together, not a mean over pictures. */
export class SegmentationTally {
  readonly #both: Float64Array;
  readonly #predicted: Float64Array;
  readonly #true: Float64Array;

  constructor(classes: number) {
    this.#both = new Float64Array(classes);
    this.#predicted = new Float64Array(classes);
    this.#true = new Float64Array(classes);
  }

  /** @throws Error when sizes disagree or the mask holds a class that is not there. */
  add(predicted: Uint8Array, mask: Uint8Array): void {
    if (predicted.length !== mask.length)
      throw new Error(`${predicted.length} labels for a mask of ${mask.length} pixels`);
    for (let i = 0; i < mask.length; i++) {
      const [label, truth] = [predicted[i]!, mask[i]!];
      if (truth === ignored) continue;
      if (truth >= this.#true.length)
        throw new Error(`The mask holds class ${truth}, but there are ${this.#true.length} classes`);
      this.#true[truth]!++;
      this.#predicted[label]!++;
      if (label === truth) this.#both[truth]!++;
    }
  }

  /** @throws Error when no pixel counts. */
  score(): SegmentationScore {
    const iou = Array.from(this.#both, (both, c) => {
      const union = this.#true[c]! + this.#predicted[c]! - both;
      return union === 0 ? undefined : (100 * both) / union;
    });
    const present = iou.filter((value) => value !== undefined);
    if (present.length === 0) throw new Error('The masks hold no labelled pixel');
    const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
    return {
      iou,
      meanIou: sum(present) / present.length,
      pixelAccuracy: (100 * sum(this.#both)) / sum(this.#true),
    };
  }
}
