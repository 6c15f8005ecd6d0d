/** Bitmaps of the digits, five columns by seven rows, one number a row. */
const glyphs = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
];

const side = 28;

/** Numbers in [0, 1) from a seed (Mulberry32, Tommy Ettinger, public domain). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How much ink the bitmap has at a place between its pixels. */
function ink(glyph: readonly number[], x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  let sum = 0;
  for (const [column, row] of [
    [left, top],
    [left + 1, top],
    [left, top + 1],
    [left + 1, top + 1],
  ] as const) {
    const set = column >= 0 && column < 5 && ((glyph[row] ?? 0) >> (4 - column)) & 1;
    if (set) sum += (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
  }
  return sum;
}

/**
 * Digits in MNIST's format, drawn rather than downloaded: each is moved, scaled, slanted, turned and covered with noise.
 *
 * @returns `images` [count, 1, 28, 28] from 0 to 1, and `labels` [count] from 0 to 9
 */
export function drawDigits(count: number, seed: number): { images: Float32Array; labels: BigInt64Array } {
  const random = randomFrom(seed);
  const between = (low: number, high: number) => low + (high - low) * random();
  const images = new Float32Array(count * side * side);
  const labels = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const digit = Math.floor(random() * 10);
    labels[i] = BigInt(digit);
    const [scale, slant, turn] = [between(2.2, 3.6), between(-0.3, 0.3), between(-0.25, 0.25)];
    const [centreX, centreY] = [between(11, 17), between(11, 17)];
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const [dx, dy] = [(column - centreX) / scale, (row - centreY) / scale];
        const x = dx * Math.cos(turn) + dy * (Math.sin(turn) + slant) + 2;
        const y = dy * Math.cos(turn) - dx * Math.sin(turn) + 3;
        const value = ink(glyphs[digit]!, x, y) + between(-0.2, 0.2);
        images[(i * side + row) * side + column] = Math.min(1, Math.max(0, value));
      }
    }
  }
  return { images, labels };
}

/** The share of rows of `logits` [count, 10] whose largest element is at the label. */
export function shareRight(logits: Float32Array, labels: BigInt64Array): number {
  let right = 0;
  for (const [i, label] of labels.entries()) {
    const row = logits.subarray(10 * i, 10 * i + 10);
    if (row.indexOf(Math.max(...row)) === Number(label)) right++;
  }
  return right / labels.length;
}
