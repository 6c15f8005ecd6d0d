import { dotRows, type EmbeddingTable, normaliseRows, type RowSource } from './embeddings.ts';

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

/**
 * Products of all rows of one block with all rows of another: [a.rows, b.rows]. May round: what comes near the bound
 * is computed again in double precision.
 */
export type BlockProduct = (a: EmbeddingTable, b: EmbeddingTable) => Promise<Float32Array>;

/** Farther from the bound than this no rounding of a product of unit rows reaches, in float32 or tf32. */
const rounding = 2e-3;

/**
 * Finds the pairs of images whose cosine is above `alike` by the first encoder and below `different` by the second,
 * those farthest apart in the two opinions first.
 *
 * Works block by block: in memory are two blocks of rows of each encoder, their products and a few hundred pairs,
 * however many images there are.
 *
 * @param first rows of the encoder that may be blind
 * @param second rows of the encoder that sees, of any width
 * @param options.most pairs returned at most
 * @param options.block images in a block
 * @param options.product default: a plain loop
 * @param options.pause called after each two blocks with the number of pairs compared, of all: it may throw
 * @throws Error when the two do not have the same number of rows or a row has no direction
 */
export async function findBlindPairs(
  first: RowSource,
  second: RowSource,
  options: {
    alike?: number;
    different?: number;
    most?: number;
    block?: number;
    product?: BlockProduct;
    pause?: (done: number, total: number) => Promise<void>;
  } = {},
): Promise<BlindPair[]> {
  const { alike = mmvpBounds.alike, different = mmvpBounds.different, most = 200, block = 1024 } = options;
  const product = options.product ?? plainProduct;
  const count = first.rows;
  if (second.rows !== count)
    throw new Error(`${count} images by the first encoder and ${second.rows} by the second: give the same`);
  const total = (count * (count - 1)) / 2;
  let done = 0;
  let found: BlindPair[] = [];
  for (let from = 0; from < count; from += block) {
    const blind = await unitBlock(first, from, block);
    let seeing: EmbeddingTable | undefined;
    for (let at = from; at < count; at += block) {
      const others = at === from ? blind : await unitBlock(first, at, block);
      const same = at === from;
      const products = await product(blind, others);
      if (!closePairs(products, others.rows, same, alike).next().done) {
        seeing ??= await unitBlock(second, from, block);
        const othersSeeing = same ? seeing : await unitBlock(second, at, block);
        for (const [a, b] of closePairs(products, others.rows, same, alike)) {
          const close = dotRows(blind, a, others, b);
          const far = dotRows(seeing, a, othersSeeing, b);
          if (!(close > alike && far < different)) continue;
          found.push({ images: [from + a, at + b], alike: close, different: far });
          // Blocks of near-equal images hold a million pairs: the list may not grow with them.
          if (found.length > 8 * most) found = best(found, most);
        }
      }
      done += same ? (blind.rows * (blind.rows - 1)) / 2 : blind.rows * others.rows;
      await options.pause?.(done, total);
    }
  }
  return best(found, most);
}

const gap = ({ alike, different }: BlindPair): number => alike - different;

const best = (pairs: readonly BlindPair[], most: number): BlindPair[] =>
  pairs
    .toSorted((x, y) => gap(y) - gap(x) || x.images[0] - y.images[0] || x.images[1] - y.images[1])
    .slice(0, most);

async function unitBlock(source: RowSource, from: number, block: number): Promise<EmbeddingTable> {
  const rows = Math.min(block, source.rows - from);
  const values = await source.read(from, rows);
  return normaliseRows({ rows, width: source.width, values }, 'image', from);
}

/** Pairs whose product may be above the bound; of a block with itself each pair once. */
function* closePairs(
  products: Float32Array,
  columns: number,
  same: boolean,
  bound: number,
): Generator<[a: number, b: number], void> {
  for (let i = 0; i < products.length; i++) {
    if (!(products[i]! > bound - rounding)) continue;
    const a = Math.floor(i / columns);
    const b = i % columns;
    if (!same || a < b) yield [a, b];
  }
}

/** A loop without a runtime. */
const plainProduct: BlockProduct = async (a, b) =>
  Float32Array.from({ length: a.rows * b.rows }, (_, i) => dotRows(a, Math.floor(i / b.rows), b, i % b.rows));
