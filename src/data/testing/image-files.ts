import { readFileSync } from 'node:fs';

/** Files of every kind with Pillow's pixels for them (tools/reference/images.py); files and pixels in base64. */
export interface ImageFilesFixture {
  good: {
    name: string;
    file: string;
    /** As stored, before any rotation. */
    width: number;
    height: number;
    rgba: string;
    /** Straight values of a file with 16 bits a channel, little-endian. */
    rgba16?: string;
    photo: { width: number; height: number; rgb: string };
  }[];
  /** Files whose decoders may differ by a little; Pillow's RGB. */
  near: { name: string; file: string; width: number; height: number; rgb: string }[];
  refused: { name: string; file: string; reason: string }[];
}

export const imageFiles: ImageFilesFixture = JSON.parse(
  readFileSync(new URL('../../../tools/reference/fixtures/images.json', import.meta.url), 'utf8'),
);

export const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(base64, 'base64'));
