import decodePng from '@jsquash/png/decode.js';
import { Unzlib } from 'fflate';
import { crc32 } from 'hash-wasm';
import type { RgbaImage, RgbaStrips } from './decode.ts';
import { ImageFileError } from './image-file.ts';

/** Pixels of an interlaced file, whose rows come in seven passes, so that all of them must be in memory. */
const mostInterlaced = 2 ** 25;
/** Bytes of compressed data that are unpacked at once, to at most a thousand times as many. */
const pieceBytes = 2 ** 14;
const channelsOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

/**
 * A PNG of 16 bits a channel, of which browsers' own decoders give 8, row by row: what is in memory does not grow with
 * the image. Interlaced ones are decoded as a whole; under Node the codec for them must have been started.
 *
 * @throws ImageFileError for a large interlaced file; other errors for damaged ones, some of them from `strips()`
 */
export async function decodeDeepPng(
  bytes: Uint8Array,
  { width, height }: { width: number; height: number },
): Promise<RgbaImage | RgbaStrips> {
  const [colourType, interlaced] = [bytes[25]!, bytes[28] !== 0];
  if (interlaced) return decodeInterlaced(bytes, width, height);
  const channels = channelsOf[colourType];
  if (channels === undefined) throw new Error(`colour type ${colourType} has no 16 bits`);
  const { data, transparent } = await readChunks(bytes);
  return {
    width,
    height,
    lazy: true,
    strips: () => straightRgba(unfilteredRows(data, width, height, channels), width, channels, transparent),
    close() {},
  };
}

async function decodeInterlaced(bytes: Uint8Array, width: number, height: number): Promise<RgbaImage> {
  if (width * height > mostInterlaced) {
    throw new ImageFileError(
      `An interlaced PNG of 16 bits a channel with ${width} x ${height} pixels takes ${Math.ceil((8 * width * height) / 2 ** 20)} MiB to decode; ${(8 * mostInterlaced) / 2 ** 20} MiB are allowed. Save it without interlacing`,
    );
  }
  const decoded = await decodePng(new Uint8Array(bytes).buffer, { bitDepth: 16 });
  try {
    return { width, height, data: decoded.data };
  } finally {
    if ('free' in decoded && typeof decoded.free === 'function') decoded.free();
  }
}

/** The compressed data, and the colour that is transparent, of a file whose chunks are known to be whole. */
async function readChunks(
  bytes: Uint8Array,
): Promise<{ data: Uint8Array[]; transparent: number[] | undefined }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let transparent: number[] | undefined;
  for (let at = 8, type = ''; type !== 'IEND'; at += 12 + view.getUint32(at)) {
    const length = view.getUint32(at);
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type !== 'IDAT' && type !== 'tRNS') continue;
    const sum = Number.parseInt(await crc32(bytes.subarray(at + 4, at + 8 + length)), 16);
    if (sum !== view.getUint32(at + 8 + length)) throw new Error(`the checksum of ${type} is wrong`);
    if (type === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + length));
    else transparent = Array.from({ length: length / 2 }, (_, i) => view.getUint16(at + 8 + 2 * i));
  }
  return { data, transparent };
}

/** Rows of big-endian samples, [width * channels * 2] bytes; each is overwritten by the one after the next. */
function* unfilteredRows(
  data: readonly Uint8Array[],
  width: number,
  height: number,
  channels: number,
): Iterable<Uint8Array> {
  const pixelBytes = 2 * channels;
  let above = new Uint8Array(1 + width * pixelBytes);
  let line = new Uint8Array(above.length);
  let filled = 0;
  let rows = 0;
  for (const part of inflated(data)) {
    for (let at = 0; at < part.length && rows < height; ) {
      const piece = part.subarray(at, at + line.length - filled);
      line.set(piece, filled);
      at += piece.length;
      filled += piece.length;
      if (filled < line.length) continue;
      unfilter(line, above, pixelBytes);
      yield line.subarray(1);
      [above, line] = [line, above];
      filled = 0;
      rows++;
    }
  }
  if (rows < height) throw new Error(`it ends after ${rows} of ${height} rows`);
}

function* inflated(data: readonly Uint8Array[]): Iterable<Uint8Array> {
  const parts: Uint8Array[] = [];
  const stream = new Unzlib((part) => parts.push(part));
  for (const [i, chunk] of data.entries()) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const last = i === data.length - 1 && at + pieceBytes >= chunk.length;
      stream.push(chunk.subarray(at, at + pieceBytes), last);
      yield* parts.splice(0);
    }
  }
}

/**
 * Undoes the filter of a line in place (PNG, section 9).
 *
 * @param line the filter's type, then the row's bytes
 * @param above the same of the row before, undone; zeros for the first
 */
function unfilter(line: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  const type = line[0]!;
  if (type > 4) throw new Error(`filter ${type} does not exist`);
  for (let i = 1; type > 0 && i < line.length; i++) {
    const left = i > pixelBytes ? line[i - pixelBytes]! : 0;
    const up = above[i]!;
    if (type === 1) line[i]! += left;
    else if (type === 2) line[i]! += up;
    else if (type === 3) line[i]! += (left + up) >> 1;
    else line[i]! += paeth(left, up, i > pixelBytes ? above[i - pixelBytes]! : 0);
  }
}

function paeth(left: number, up: number, corner: number): number {
  const byLeft = Math.abs(up - corner);
  const byUp = Math.abs(left - corner);
  const byCorner = Math.abs(left + up - 2 * corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

/** Each row as straight RGBA, [width, 4], in the same memory. */
function* straightRgba(
  rows: Iterable<Uint8Array>,
  width: number,
  channels: number,
  transparent: readonly number[] | undefined,
): Iterable<Uint16Array> {
  const colours = channels < 3 ? 1 : 3;
  const rgba = new Uint16Array(4 * width);
  for (const row of rows) {
    for (let x = 0, at = 0; x < width; x++) {
      let isTransparent = transparent !== undefined;
      for (let c = 0; c < colours; c++, at += 2) {
        const value = (row[at]! << 8) | row[at + 1]!;
        rgba[4 * x + c] = value;
        isTransparent &&= transparent![c] === value;
      }
      if (colours === 1) rgba[4 * x + 1] = rgba[4 * x + 2] = rgba[4 * x]!;
      if (channels > colours) {
        rgba[4 * x + 3] = (row[at]! << 8) | row[at + 1]!;
        at += 2;
      } else rgba[4 * x + 3] = isTransparent ? 0 : 0xffff;
    }
    yield rgba;
  }
}
