import { numbersPerCrop } from '../data/training-crop.ts';
import type { TeacherFolder } from '../exchange/teacher-folder.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CropSource } from '../training/crops.ts';
import { LatentEncoder } from '../training/latents.ts';
import { complete, type EmbeddingSpace, rowsOfSpace } from './embedding-cache.ts';
import type { RowSource } from './embeddings.ts';

/** Takes the centre square, whatever the numbers say. */
const centre = Array.from({ length: numbersPerCrop }, () => 0);
/** Edge that latents are averaged down to: rows of a large teacher would fill the disk. */
const edge = 16;
/** Rows read at a time for their mean. */
const block = 256;

/**
 * The teacher's view of images, as a second opinion: latents of its autoencoder, averaged to at most 16 x 16, less
 * their mean over the images, without which all of them point the same way. Rows stay on this device until read.
 *
 * @param options.crops the images
 * @param options.keys hashes of their contents, by which `options.space` keeps the rows
 * @param options.told called after each image with the number done: it may throw
 */
export async function teacherRows(
  runtime: Runtime,
  teacher: TeacherFolder,
  options: {
    crops: CropSource;
    keys: readonly string[];
    space: EmbeddingSpace;
    told?: (done: number, total: number) => Promise<void>;
  },
): Promise<RowSource> {
  const { crops, keys, space, told } = options;
  const imageOf = new Map(keys.map((key, image) => [key, image]));
  await complete(space, keys, async (missing, keep) => {
    // Corrected normalisation reads no encoder's statistics.
    const preprocessing = { rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const encoder = await LatentEncoder.open(runtime, teacher, { fidelity: 'corrected', preprocessing });
    try {
      for (const [i, key] of missing.entries()) {
        const sizes = { teacherSize: encoder.imageSize, encoderSize: encoder.imageSize };
        const crop = await crops.crop({ image: imageOf.get(key)!, scale: 1, uniforms: centre, ...sizes });
        await keep([key], averaged(await encoder.encode(crop.teacher), encoder.shape));
        await told?.(i + 1, missing.length);
      }
    } finally {
      await encoder.release();
    }
  });
  return lessMean(rowsOfSpace(space, keys));
}

/** @returns [channels, edge, edge] of a latent [channels, height, width], or the latent where it is no multiple */
export function averaged(
  latent: Float32Array,
  [channels, height, width]: readonly [number, number, number],
): Float32Array {
  const step = height / edge;
  if (height !== width || step <= 1 || !Number.isInteger(step)) return latent;
  const result = new Float32Array(channels * edge * edge);
  for (let i = 0; i < latent.length; i++) {
    const [x, y, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
    result[(c * edge + Math.floor(y / step)) * edge + Math.floor(x / step)]! += latent[i]! / step ** 2;
  }
  return result;
}

/** The same rows with their mean taken away as they are read. */
export async function lessMean(source: RowSource): Promise<RowSource> {
  const { rows, width } = source;
  const mean = new Float64Array(width);
  for (let from = 0; from < rows; from += block) {
    const values = await source.read(from, Math.min(block, rows - from));
    for (let i = 0; i < values.length; i++) mean[i % width]! += values[i]!;
  }
  for (let i = 0; i < width; i++) mean[i]! /= rows;
  return {
    rows,
    width,
    async read(from, count) {
      return (await source.read(from, count)).map((value, i) => value - mean[i % width]!);
    },
  };
}
