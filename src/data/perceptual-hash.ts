import { resizeImage } from './resize.ts';
import type { RgbImage } from './rgb-image.ts';

/** What tells whether two images look alike, whatever their size and compression. */
export interface Look {
  /** Difference hash of 64 bits, 16 hexadecimal digits, as Python's ImageHash writes it. */
  dhash: string;
  /** Mean red, green and blue, 0..255. Images without structure differ in these alone. */
  colour: [number, number, number];
}

/**
 * Difference hash (dHash): grey, shrunk to 9 x 8 by Lanczos' filter, then whether each pixel is darker than the next.
 * Equal to `imagehash.dhash` to the bit.
 */
export function lookOf(image: RgbImage): Look {
  const { width, height, data } = image;
  const pixels = width * height;
  const grey = new Uint8Array(data.length);
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let at = 0; at < data.length; at += 3) {
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    red += r;
    green += g;
    blue += b;
    // Pillow's conversion to "L": ITU-R 601-2 luma in 16-bit fixed point.
    const luma = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    grey[at] = luma;
    grey[at + 1] = luma;
    grey[at + 2] = luma;
  }
  const small = resizeImage({ width, height, data: grey }, 9, 8, 'lanczos');
  let dhash = '';
  for (let row = 0; row < 8; row++) {
    let bits = 0;
    for (let column = 0; column < 8; column++) {
      const at = (row * 9 + column) * 3;
      bits = (bits << 1) | (small.data[at + 3]! > small.data[at]! ? 1 : 0);
    }
    dhash += bits.toString(16).padStart(2, '0');
  }
  return { dhash, colour: [red / pixels, green / pixels, blue / pixels] };
}
