import type { ImageMode } from '../../../src/data/decode.ts';
import { contentBytes, type SourceFile } from '../../../src/data/file-content.ts';
import { sha256 } from '../../../src/data/hash.ts';
import type { ImagePool } from '../../../src/data/image-pool.ts';
import { embedTexts, ImageEmbedder } from '../../../src/evaluation/embed.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import type { Progress } from '../../protocol.ts';
import type { LoadedEncoder } from '../models.ts';
import type { EmbeddingCache } from './embedding-cache.ts';

const batch = 16;

/** A file with the hash of its contents, where that is known already. */
export interface HashedFile extends SourceFile {
  sha256?: string;
}

/** One set of weights, ready to embed what it is evaluated on. */
export interface EmbeddingParts {
  runtime: Runtime;
  cpu: Runtime;
  pool: ImagePool;
  encoder: Pick<LoadedEncoder, 'folder' | 'vision'> & { summary: { id: string } };
  /** Vision weights that differ from the file's, by initialiser name. */
  replaced: ReadonlyMap<string, Uint8Array>;
  /** Of the encoder's files and the replaced weights. */
  modelHash: string;
  mode: ImageMode;
  cache: EmbeddingCache;
  signal: AbortSignal;
  progress(event: Progress): void;
}

/** Embeddings of images, [files, width], those made before from the cache. */
export async function embedImages(
  parts: EmbeddingParts,
  files: readonly HashedFile[],
): Promise<Float32Array> {
  // Another provider rounds its sums in another way.
  const space = `image/${parts.modelHash}/${parts.mode}/${parts.runtime.provider}`;
  const keys: string[] = [];
  for (const file of files) {
    keys.push(file.sha256 ?? (await sha256(await contentBytes(file.blob))));
    parts.signal.throwIfAborted();
  }
  const byKey = new Map(files.map((file, i) => [keys[i]!, file]));
  return throughCache(parts, space, keys, (missing, keep) =>
    runVision(
      parts,
      missing.map((key) => byKey.get(key)!),
      keep,
    ),
  );
}

/** Embeddings of prompts, [prompts, width]. The text tower is the encoder's own: refining does not change it. */
export async function embedPrompts(parts: EmbeddingParts, prompts: readonly string[]): Promise<Float32Array> {
  const { encoder, cpu, signal } = parts;
  const unique = [...new Set(prompts)];
  const hashes = await Promise.all(unique.map((prompt) => sha256(new TextEncoder().encode(prompt))));
  const keyOf = new Map(unique.map((prompt, i) => [prompt, hashes[i]!]));
  const promptOf = new Map(unique.map((prompt, i) => [hashes[i]!, prompt]));
  const keys = prompts.map((prompt) => keyOf.get(prompt)!);
  return throughCache(parts, `text/${encoder.summary.id}`, keys, async (missing, keep) => {
    const tell = progressOf(parts, 'prompts', missing.length);
    const texts = missing.map((key) => promptOf.get(key)!);
    const rows = await embedTexts(cpu, encoder.folder, texts, (done) => {
      signal.throwIfAborted();
      tell(done);
    });
    keep(rows, texts.length);
  });
}

/** Takes over the embeddings of the next inputs: [count, width]. */
type Keep = (rows: Float32Array, count: number) => void;

/** Rows in the order of `keys`; those that the cache lacks are made, each once, and kept also when cancelled. */
async function throughCache(
  { cache }: EmbeddingParts,
  space: string,
  keys: readonly string[],
  make: (missing: string[], keep: Keep) => Promise<void>,
): Promise<Float32Array> {
  const known = await cache.rows(space);
  const missing = [...new Set(keys)].filter((key) => !known.has(key));
  if (missing.length > 0) {
    const fresh = new Map<string, Float32Array>();
    try {
      await make(missing, (rows, count) => {
        const width = rows.length / count;
        for (let i = 0; i < count; i++)
          fresh.set(missing[fresh.size]!, rows.slice(i * width, (i + 1) * width));
      });
    } finally {
      await cache.add(space, fresh);
    }
  }
  const rows = await cache.rows(space);
  const width = rows.get(keys[0] ?? '')?.length ?? 0;
  const whole = new Float32Array(keys.length * width);
  for (const [i, key] of keys.entries()) whole.set(rows.get(key)!, i * width);
  return whole;
}

async function runVision(
  { runtime, encoder, replaced, pool, mode, signal, ...rest }: EmbeddingParts,
  files: readonly SourceFile[],
  keep: Keep,
): Promise<void> {
  const { imageSize, preprocessing } = encoder.folder;
  const tell = progressOf(rest, 'images', files.length);
  const embedder = await ImageEmbedder.open(runtime, encoder.vision, { imageSize, batch, replaced });
  try {
    const perImage = 3 * imageSize * imageSize;
    const pixels = new Float32Array(batch * perImage);
    let filled = 0;
    let index = 0;
    const flush = async () => {
      keep(await embedder.embed(pixels.subarray(0, filled * perImage)), filled);
      filled = 0;
      tell(index);
    };
    const prepared = pool.map(files, (jobs, { blob }) => jobs.prepare(blob, mode, preprocessing), { signal });
    for await (const image of prepared) {
      if (!image.ok)
        throw new Error(`${files[index]!.path}: ${image.reason}. Replace the file and add the folder again`);
      pixels.set(image.value.data, filled++ * perImage);
      index++;
      if (filled === batch) await flush();
    }
    if (filled > 0) await flush();
  } finally {
    await embedder.release();
  }
}

function progressOf(
  { progress }: Pick<EmbeddingParts, 'progress'>,
  label: string,
  total: number,
): (done: number) => void {
  const started = performance.now();
  return (done) => {
    const elapsed = (performance.now() - started) / 1000;
    progress({ label, done, total, secondsLeft: (elapsed / done) * (total - done) });
  };
}
