import type { Look } from './perceptual-hash.ts';

/** An image's contents and looks. */
export interface Fingerprint extends Look {
  sha256: string;
}

export interface Duplicates {
  /** For each image the number of its group; images that are alone have one of their own. */
  group: Uint32Array;
  /** For each image: whether another has the same contents, or else looks nearly the same. */
  mark: ('exact' | 'near' | 'none')[];
}

/** Differing bits up to which images count as near duplicates. */
const nearBits = 4;
/** Difference of mean colours, 0..255, up to which they do. */
const nearColour = 12;
/** Distinct hashes compared within one bucket; very alike sets would otherwise cost its square. */
const mostInBucket = 4096;

/**
 * Finds images with equal contents, and such as look nearly the same: difference hashes at most {@link nearBits} bits
 * apart, mean colours close. Duplicates of duplicates are in one group.
 *
 * Two hashes that differ in at most four bits agree in one of five bands: only those that share a band are compared
 * (multi-index hashing; Norouzi, Punjani and Fleet 2012), so that the cost grows about linearly.
 */
export function findDuplicates(images: readonly Fingerprint[]): Duplicates {
  const parent = Uint32Array.from(images, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const join = (a: number, b: number): void => {
    const [x, y] = [root(a), root(b)];
    parent[Math.max(x, y)] = Math.min(x, y);
  };

  const mark = new Array<'exact' | 'near' | 'none'>(images.length).fill('none');
  /** One image for each contents. */
  const distinct: number[] = [];
  const byContents = new Map<string, number>();
  for (const [i, { sha256 }] of images.entries()) {
    const first = byContents.get(sha256);
    if (first === undefined) {
      byContents.set(sha256, i);
      distinct.push(i);
      continue;
    }
    mark[i] = 'exact';
    mark[first] = 'exact';
    join(first, i);
  }

  const high = Uint32Array.from(images, ({ dhash }) => Number.parseInt(dhash.slice(0, 8), 16));
  const low = Uint32Array.from(images, ({ dhash }) => Number.parseInt(dhash.slice(8), 16));
  const near = (a: number, b: number): boolean =>
    ones(high[a]! ^ high[b]!) + ones(low[a]! ^ low[b]!) <= nearBits &&
    images[a]!.colour.every((value, c) => Math.abs(value - images[b]!.colour[c]!) <= nearColour);
  for (const band of bands) {
    const buckets = new Map<number, number[]>();
    for (const i of distinct) {
      const key = band(high[i]!, low[i]!);
      const bucket = buckets.get(key) ?? [];
      if (bucket.length >= mostInBucket) continue;
      for (const other of bucket) {
        if (root(other) === root(i) && mark[i] !== 'none' && mark[other] !== 'none') continue;
        if (!near(i, other)) continue;
        join(i, other);
        for (const one of [i, other]) if (mark[one] === 'none') mark[one] = 'near';
      }
      bucket.push(i);
      buckets.set(key, bucket);
    }
  }
  return { group: parent.map((_, i) => root(i)), mark };
}

/** Five bands of 13, 13, 13, 13 and 12 of the 64 bits. */
const bands: ((high: number, low: number) => number)[] = [
  (high) => high >>> 19,
  (high) => (high >>> 6) & 0x1fff,
  (high, low) => ((high & 0x3f) << 7) | (low >>> 25),
  (_, low) => (low >>> 12) & 0x1fff,
  (_, low) => low & 0xfff,
];

/** Number of bits that are set. */
function ones(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
