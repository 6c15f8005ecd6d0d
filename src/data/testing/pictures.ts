import { readFileSync } from 'node:fs';
import type { RgbImage } from '../rgb-image.ts';

/** 32-bit numbers, as in tools/reference/preprocess_pictures.py. */
export function hashed(seed: number, count: number): Uint32Array {
  const values = new Uint32Array(count);
  const base = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < count; i++) {
    let h = (base + i) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    values[i] = h ^ (h >>> 16);
  }
  return values;
}

/** A generated image, as in tools/reference/preprocess_pictures.py. */
export function picture(seed: number, width: number, height: number): RgbImage {
  const noise = hashed(seed, width * height * 3);
  const data = new Uint8Array(noise.length);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const ramp = (x * (2 + c) + y * 3) & 255;
        const checker = ((x >> 3) ^ (y >> 3)) & 1 ? 255 - ramp : ramp;
        const black = (Math.floor(x / 13) + Math.floor(y / 11)) % 7 === 0;
        const white = (Math.floor(x / 17) + Math.floor(y / 23) + c) % 5 === 0;
        const value = white ? 255 : black ? 0 : checker;
        data[at] = Math.min(255, value + ((x + y) % 3 === 0 ? noise[at]! >>> 26 : 0));
        at++;
      }
    }
  }
  return { width, height, data };
}

/** What Pillow, transformers and torchvision made of such images (tools/reference/preprocess.py). */
export interface PreprocessFixture {
  resizes: {
    seed: number;
    image: [number, number];
    box: [number, number, number, number] | null;
    size: [number, number];
    filter: 'bilinear' | 'bicubic';
    sha256: string;
  }[];
  preprocessed: {
    name: string;
    config: unknown;
    seed: number;
    image: [number, number];
    shape: number[];
    sha256: string;
  }[];
  centerCrops: { image: [number, number]; sha256: string }[];
  crops: {
    image: [number, number];
    pictureSeed: number;
    scale: number;
    seed: number;
    box: [number, number, number, number];
    teacher: string;
    encoder: string;
  }[];
}

export const reference: PreprocessFixture = JSON.parse(
  readFileSync(new URL('../../../tools/reference/fixtures/preprocess.json', import.meta.url), 'utf8'),
);
