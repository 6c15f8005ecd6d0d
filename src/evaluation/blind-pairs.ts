import { dotRows, embeddingTable, normaliseRows } from './embeddings.ts';

/** Two images that one encoder thinks alike and another one different. */
export interface BlindPair {
  /** Rows of the two images, the smaller first. */
  images: [number, number];
  /** Cosines. */
  alike: number;
  different: number;
}

/**
 * Bounds of MMVP: CLIP's cosine above 0.95, DINOv2's below 0.6 (Tong et al., "Eyes Wide Shut?", arXiv 2401.06209,
 * section 2.1).
 */
export const mmvpBounds = { alike: 0.95, different: 0.6 };

/** Rows compared between two pauses. */
const part = 64;

/**
 * Finds the pairs of images whose cosine is above `alike` by the first encoder and below `different` by the second,
 * those farthest apart in the two opinions first.
 *
 * @param first [count, width] by the encoder that may be blind
 * @param second [count, another width] by the encoder that sees
 * @param options.most pairs returned at most
 * @param options.pause called between parts of the work with the number of rows done: it may throw
 */
export async function findBlindPairs(
  first: Float32Array,
  second: Float32Array,
  count: number,
  options: {
    alike?: number;
    different?: number;
    most?: number;
    pause?: (done: number) => Promise<void>;
  } = {},
): Promise<BlindPair[]> {
  const { alike = mmvpBounds.alike, different = mmvpBounds.different, most = 200 } = options;
  const blind = normaliseRows(embeddingTable(first, count, 'images'), 'image');
  const seeing = normaliseRows(embeddingTable(second, count, 'images'), 'image');
  let found: BlindPair[] = [];
  const best = () => found.sort((x, y) => gap(y) - gap(x)).slice(0, most);
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const close = dotRows(blind, a, blind, b);
      if (!(close > alike)) continue;
      const far = dotRows(seeing, a, seeing, b);
      if (far < different) found.push({ images: [a, b], alike: close, different: far });
    }
    if (found.length > 4 * most) found = best();
    if ((a + 1) % part === 0) await options.pause?.(a + 1);
  }
  return best();
}

const gap = ({ alike, different }: BlindPair): number => alike - different;
