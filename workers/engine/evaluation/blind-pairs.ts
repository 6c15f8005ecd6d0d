import type { SourceFile } from '../../../src/data/file-content.ts';
import { numbersPerCrop } from '../../../src/data/training-crop.ts';
import { findBlindPairs } from '../../../src/evaluation/blind-pairs.ts';
import type { TeacherFolder } from '../../../src/exchange/teacher-folder.ts';
import { LatentEncoder } from '../../../src/training/latents.ts';
import type { FoundPair, PairSearch } from '../../protocol.ts';
import { poolCrops } from '../images.ts';
import type { SecondEncoder } from '../models.ts';
import { type EmbeddingParts, embedImages } from './embeddings.ts';

/** The parts of an embedding that another encoder replaces. */
export function secondParts(
  encoder: SecondEncoder | undefined,
): Pick<EmbeddingParts, 'encoder' | 'replaced' | 'modelHash'> {
  if (!encoder) throw new Error('The second encoder is no longer loaded: drop its folder again');
  return { encoder, replaced: new Map(), modelHash: encoder.summary.id };
}

/** The pairs that the first encoder thinks alike and the second opinion, [images, width], different. */
export async function blindPairs(
  parts: EmbeddingParts,
  images: readonly SourceFile[],
  opinion: Float32Array,
  { alike, different, most }: PairSearch,
): Promise<FoundPair[]> {
  const { signal, progress } = parts;
  const embeddings = await embedImages(parts, images);
  const total = images.length;
  const pairs = await findBlindPairs(embeddings, opinion, total, {
    alike,
    different,
    most,
    pause: async (done) => {
      progress({ label: 'images compared', done, total, secondsLeft: null });
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal.throwIfAborted();
    },
  });
  return pairs.map(({ images: [a, b], ...cosines }) => ({
    paths: [images[a]!.path, images[b]!.path],
    ...cosines,
  }));
}

/** Takes the centre square, whatever the numbers say. */
const centre = Array.from({ length: numbersPerCrop }, () => 0);

/**
 * The teacher's view: latents of its autoencoder, [images, elements], less their mean over the images, without which
 * all of them point the same way.
 */
export async function teacherLatents(
  { runtime, pool, encoder, signal, progress }: EmbeddingParts,
  teacher: TeacherFolder,
  images: readonly SourceFile[],
): Promise<Float32Array> {
  const { preprocessing, imageSize } = encoder.folder;
  const latents = await LatentEncoder.open(runtime, teacher, { fidelity: 'corrected', preprocessing });
  try {
    const crops = poolCrops(pool, images);
    const width = latents.shape.reduce((n, d) => n * d, 1);
    const rows = new Float32Array(images.length * width);
    const mean = new Float64Array(width);
    const started = performance.now();
    for (const image of images.keys()) {
      signal.throwIfAborted();
      const sizes = { teacherSize: latents.imageSize, encoderSize: imageSize };
      const crop = await crops.crop({ image, scale: 1, uniforms: centre, ...sizes });
      const latent = await latents.encode(crop.teacher);
      rows.set(latent, image * width);
      for (const [i, value] of latent.entries()) mean[i]! += value / images.length;
      const done = image + 1;
      const secondsLeft = ((performance.now() - started) / 1000 / done) * (images.length - done);
      progress({ label: 'latents', done, total: images.length, secondsLeft });
    }
    for (let i = 0; i < rows.length; i++) rows[i]! -= mean[i % width]!;
    return rows;
  } finally {
    await latents.release();
  }
}
