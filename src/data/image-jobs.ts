import { checkImage, decodeImage, type ImageMode, type RawDecoder } from './decode.ts';
import type { Fingerprint } from './duplicates.ts';
import { contentBytes, type FileContent } from './file-content.ts';
import { sha256 } from './hash.ts';
import { ImageFileError, inspectImageFile } from './image-file.ts';
import { lookOf } from './perceptual-hash.ts';
import { type Preprocessing, preprocess } from './preprocess.ts';
import type { RgbImage } from './rgb-image.ts';
import { randomResizedCrop, trainingCrop } from './training-crop.ts';

/** A file's result, or why it has none, in words for the list of skipped files. */
export type JobResult<T> = { ok: true; value: T } | { ok: false; reason: string };

export interface CropJob {
  /** Smallest share of the area that the crop keeps; 1 takes the centre square. */
  scale: number;
  /** `numbersPerCrop` uniform numbers in [0, 1). */
  uniforms: ArrayLike<number>;
  /** Edges of the two squares, in pixels. */
  teacherSize: number;
  encoderSize: number;
}

/** What an image worker does. Results survive a structured clone; their buffers may be transferred. */
export interface ImageJobs {
  /** Hashes a file and makes sure that it can be decoded. Width and height are those a person sees. */
  examine(blob: FileContent): Promise<JobResult<{ sha256: string; width: number; height: number }>>;
  /** Contents and looks, by which duplicates are found. */
  fingerprint(blob: FileContent): Promise<JobResult<Fingerprint>>;
  /** One image as encoder input, [3, height, width]. */
  prepare(
    blob: FileContent,
    mode: ImageMode,
    preprocessing: Preprocessing,
  ): Promise<JobResult<{ data: Float32Array; shape: [3, number, number] }>>;
  /** One crop for both branches of a training step: squares of RGB bytes, [size, size, 3]. */
  crop(
    blob: FileContent,
    mode: ImageMode,
    job: CropJob,
  ): Promise<JobResult<{ teacher: Uint8Array; encoder: Uint8Array }>>;
}

/** Pixels from which on images are decoded one at a time: several workers would fill the memory together. */
export const largePixels = 2 ** 24;

/**
 * The jobs over a decoder: the browser's in a worker, another under Node.
 *
 * @param alone runs work on a large image when no other worker is at one
 */
export function createImageJobs(
  decoder: RawDecoder,
  alone: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
): ImageJobs {
  return {
    examine: (blob) =>
      withBytes(blob, async (bytes) => {
        const [hash, size] = await Promise.all([sha256(bytes), checkImage(bytes, decoder)]);
        return { sha256: hash, ...size };
      }),
    fingerprint: (blob) =>
      withImage(blob, 'photo', async (image, bytes) => ({
        sha256: await sha256(bytes),
        ...lookOf(image),
      })),
    prepare: (blob, mode, preprocessing) =>
      withImage(blob, mode, (image) => preprocess(image, preprocessing)),
    crop: (blob, mode, job) =>
      withImage(blob, mode, (image) => {
        const box = randomResizedCrop(image.width, image.height, job.scale, job.uniforms);
        return trainingCrop(image, box, job.teacherSize, job.encoderSize);
      }),
  };

  function withImage<T>(
    blob: FileContent,
    mode: ImageMode,
    use: (image: RgbImage, bytes: Uint8Array) => T | Promise<T>,
  ): Promise<JobResult<T>> {
    return withBytes(blob, async (bytes) => use(await decodeImage(bytes, mode, decoder), bytes));
  }

  function withBytes<T>(blob: FileContent, use: (bytes: Uint8Array) => Promise<T>): Promise<JobResult<T>> {
    return attempt(async () => {
      const bytes = await contentBytes(blob);
      // The structure first: it names the reason better than a decoder does.
      const { width, height } = inspectImageFile(bytes);
      return width * height > largePixels ? alone(() => use(bytes)) : use(bytes);
    });
  }
}

/** A file's own faults become a result; others are thrown. */
export async function attempt<T>(work: () => Promise<T>): Promise<JobResult<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof ImageFileError) return { ok: false, reason: error.message };
    throw error;
  }
}
