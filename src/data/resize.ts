import type { Box, RgbImage } from './rgb-image.ts';

export type ResizeFilter = 'bilinear' | 'bicubic' | 'lanczos';

/**
 * Resizes as Pillow 13 does, to the bit: separable filters widened when shrinking (antialiasing), one pass after the
 * other, each in fixed point with 22 fraction bits and rounded to 8 bits.
 *
 * Source: Pillow, src/libImaging/Resample.c (`precompute_coeffs`, `normalize_coeffs_8bpc`, `ImagingResampleInner`).
 *
 * @param box takes only this part of the image, as if it had been cut out before; it lies inside the image.
 */
export function resizeImage(
  image: RgbImage,
  width: number,
  height: number,
  filter: ResizeFilter,
  box: Box = { left: 0, top: 0, width: image.width, height: image.height },
): RgbImage {
  const source = { data: image.data, stride: image.width * 3, start: (box.top * image.width + box.left) * 3 };
  const horizontal = width === box.width ? undefined : filterTaps(box.width, width, filter);
  const vertical = height === box.height ? undefined : filterTaps(box.height, height, filter);

  // Pillow before 13 always began with the horizontal pass, so its results differ where this is true.
  const verticalFirst = box.height > height && box.height - height > 2 * (box.width - width);
  let rows = source;
  if (vertical && verticalFirst) rows = resizeColumns(rows, box.width, height, vertical);
  if (horizontal) rows = resizeRows(rows, verticalFirst ? height : box.height, width, horizontal);
  if (vertical && !verticalFirst) rows = resizeColumns(rows, width, height, vertical);
  if (horizontal || vertical) return { width, height, data: rows.data };

  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const at = source.start + y * source.stride;
    data.set(image.data.subarray(at, at + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** RGB rows: row y begins at start + y * stride. */
interface Rows {
  data: Uint8Array;
  start: number;
  stride: number;
}

/** For each output position, the first input position and the weights of the inputs from there on. */
interface Taps {
  first: Int32Array;
  count: Int32Array;
  /** [positions, size] in units of 2^-22. */
  weights: Int32Array;
  size: number;
}

const precisionBits = 22;
const half = 1 << (precisionBits - 1);

const filters: Record<ResizeFilter, { support: number; at: (x: number) => number }> = {
  bilinear: { support: 1, at: (x) => (Math.abs(x) < 1 ? 1 - Math.abs(x) : 0) },
  lanczos: { support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
  // Keys' cubic with a = -0.5.
  bicubic: {
    support: 2,
    at: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
      return 0;
    },
  },
};

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

function filterTaps(inSize: number, outSize: number, name: ResizeFilter): Taps {
  const filter = filters[name];
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const inverse = 1 / filterScale;
  const size = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * size);
  const exact = new Float64Array(size);
  for (let out = 0; out < outSize; out++) {
    const center = (out + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const taps = Math.min(inSize, Math.trunc(center + support + 0.5)) - from;
    let sum = 0;
    for (let i = 0; i < taps; i++) {
      exact[i] = filter.at((i + from - center + 0.5) * inverse);
      sum += exact[i]!;
    }
    for (let i = 0; i < taps; i++) {
      const weight = sum === 0 ? exact[i]! : exact[i]! / sum;
      weights[out * size + i] = Math.trunc(weight * 2 ** precisionBits + (weight < 0 ? -0.5 : 0.5));
    }
    first[out] = from;
    count[out] = taps;
  }
  return { first, count, weights, size };
}

function resizeRows(rows: Rows, height: number, width: number, taps: Taps): Rows {
  const { first, count, weights, size } = taps;
  const { data } = rows;
  const out = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = rows.start + y * rows.stride;
    for (let x = 0; x < width; x++) {
      let r = half;
      let g = half;
      let b = half;
      let pixel = row + first[x]! * 3;
      const end = x * size + count[x]!;
      for (let k = x * size; k < end; k++) {
        const weight = weights[k]!;
        r += data[pixel]! * weight;
        g += data[pixel + 1]! * weight;
        b += data[pixel + 2]! * weight;
        pixel += 3;
      }
      out[at] = clip(r);
      out[at + 1] = clip(g);
      out[at + 2] = clip(b);
      at += 3;
    }
  }
  return { data: out, start: 0, stride: width * 3 };
}

function resizeColumns(rows: Rows, width: number, height: number, taps: Taps): Rows {
  const { first, count, weights, size } = taps;
  const { data } = rows;
  const stride = width * 3;
  const out = new Uint8Array(stride * height);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * size + k]!;
      const row = rows.start + (first[y]! + k) * rows.stride;
      for (let i = 0; i < stride; i++) sums[i] = sums[i]! + data[row + i]! * weight;
    }
    for (let i = 0; i < stride; i++) out[y * stride + i] = clip(sums[i]!);
  }
  return { data: out, start: 0, stride };
}

/** From fixed point to 0..255. */
function clip(value: number): number {
  const whole = value >> precisionBits;
  return Math.max(0, Math.min(255, whole));
}
