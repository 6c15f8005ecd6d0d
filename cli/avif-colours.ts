/**
 * Whether an AVIF file says that its colours are BT.601 over all 256 values, as most encoders write: matrix 5 or 6 and
 * the full range in its `colr` box (ISO/IEC 23091-2).
 */
export function isFullRange601(bytes: Uint8Array): boolean {
  const box = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = box.indexOf('colrnclx');
  if (at < 0 || at + 15 > box.length) return false;
  const matrix = box.readUInt16BE(at + 12);
  return (matrix === 5 || matrix === 6) && (box[at + 14]! & 0x80) !== 0;
}

/**
 * 8-bit RGBA as libyuv computes it, which Pillow's AVIF decoder uses: in integers, up to 2 away from exact arithmetic.
 * The decoder here gives no luma and chroma; but of colours in 16 bits they are found again without loss, save where a
 * colour was cut off at black or white: there exact arithmetic stays.
 *
 * @param rgba16 [pixels, 4] in 16 bits, made by exact arithmetic from 8 bits of full-range BT.601
 */
export function libyuvColours(rgba16: Uint16Array): Uint8ClampedArray {
  const out = new Uint8ClampedArray(rgba16.length);
  for (let at = 0; at < rgba16.length; at += 4) {
    const [r, g, b] = [rgba16[at]! / 257, rgba16[at + 1]! / 257, rgba16[at + 2]! / 257];
    out[at + 3] = rgba16[at + 3]! / 257;
    if (Math.min(r, g, b) <= 0.5 || Math.max(r, g, b) >= 254.5) {
      out[at] = r;
      out[at + 1] = g;
      out[at + 2] = b;
      continue;
    }
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    const u = upsampled((b - luma) / 1.772 + 128);
    const v = upsampled((r - luma) / 1.402 + 128);
    // Constants of libyuv's kYuvJPEGConstants: 6 bits behind the point, 32 to round.
    const y = (Math.round(luma) * 0x0101 * 16320) >> 16;
    out[at] = (y + 90 * (v - 128) + 32) >> 6;
    out[at + 1] = (y - 22 * (u - 128) - 46 * (v - 128) + 32) >> 6;
    out[at + 2] = (y + 113 * (u - 128) + 32) >> 6;
  }
  return out;
}

/** Chroma between samples lies on sixteenths, which libyuv rounds half up. */
const upsampled = (value: number): number => (Math.round(16 * value) + 8) >> 4;
