import { type ResizeFilter, resizeImage } from './resize.ts';
import { cropImage, type RgbImage } from './rgb-image.ts';

/** Pixel values to model input: (value * rescale - mean) / std, by channel. */
export interface Normalisation {
  rescale: number;
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** How a model's images are prepared, as its `preprocessor_config.json` says. */
export interface Preprocessing extends Normalisation {
  /** Either the shorter edge gets the size and the aspect ratio stays, or the image is squashed to a size. */
  resize: { shortestEdge: number } | { width: number; height: number } | null;
  filter: ResizeFilter;
  centerCrop: { width: number; height: number } | null;
  /**
   * Where an odd margin leaves a pixel over: `transformers` rounds the offset down, torchvision (OpenAI's and
   * open_clip's transforms) to the nearest even whole number.
   */
  cropRounding: 'down' | 'half-even';
}

/** Pixels in [-1, 1], as Stable Diffusion's autoencoders take them. */
export const centered: Normalisation = { rescale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/**
 * Reads a parsed `preprocessor_config.json` (CLIPImageProcessor, SiglipImageProcessor and kin).
 *
 * @throws Error naming the field that cannot be understood.
 */
export function readPreprocessing(config: unknown): Preprocessing {
  if (typeof config !== 'object' || config === null) throw refusal('holds no object');
  const fields: Partial<Record<string, unknown>> = { ...config };
  const { image_processor_type, feature_extractor_type, size, crop_size, do_center_crop, resample } = fields;
  const kind = String(image_processor_type ?? feature_extractor_type ?? 'CLIPImageProcessor');
  const crops = do_center_crop === undefined ? /clip/i.test(kind) : do_center_crop !== false;
  const centerCrop = crops ? squareOrSize(crop_size ?? 224, 'crop_size') : null;

  const { do_resize, do_rescale, do_normalize, rescale_factor, image_mean, image_std } = fields;
  const normalises = do_normalize !== false;
  return {
    resize: do_resize === false ? null : resizeOf(size ?? 224, crops),
    filter: filterOf(resample ?? 3),
    centerCrop,
    cropRounding: 'down',
    rescale: do_rescale === false ? 1 : positive(rescale_factor ?? 1 / 255, 'rescale_factor'),
    mean: normalises ? triple(image_mean ?? [0.48145466, 0.4578275, 0.40821073], 'image_mean') : [0, 0, 0],
    std: normalises ? triple(image_std ?? [0.26862954, 0.26130258, 0.27577711], 'image_std') : [1, 1, 1],
  };
}

/** The size of a prepared image; undefined when it depends on the image's own. */
export function preparedSize(p: Preprocessing): { width: number; height: number } | undefined {
  if (p.centerCrop) return p.centerCrop;
  return p.resize && 'width' in p.resize ? p.resize : undefined;
}

/** Resizes and crops, to the bit as `transformers` does over Pillow. */
export function fitImage(image: RgbImage, p: Preprocessing): RgbImage {
  let fitted = image;
  if (p.resize) {
    const { width, height } = 'width' in p.resize ? p.resize : shortestTo(image, p.resize.shortestEdge);
    fitted = resizeImage(image, width, height, p.filter);
  }
  if (!p.centerCrop) return fitted;
  const { width, height } = p.centerCrop;
  return cropImage(fitted, {
    left: margin(fitted.width, width, p.cropRounding),
    top: margin(fitted.height, height, p.cropRounding),
    width,
    height,
  });
}

/**
 * Normalises pixels to [3, height, width], in the float32 steps of `transformers` (rescale, subtract, divide).
 *
 * @param out receives the values, from `offset` on; by default a new array.
 */
export function normalise(image: RgbImage, n: Normalisation, out?: Float32Array, offset = 0): Float32Array {
  const plane = image.width * image.height;
  const result = out ?? new Float32Array(3 * plane);
  for (const channel of [0, 1, 2] as const) {
    const mean = Math.fround(n.mean[channel]);
    const std = Math.fround(n.std[channel]);
    const table = Float32Array.from({ length: 256 }, (_, value) => {
      return Math.fround(Math.fround(value * n.rescale) - mean) / std;
    });
    const start = offset + channel * plane;
    for (let i = 0, at = channel; i < plane; i++, at += 3) result[start + i] = table[image.data[at]!]!;
  }
  return result;
}

/** Resizes, crops and normalises to [3, height, width]. */
export function preprocess(
  image: RgbImage,
  p: Preprocessing,
): { data: Float32Array; shape: [3, number, number] } {
  const fitted = fitImage(image, p);
  return { data: normalise(fitted, p), shape: [3, fitted.height, fitted.width] };
}

function shortestTo(image: RgbImage, size: number): { width: number; height: number } {
  const { width, height } = image;
  return width <= height
    ? { width: size, height: Math.trunc((size * height) / width) }
    : { width: Math.trunc((size * width) / height), height: size };
}

function margin(size: number, crop: number, rounding: Preprocessing['cropRounding']): number {
  const exact = (size - crop) / 2;
  const down = Math.floor(exact);
  return rounding === 'half-even' && exact !== down && down % 2 !== 0 ? down + 1 : down;
}

const pilFilters: Partial<Record<string, ResizeFilter>> = { '2': 'bilinear', '3': 'bicubic' };

function filterOf(resample: unknown): ResizeFilter {
  const filter = pilFilters[String(resample)];
  if (!filter)
    throw refusal(`asks for resampling method ${String(resample)}; bilinear (2) and bicubic (3) are known`);
  return filter;
}

function resizeOf(size: unknown, crops: boolean): Preprocessing['resize'] {
  // A plain number means the shorter edge for the processors that crop, a square for those that do not.
  if (typeof size === 'number')
    return crops ? { shortestEdge: whole(size, 'size') } : squareOrSize(size, 'size');
  if (typeof size === 'object' && size !== null && 'shortest_edge' in size) {
    return { shortestEdge: whole(size.shortest_edge, 'size.shortest_edge') };
  }
  return squareOrSize(size, 'size');
}

function squareOrSize(size: unknown, field: string): { width: number; height: number } {
  if (typeof size === 'number') return { width: whole(size, field), height: whole(size, field) };
  if (typeof size === 'object' && size !== null && 'width' in size && 'height' in size) {
    return { width: whole(size.width, `${field}.width`), height: whole(size.height, `${field}.height`) };
  }
  throw refusal(`gives ${field} in a form that is not known`);
}

function whole(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 16384) {
    throw refusal(`gives ${field} as ${String(value)}; a whole number of pixels is expected`);
  }
  return value;
}

function positive(value: unknown, field: string): number {
  if (typeof value !== 'number' || !(value > 0)) throw refusal(`gives ${field} as ${String(value)}`);
  return value;
}

function triple(value: unknown, field: string): [number, number, number] {
  const numbers: unknown[] = Array.isArray(value) ? value : [value, value, value];
  const [r, g, b] = numbers;
  if (numbers.length !== 3 || typeof r !== 'number' || typeof g !== 'number' || typeof b !== 'number') {
    throw refusal(`gives ${field} without three numbers`);
  }
  return [r, g, b];
}

const refusal = (problem: string): Error => new Error(`preprocessor_config.json ${problem}`);
