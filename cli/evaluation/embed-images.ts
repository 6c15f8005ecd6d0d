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

/**
 * Embeds image files, [files, width], in their order.
 *
 * @throws ImageFileError naming the file that cannot be read
 */
export async function embedImages(
  runtime: Runtime,
  encoder: EncoderFolder,
  files: readonly NamedBlob[],
  mode: ImageMode,
  progress?: (text: string) => void,
): Promise<Float32Array> {
  const { imageSize, preprocessing, vision } = encoder;
  const jobs = createImageJobs(nodeDecoder);
  const embedder = await ImageEmbedder.open(runtime, vision, { imageSize, batch });
  try {
    const started = performance.now();
    const result = new Float32Array(files.length * embedder.width);
    const perImage = 3 * imageSize * imageSize;
    const pixels = new Float32Array(batch * perImage);
    for (let from = 0; from < files.length; from += batch) {
      const part = files.slice(from, from + batch);
      for (const [i, { path, blob }] of part.entries()) {
        const prepared = await jobs.prepare(blob, mode, preprocessing);
        if (!prepared.ok) {
          throw new ImageFileError(`${path}: ${prepared.reason}. Replace the file or leave it out`);
        }
        pixels.set(prepared.value.data, i * perImage);
      }
      const embeds = await embedder.embed(pixels.subarray(0, part.length * perImage));
      result.set(embeds, from * embedder.width);
      const done = from + part.length;
      const left = ((performance.now() - started) / 1000 / done) * (files.length - done);
      progress?.(`image ${done} of ${files.length}, ${Math.ceil(left)} s left`);
    }
    return result;
  } finally {
    await embedder.release();
  }
}
