import { resizeImage } from './resize.ts';
import type { Box, RgbImage } from './rgb-image.ts';

/** Uniform numbers that one crop takes: two for each of ten attempts, and two for the place. */
export const numbersPerCrop = 22;

const attempts = 10;
const aspect: readonly [number, number] = [3 / 4, 4 / 3];

/**
 * The rectangle of a random resized crop (torchvision's `RandomResizedCrop.get_params`): an area share drawn from
 * [minScale, 1], a width to height ratio from [3/4, 4/3] evenly in its logarithm, a place; after ten draws that do
 * not fit, the largest centred rectangle within those ratios. A `minScale` of 1 takes the centre square.
 *
 * @param uniform {@link numbersPerCrop} numbers in [0, 1). Attempt k takes the 2k-th and the next, the place takes
 *   the last two, so that the result of a draw does not depend on how many attempts another took.
 */
export function randomResizedCrop(
  width: number,
  height: number,
  minScale: number,
  uniform: ArrayLike<number>,
): Box {
  if (uniform.length !== numbersPerCrop) {
    throw new Error(`A crop takes ${numbersPerCrop} uniform numbers, not ${uniform.length}`);
  }
  if (minScale >= 1) {
    const side = Math.min(width, height);
    return centered(width, height, side, side);
  }
  const [low, high] = [Math.log(aspect[0]), Math.log(aspect[1])];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = width * height * (minScale + (1 - minScale) * uniform[2 * attempt]!);
    const ratio = Math.exp(low + (high - low) * uniform[2 * attempt + 1]!);
    const w = roundHalfEven(Math.sqrt(area * ratio));
    const h = roundHalfEven(Math.sqrt(area / ratio));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = Math.floor(uniform[2 * attempts]! * (height - h + 1));
      const left = Math.floor(uniform[2 * attempts + 1]! * (width - w + 1));
      return { left, top, width: w, height: h };
    }
  }
  const ratio = width / height;
  if (ratio < aspect[0]) return centered(width, height, width, roundHalfEven(width / aspect[0]));
  if (ratio > aspect[1]) return centered(width, height, roundHalfEven(height * aspect[1]), height);
  return { left: 0, top: 0, width, height };
}

/**
 * The crop that feeds both branches of a step (DIVA, models/SD_with_OpenAICLIP.py): resized to the teacher's size by
 * bicubic interpolation, and that again to the encoder's size by bilinear interpolation.
 *
 * @returns squares of 8-bit RGB, [size, size, 3]; one array twice when the sizes are equal.
 */
export function trainingCrop(
  image: RgbImage,
  box: Box,
  teacherSize: number,
  encoderSize: number,
): { teacher: Uint8Array; encoder: Uint8Array } {
  const teacher = resizeImage(image, teacherSize, teacherSize, 'bicubic', box);
  const encoder =
    encoderSize === teacherSize ? teacher : resizeImage(teacher, encoderSize, encoderSize, 'bilinear');
  return { teacher: teacher.data, encoder: encoder.data };
}

function centered(width: number, height: number, w: number, h: number): Box {
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** As Python's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
