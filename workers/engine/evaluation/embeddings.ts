import type { ImageMode } from '../../../src/data/decode.ts';
import { contentBytes, type SourceFile } from '../../../src/data/file-content.ts';
import { sha256 } from '../../../src/data/hash.ts';
import type { ImagePool } from '../../../src/data/image-pool.ts';
import { largestBatch } from '../../../src/evaluation/batch-search.ts';
import { type DivaRule, divaEmbeddings } from '../../../src/evaluation/diva-style.ts';
import { embedTexts, longTexts } from '../../../src/evaluation/embed.ts';
import { complete, type EmbeddingCache, rowsOfSpace } from '../../../src/evaluation/embedding-cache.ts';
import type { RowSource } from '../../../src/evaluation/embeddings.ts';
import { TunedEmbedder } from '../../../src/evaluation/tuned-embedder.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import type { Progress } from '../../protocol.ts';
import type { LoadedEncoder } from '../models.ts';

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
  /** Told what a person should know about the figures, such as texts that are too long. */
  notice?(text: string): void;
}

/** Embeddings of images, [files, width], those made before from the cache. */
export async function embedImages(
  parts: EmbeddingParts,
  files: readonly HashedFile[],
): Promise<Float32Array> {
  const { read, rows } = await imageRows(parts, files);
  return read(0, rows);
}

/** Embeddings of images, left on this device until they are read. */
export async function imageRows(parts: EmbeddingParts, files: readonly HashedFile[]): Promise<RowSource> {
  const space = await parts.cache.space(spaceOf(parts));
  const keys = await hashes(parts, files);
  const byKey = new Map(files.map((file, i) => [keys[i]!, file]));
  await complete(space, keys, (missing, keep) =>
    runVision(
      parts,
      missing.map((key) => byKey.get(key)!),
      (rows, from, count) => keep(missing.slice(from, from + count), rows),
    ),
  );
  return rowsOfSpace(space, keys);
}

/** DIVA-style embeddings of a benchmark's images, [files, passes, width] (see src/evaluation/diva-style.ts). */
export async function embedDivaStyle(
  parts: EmbeddingParts,
  files: readonly HashedFile[],
  rule: DivaRule,
  seeds: readonly number[],
): Promise<Float32Array> {
  // Draws differ by an image's place in the benchmark.
  const drawn = rule === 'openai' ? `-${seeds.join('-')}` : '';
  const space = await parts.cache.space(`${spaceOf(parts)}/diva-${rule}${drawn}`);
  const keys = (await hashes(parts, files)).map((hash, row) => `${hash}/${row}`);
  await complete(space, keys, (missing, keep) => {
    const rows = missing.map((key) => Number(key.slice(key.indexOf('/') + 1)));
    return runVision(
      parts,
      rows.map((row) => files[row]!),
      (made, from, count) => keep(missing.slice(from, from + count), made),
      (tokens, width, at) => divaEmbeddings(tokens, width, rows[at]!, rule, seeds),
    );
  });
  return space.read(keys);
}

// Another provider rounds its sums in another way.
const spaceOf = ({ modelHash, mode, runtime }: EmbeddingParts): string =>
  `image/${modelHash}/${mode}/${runtime.provider}`;

/** Hashes of files' contents, by which their rows are kept. */
export async function hashes({ signal }: EmbeddingParts, files: readonly HashedFile[]): Promise<string[]> {
  const keys: string[] = [];
  for (const file of files) {
    keys.push(file.sha256 ?? (await sha256(await contentBytes(file.blob))));
    signal.throwIfAborted();
  }
  return keys;
}

/** Embeddings of prompts, [prompts, width]. The text tower is the encoder's own: refining does not change it. */
export async function embedPrompts(parts: EmbeddingParts, prompts: readonly string[]): Promise<Float32Array> {
  const { encoder, cpu, signal, cache } = parts;
  const notice = parts.notice && longTexts(encoder.folder, prompts);
  if (notice) parts.notice?.(notice);
  const unique = [...new Set(prompts)];
  const hashed = await Promise.all(unique.map((prompt) => sha256(new TextEncoder().encode(prompt))));
  const keyOf = new Map(unique.map((prompt, i) => [prompt, hashed[i]!]));
  const promptOf = new Map(unique.map((prompt, i) => [hashed[i]!, prompt]));
  const keys = prompts.map((prompt) => keyOf.get(prompt)!);
  const space = await cache.space(`text/${encoder.summary.id}`);
  await complete(space, keys, async (missing, keep) => {
    const tell = progressOf(parts, 'prompts', missing.length);
    const texts = missing.map((key) => promptOf.get(key)!);
    const rows = await embedTexts(cpu, encoder.folder, texts, (done) => {
      signal.throwIfAborted();
      tell(done);
    });
    await keep(missing, rows);
  });
  return space.read(keys);
}

/**
 * Runs the vision tower over files in order.
 *
 * @param keep takes over the rows of `count` files
 * @param reduce makes an image's row of all its tokens, [1 + patches, width]; default: the embedding
 */
async function runVision(
  { runtime, encoder, replaced, pool, mode, signal, ...rest }: EmbeddingParts,
  files: readonly SourceFile[],
  keep: (rows: Float32Array, from: number, count: number) => Promise<void>,
  reduce?: (tokens: Float32Array, width: number, index: number) => Float32Array,
): Promise<void> {
  const { imageSize, preprocessing } = encoder.folder;
  const options = { imageSize, images: files.length, replaced, tokens: reduce !== undefined };
  const embedder = await TunedEmbedder.open(runtime, encoder.vision, options);
  const tell = progressOf(rest, 'images', files.length);
  try {
    const perImage = 3 * imageSize * imageSize;
    let pixels = new Float32Array(embedder.batch * perImage);
    let filled = 0;
    let index = 0;
    const flush = async () => {
      const given = pixels.subarray(0, filled * perImage);
      const first = index - filled;
      await keep(
        reduce
          ? await embedder.reduceTokens(given, (tokens, i) => reduce(tokens, embedder.width, first + i))
          : await embedder.embed(given),
        first,
        filled,
      );
      filled = 0;
      if (pixels.length !== embedder.batch * perImage) pixels = new Float32Array(embedder.batch * perImage);
      tell(index, `${embedder.batch} at a time`);
    };
    const prepared = pool.map(files, (jobs, { blob }) => jobs.prepare(blob, mode, preprocessing), {
      signal,
      ahead: Math.max(largestBatch, 2 * pool.size),
    });
    for await (const image of prepared) {
      if (!image.ok)
        throw new Error(`${files[index]!.path}: ${image.reason}. Replace the file and add the folder again`);
      pixels.set(image.value.data, filled++ * perImage);
      index++;
      if (filled === embedder.batch) await flush();
    }
    if (filled > 0) await flush();
  } finally {
    await embedder.release();
  }
}

export function progressOf(
  { progress }: Pick<EmbeddingParts, 'progress'>,
  label: string,
  total: number,
): (done: number, detail?: string) => void {
  const started = performance.now();
  return (done, detail) => {
    const elapsed = (performance.now() - started) / 1000;
    progress({
      label: detail ? `${label}, ${detail}` : label,
      done,
      total,
      secondsLeft: (elapsed / done) * (total - done),
    });
  };
}
