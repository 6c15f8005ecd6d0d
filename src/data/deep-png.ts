import decodePng from '@jsquash/png/decode.js';
import type { RgbaImage } from './decode.ts';

/** A PNG of 16 bits a channel, of which browsers' own decoders give 8. Under Node the codec must have been started. */
export async function decodeDeepPng(
  bytes: Uint8Array,
  { width, height }: { width: number; height: number },
): Promise<RgbaImage> {
  const decoded = await decodePng(new Uint8Array(bytes).buffer, { bitDepth: 16 });
  try {
    return { width, height, data: decoded.data };
  } finally {
    if ('free' in decoded && typeof decoded.free === 'function') decoded.free();
  }
}
