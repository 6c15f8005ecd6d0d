import type { ImageMode } from '../../src/data/decode.ts';
import { ImageFileError } from '../../src/data/image-file.ts';
import { createImageJobs } from '../../src/data/image-jobs.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { ImageEmbedder } from '../../src/evaluation/embed.ts';
import type { EncoderFolder } from '../../src/exchange/encoder-folder.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { nodeDecoder } from '../node-decoder.ts';

/** As in the app, so that sums are taken in the same shapes. */
const batch = 16;

/** A file that has no embedding, and why. */
export interface SkippedImage {
  path: string;
  reason: string;
}

/**
 * Embeds image files in their order. Files that cannot be read are left out and listed.
 *
 * @returns the rows, [kept.length, width], and the index among the files of each
 * @throws ImageFileError when no file can be read
 */
export async function embedImages(
  runtime: Runtime,
  encoder: EncoderFolder,
  files: readonly NamedBlob[],
  mode: ImageMode,
  progress?: (text: string) => void,
): Promise<{ values: Float32Array; kept: number[]; skipped: SkippedImage[] }> {
  const { imageSize, preprocessing, vision } = encoder;
  const jobs = createImageJobs(nodeDecoder);
  const embedder = await ImageEmbedder.open(runtime, vision, { imageSize, batch });
  try {
    const started = performance.now();
    const result = new Float32Array(files.length * embedder.width);
    const kept: number[] = [];
    const skipped: SkippedImage[] = [];
    const perImage = 3 * imageSize * imageSize;
    const pixels = new Float32Array(batch * perImage);
    for (let from = 0; from < files.length; from += batch) {
      const part = files.slice(from, from + batch);
      const before = kept.length;
      for (const [i, { path, blob }] of part.entries()) {
        const prepared = await jobs.prepare(blob, mode, preprocessing);
        if (!prepared.ok) {
          skipped.push({ path, reason: prepared.reason });
          continue;
        }
        pixels.set(prepared.value.data, (kept.length - before) * perImage);
        kept.push(from + i);
      }
      const read = kept.length - before;
      if (read > 0) {
        result.set(await embedder.embed(pixels.subarray(0, read * perImage)), before * embedder.width);
      }
      const done = from + part.length;
      const left = ((performance.now() - started) / 1000 / done) * (files.length - done);
      progress?.(`image ${done} of ${files.length}, ${Math.ceil(left)} s left`);
    }
    if (kept.length === 0) {
      const [first] = skipped;
      throw new ImageFileError(
        `None of ${files.length} images can be read. ${first?.path}: ${first?.reason}. Give images as PNG, JPEG or WebP`,
      );
    }
    return { values: result.slice(0, kept.length * embedder.width), kept, skipped };
  } finally {
    await embedder.release();
  }
}
