import { GifReader } from 'omggif';
import type { RgbaImage } from './decode.ts';

/**
 * The first frame of a GIF. Browsers' own decoders give black for transparent pixels; Pillow, and so this, gives their
 * palette's colour.
 */
export function decodeGif(bytes: Uint8Array): RgbaImage {
  const reader = new GifReader(bytes);
  const { width, height } = reader;
  const data = new Uint8Array(width * height * 4);
  const { palette_offset: palette, transparent_index: transparent } = reader.frameInfo(0);
  if (palette !== null && transparent !== null) {
    const colour = bytes.subarray(palette + 3 * transparent, palette + 3 * transparent + 3);
    for (let at = 0; at < data.length; at += 4) data.set(colour, at);
  }
  // The frame's transparent pixels are left as they are.
  reader.decodeAndBlitFrameRGBA(0, data);
  return { width, height, data };
}
