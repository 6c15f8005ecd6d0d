import { findBlindPairs } from '../../../src/evaluation/blind-pairs.ts';
import { RuntimeProduct } from '../../../src/evaluation/block-product.ts';
import type { RowSource } from '../../../src/evaluation/embeddings.ts';
import { teacherRows } from '../../../src/evaluation/teacher-view.ts';
import type { FoundPair, PairSearch } from '../../protocol.ts';
import { poolCrops } from '../images.ts';
import type { LoadedTeacher, SecondEncoder } from '../models.ts';
import { type EmbeddingParts, type HashedFile, hashes, imageRows, progressOf } from './embeddings.ts';
import { pauses } from './pauses.ts';

/** Images of a block. */
const block = 1024;

/** The parts of an embedding that another encoder replaces. */
export function secondParts(
  encoder: SecondEncoder | undefined,
): Pick<EmbeddingParts, 'encoder' | 'replaced' | 'modelHash'> {
  if (!encoder) throw new Error('The second encoder is no longer loaded: drop its folder again');
  return { encoder, replaced: new Map(), modelHash: encoder.summary.id };
}

/** The pairs that the first encoder thinks alike and the second opinion different. */
export async function blindPairs(
  parts: EmbeddingParts,
  images: readonly HashedFile[],
  opinion: RowSource,
  { alike, different, most }: PairSearch,
): Promise<FoundPair[]> {
  const embeddings = await imageRows(parts, images);
  const size = Math.min(block, images.length);
  const products = await RuntimeProduct.open(parts.runtime, embeddings.width, size);
  const pause = pauses(parts, 'percent of the pairs');
  try {
    const pairs = await findBlindPairs(embeddings, opinion, {
      ...{ alike, different, most, block: size, product: products.product },
      pause: (done, total) => pause(done / total),
    });
    return pairs.map(({ images: [a, b], ...cosines }) => ({
      paths: [images[a]!.path, images[b]!.path],
      ...cosines,
    }));
  } finally {
    await products.release();
  }
}

/** The teacher's latents of images, as a second opinion. */
export async function teacherOpinion(
  parts: EmbeddingParts,
  { folder, summary }: LoadedTeacher,
  images: readonly HashedFile[],
): Promise<RowSource> {
  const { runtime, pool, signal, cache } = parts;
  const keys = await hashes(parts, images);
  const space = await cache.space(`latents/${summary.id}/${runtime.provider}`);
  const tell = progressOf(parts, 'latents', keys.filter((key) => !space.has(key)).length);
  return teacherRows(runtime, folder, {
    ...{ crops: poolCrops(pool, images), keys, space },
    told: async (done) => {
      tell(done);
      signal.throwIfAborted();
    },
  });
}
