import { ImageFileError, type ImageFileInfo, inspectImageFile, neutraliseOrientation } from './image-file.ts';
import type { RgbImage } from './rgb-image.ts';

/**
 * `photo` shows what a person sees: rotated as the camera noted, transparency over white. `reference` gives the
 * numbers that the Python reference pipelines see (Pillow's `Image.open(...).convert("RGB")`): no rotation,
 * transparency dropped, no colour management.
 */
export type ImageMode = 'photo' | 'reference';

/** Straight (not premultiplied) RGBA as a decoder gives it, [height, width, 4]: 8 bits, or 16 of files with 16. */
export interface RgbaImage {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
}

/** The same, read back when it is wanted, in whole rows from the top: a large image is never all here at once. */
export interface RgbaStrips {
  width: number;
  height: number;
  /** Whether `strips()` decodes, and so finds what is damaged. */
  lazy?: boolean;
  /** Each is good until the next is asked for. */
  strips(): Iterable<RgbaImage['data']>;
  close(): void;
}

/**
 * Turns the bytes of a whole, upright image file into pixels without colour management. Rejects when the file's inside
 * is damaged.
 */
export type RawDecoder = (bytes: Uint8Array, info: ImageFileInfo) => Promise<RgbaImage | RgbaStrips>;

/**
 * Decodes an image file.
 *
 * @throws ImageFileError whose message is the reason, for a list of skipped files.
 */
export async function decodeImage(
  bytes: Uint8Array,
  mode: ImageMode,
  decoder: RawDecoder,
): Promise<RgbImage> {
  const { info, pixels } = await decodeRaw(bytes, mode, decoder);
  const toRgb = mode === 'photo' && info.alpha ? overWhite : dropAlpha;
  const rgb = new Uint8Array(info.width * info.height * 3);
  try {
    const strips = 'strips' in pixels ? pixels.strips() : [pixels.data];
    let at = 0;
    for (const strip of strips) at = toRgb(toEightBits(strip, mode, info), rgb, at);
  } catch (error) {
    throw 'lazy' in pixels && pixels.lazy ? damaged(error) : error;
  } finally {
    if ('close' in pixels) pixels.close();
  }
  const image = { width: info.width, height: info.height, data: rgb };
  return mode === 'photo' ? orient(image, info.orientation) : image;
}

/**
 * Makes sure that a file can be decoded as a photo, at the cost of the decoder alone.
 *
 * @returns the size that a person sees, in pixels.
 * @throws ImageFileError as {@link decodeImage} does for photos.
 */
export async function checkImage(
  bytes: Uint8Array,
  decoder: RawDecoder,
): Promise<{ width: number; height: number }> {
  const { info, pixels } = await decodeRaw(bytes, 'photo', decoder);
  try {
    if ('strips' in pixels && pixels.lazy) for (const _ of pixels.strips());
  } catch (error) {
    throw damaged(error);
  } finally {
    if ('close' in pixels) pixels.close();
  }
  const { width, height, orientation } = info;
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

async function decodeRaw(
  bytes: Uint8Array,
  mode: ImageMode,
  decoder: RawDecoder,
): Promise<{ info: ImageFileInfo; pixels: RgbaImage | RgbaStrips }> {
  const info = inspectImageFile(bytes);
  if (info.width * info.height > maxPixels) {
    throw new ImageFileError(
      `${info.width} x ${info.height} pixels are more than are decoded at once (${maxPixels / 2 ** 20} Mi). Make it smaller`,
    );
  }
  refuseUnfaithful(info, mode);
  let pixels: RgbaImage | RgbaStrips;
  try {
    pixels = await decoder(neutraliseOrientation(bytes, info), info);
  } catch (error) {
    throw damaged(error);
  }
  if (pixels.width !== info.width || pixels.height !== info.height) {
    if ('close' in pixels) pixels.close();
    throw new ImageFileError(
      `The file states ${info.width} x ${info.height} pixels and decodes to ${pixels.width} x ${pixels.height}`,
    );
  }
  return { info, pixels };
}

/** Why a decoder failed, as the file's fault. */
function damaged(error: unknown): ImageFileError {
  if (error instanceof ImageFileError) return error;
  const detail = error instanceof Error && error.message ? ` (${error.message})` : '';
  return new ImageFileError(`The image’s data is damaged and cannot be decoded${detail}`);
}

/**
 * A photo's 16 bits are rounded to the nearest of 8. Pillow takes the higher byte of colours, but cuts grey values off
 * at 255, which turns most such images white: `reference` does the same.
 */
function toEightBits(
  data: RgbaImage['data'],
  mode: ImageMode,
  info: ImageFileInfo,
): Uint8Array | Uint8ClampedArray {
  if (!(data instanceof Uint16Array)) return data;
  const cutsOff = info.components === 1 && !info.alpha;
  const narrow =
    mode === 'photo'
      ? (value: number) => Math.round(value / 257)
      : cutsOff
        ? (value: number) => Math.min(value, 255)
        : (value: number) => value >> 8;
  const bytes = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) bytes[i] = narrow(data[i]!);
  return bytes;
}

/** Chromium's largest canvas: 16384 x 16384. A small file may state a size that fills the memory. */
const maxPixels = 2 ** 28;

/** Kinds whose 8-bit RGB is made by other rules in each decoder. */
function refuseUnfaithful(info: ImageFileInfo, mode: ImageMode): void {
  if (info.components === 4) {
    throw new ImageFileError('A CMYK image, whose colours are meant for print. Save it as RGB');
  }
  if (mode === 'reference' && info.bitDepth > 8 && info.format !== 'png') {
    throw new ImageFileError(
      `An image of ${info.bitDepth} bits a channel; benchmarks take 8. Save it with 8 bits`,
    );
  }
}

/** Writes RGB from `at` on; returns where it ended. */
type ToRgb = (rgba: Uint8Array | Uint8ClampedArray, rgb: Uint8Array, at: number) => number;

const dropAlpha: ToRgb = (rgba, rgb, at) => {
  let to = at;
  for (let from = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return to;
};

const overWhite: ToRgb = (rgba, rgb, at) => {
  let to = at;
  for (let from = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3]!;
    for (let c = 0; c < 3; c++) {
      rgb[to + c] = Math.round((rgba[from + c]! * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return to;
};

/** Turns and mirrors pixels by the EXIF orientation (Exif 2.32, table "Orientation"). */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const { width, height } = image;
  const turned = orientation >= 5;
  const out = { width: turned ? height : width, height: turned ? width : height };
  const data = new Uint8Array(image.data.length);
  const mirrorX = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8;
  const mirrorY = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  let to = 0;
  for (let y = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++, to += 3) {
      const [u, v] = turned ? [y, x] : [x, y];
      const from = ((mirrorY ? height - 1 - v : v) * width + (mirrorX ? width - 1 - u : u)) * 3;
      data[to] = image.data[from]!;
      data[to + 1] = image.data[from + 1]!;
      data[to + 2] = image.data[from + 2]!;
    }
  }
  return { ...out, data };
}
