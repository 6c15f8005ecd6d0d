import { cosineOfTurn, logarithm, sineOfTurn } from './exact-math.ts';

/** What a draw belongs to; parts left out are 0. The same address always gives the same numbers. */
export interface RandomAddress {
  /** Optimiser step, from 0. */
  step?: number;
  /** Position of the image in the step, or any other index, from 0. */
  image?: number;
  /** Repeated draws for the same image, from 0. */
  draw?: number;
}

/**
 * Numbered random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") keyed by
 * the run's seed and a stream's name, counted by the address. There is no state to save: a run resumed at any step
 * draws what it would have drawn. Every operation is an IEEE 754 basic one, so all engines give the same bytes.
 */
export class RandomStream {
  /** Philox's key of this stream, for generators elsewhere. */
  readonly key: readonly [number, number];

  /** `seed` is an integer of at most 53 bits; `name` such as "noise" keeps streams of one run apart. */
  constructor(seed: number, name: string) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`The seed must be a whole number from 0 to 2^53 - 1, not ${seed}`);
    }
    const hash = hashOf(name);
    const [k0, k1] = philox([hash[0], hash[1], 0, 0], [seed >>> 0, Math.floor(seed / 2 ** 32)]);
    this.key = [k0, k1];
  }

  /** `count` float32 numbers, uniform in [0, 1), multiples of 2^-24. */
  uniform(address: RandomAddress, count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    this.#words(address, count, (word, i) => {
      values[i] = (word >>> 8) * 2 ** -24;
    });
    return values;
  }

  /** `count` float32 numbers from the standard normal distribution (Box and Muller 1958). */
  normal(address: RandomAddress, count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    let radius = 0;
    let turn = 0;
    this.#words(address, count + (count % 2), (word, i) => {
      if (i % 2 === 0) {
        // In (0, 1]: the logarithm of 0 would be an infinity.
        radius = Math.sqrt(-2 * logarithm((word + 1) * 2 ** -32));
        return;
      }
      turn = word * 2 ** -32;
      values[i - 1] = radius * cosineOfTurn(turn);
      if (i < count) values[i] = radius * sineOfTurn(turn);
    });
    return values;
  }

  /** `count` whole numbers, uniform in [low, high), without the bias of a plain remainder. */
  integers(address: RandomAddress, count: number, low: number, high: number): Int32Array<ArrayBuffer> {
    const range = high - low;
    if (!Number.isInteger(low) || !Number.isInteger(high) || range < 1 || range > 2 ** 31) {
      throw new RangeError(`No whole numbers lie in [${low}, ${high})`);
    }
    const values = new Int32Array(count);
    const words = this.#reader(address);
    for (let i = 0; i < count; i++) values[i] = low + below(range, words);
    return values;
  }

  /** The numbers 0..count-1 in random order (Fisher and Yates). */
  permutation(address: RandomAddress, count: number): Int32Array<ArrayBuffer> {
    const values = Int32Array.from({ length: count }, (_, i) => i);
    const words = this.#reader(address);
    for (let i = count - 1; i > 0; i--) {
      const j = below(i + 1, words);
      const moved = values[i]!;
      values[i] = values[j]!;
      values[j] = moved;
    }
    return values;
  }

  /** Hands `count` words of the address to `take`, four to a block. */
  #words(address: RandomAddress, count: number, take: (word: number, index: number) => void): void {
    const next = this.#reader(address);
    for (let i = 0; i < count; i++) take(next(), i);
  }

  #reader({ step = 0, image = 0, draw = 0 }: RandomAddress): () => number {
    let block = 0;
    let at = 4;
    let words: Words = [0, 0, 0, 0];
    return () => {
      if (at === 4) {
        words = philox([block++, step, image, draw], this.key);
        at = 0;
      }
      return words[at++]!;
    };
  }
}

type Words = readonly [number, number, number, number];

/** Lemire 2019, "Fast random integer generation in an interval": the high half of a product, rejecting the overlap. */
function below(range: number, next: () => number): number {
  const threshold = 2 ** 32 % range;
  for (;;) {
    const [high, low] = multiply(next(), range);
    if (low >= threshold) return high;
  }
}

/** Philox4x32 with ten rounds. Counter, key and result are unsigned 32-bit words. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0);
    const [high1, low1] = multiply(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The 64-bit product of two unsigned 32-bit words, as high and low word. */
function multiply(a: number, b: number): [high: number, low: number] {
  const low = Math.imul(a, b) >>> 0;
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = a0 * b1 + (middle & 0xffff);
  return [(a1 * b1 + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0, low];
}

/** Two 32-bit FNV-1a hashes of a name, the second over its bytes backwards. */
function hashOf(name: string): [number, number] {
  const bytes = new TextEncoder().encode(name);
  const fold = (order: Uint8Array) =>
    order.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
  return [fold(bytes), fold(bytes.toReversed())];
}
