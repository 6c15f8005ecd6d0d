import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import decodeAvif, { init as initAvif } from '@jsquash/avif/decode.js';
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import decodeWebp, { init as initWebp } from '@jsquash/webp/decode.js';
import type { RawDecoder, RgbaImage } from '../src/data/decode.ts';
import { decodeDeepPng } from '../src/data/deep-png.ts';
import { decodeGif } from '../src/data/gif.ts';
import { isFullRange601, libyuvColours } from './avif-colours.ts';

const require = createRequire(import.meta.url);
const wasm = (path: string) => new WebAssembly.Module(readFileSync(require.resolve(path)));

/** The codecs make an `ImageData`, which Node does not have. */
class Pixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

/** Each codec starts with its first file. */
const started = new Map<string, Promise<unknown>>();
function start(format: string, init: () => Promise<unknown>): Promise<unknown> {
  if (!('ImageData' in globalThis)) Object.assign(globalThis, { ImageData: Pixels });
  const running = started.get(format) ?? init();
  started.set(format, running);
  return running;
}

/** Decodes PNG, JPEG, WebP, AVIF and GIF under Node by the codecs' own libraries compiled to WebAssembly. */
export const nodeDecoder: RawDecoder = async (bytes, info) => {
  const { format } = info;
  if (format === 'gif') return decodeGif(bytes);
  const buffer = bytes.slice().buffer;
  if (format === 'avif') {
    await start(format, () => load(initAvif, '@jsquash/avif/codec/dec/avif_dec.wasm'));
    const asPillow = info.bitDepth === 8 && isFullRange601(bytes);
    const pixels = asPillow ? await decodeAvif(buffer, { bitDepth: 16 }) : await decodeAvif(buffer);
    if (!pixels) throw new Error('no picture comes out');
    if (!(pixels.data instanceof Uint16Array)) return pixels as RgbaImage;
    return { width: pixels.width, height: pixels.height, data: libyuvColours(pixels.data) };
  }
  if (format === 'jpeg') {
    await start(format, () => load(initJpeg, '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'));
    return decodeJpeg(buffer);
  }
  if (format === 'webp') {
    await start(format, () => load(initWebp, '@jsquash/webp/codec/dec/webp_dec.wasm'));
    return decodeWebp(buffer);
  }
  await start(format, () => initPng(wasm('@jsquash/png/codec/pkg/squoosh_png_bg.wasm')));
  return info.bitDepth === 16 ? decodeDeepPng(bytes, info) : decodePng(buffer);
};

/** The declared type leaves out the compiled module, which the function takes. */
function load(init: (...given: never[]) => Promise<void>, path: string): Promise<void> {
  return Reflect.apply(init, undefined, [wasm(path)]);
}
