import { createImageJobs } from '../../src/data/image-jobs.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { type BlindPair, findBlindPairs } from '../../src/evaluation/blind-pairs.ts';
import { RuntimeProduct } from '../../src/evaluation/block-product.ts';
import type { RowSource } from '../../src/evaluation/embeddings.ts';
import { teacherRows } from '../../src/evaluation/teacher-view.ts';
import { folderIdentity } from '../../src/exchange/folder-identity.ts';
import { readTeacherFolder } from '../../src/exchange/teacher-folder.ts';
import { nodeDecoder } from '../node-decoder.ts';
import { embedImages, hashesOf, type SkippedImage } from './embed-images.ts';
import { counter, type EncoderParts, meter, withEncoder, withFolder } from './parts.ts';

/** Images of a block. */
const block = 1024;

export interface BlindPairSearch {
  files: readonly NamedBlob[];
  /** Absolute path of the second encoder's folder, or of a diffusion model's, and its name for messages. */
  second: { path: string; name: string };
  alike: number;
  different: number;
  most: number;
}

/** What was found; paths in place of rows. */
export interface BlindPairs extends Pick<BlindPairSearch, 'alike' | 'different'> {
  second: string;
  images: number;
  pairs: (Omit<BlindPair, 'images'> & { images: [string, string] })[];
  skipped: SkippedImage[];
}

/** Finds the pairs of images that the encoder thinks alike and a second one, or a teacher's latents, different. */
export async function blindPairs(parts: EncoderParts, search: BlindPairSearch): Promise<BlindPairs> {
  // One's own images are seen as in the app: rotated by EXIF, alpha over white.
  const first = { ...parts, mode: 'photo' as const };
  const embedded = await embedImages(first, search.files);
  const files = embedded.kept.map((row) => search.files[row]!);
  const { alike, different, most, second } = search;
  const opinion = await secondOpinion(first, second, files);
  const size = Math.min(block, files.length);
  const products = await RuntimeProduct.open(parts.runtime, embedded.rows.width, size);
  const tell = meter(parts, (share) => `${parts.name}: pairs, ${Math.floor(100 * share)}%`);
  try {
    const pairs = await findBlindPairs(embedded.rows, opinion, {
      ...{ alike, different, most, block: size, product: products.product },
      pause: (done, total) => tell(total === 0 ? 1 : done / total),
    });
    return {
      ...{ second: second.name, alike, different, images: files.length, skipped: embedded.skipped },
      pairs: pairs.map(({ images: [a, b], ...cosines }) => ({
        images: [files[a]!.path, files[b]!.path],
        ...cosines,
      })),
    };
  } finally {
    await products.release();
  }
}

/** Rows of another encoder, which need not have a text side, or a teacher's latents. */
function secondOpinion(
  first: EncoderParts,
  second: BlindPairSearch['second'],
  files: readonly NamedBlob[],
): Promise<RowSource> {
  return withFolder(second.path, second.name, async (folder) => {
    if (!folder.find('vae_encoder/model.onnx')) {
      return withEncoder(first, { ...second, mode: first.mode }, async (parts) => {
        const { rows } = await embedImages(parts, files);
        return rows;
      });
    }
    const keys = await hashesOf(first, files);
    const space = await first.cache.space(
      `latents/${await folderIdentity(folder)}/${first.runtime.provider}`,
    );
    const missing = keys.filter((key) => !space.has(key)).length;
    const tell = counter({ ...first, name: second.name }, 'latent', missing);
    const jobs = createImageJobs(nodeDecoder);
    return teacherRows(first.runtime, await readTeacherFolder(folder), {
      crops: {
        count: files.length,
        async crop({ image, ...job }) {
          const cut = await jobs.crop(files[image]!.blob, 'photo', job);
          if (cut.ok) return cut.value;
          throw new Error(`${files[image]!.path} could be read before but not any more: ${cut.reason}`);
        },
      },
      keys,
      space,
      told: (done) => tell(done),
    });
  });
}
