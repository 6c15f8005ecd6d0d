import { contentBytes, type SourceFile } from '../../src/data/file-content.ts';
import { sha256 } from '../../src/data/hash.ts';
import { ImageFileError } from '../../src/data/image-file.ts';
import { createImageJobs } from '../../src/data/image-jobs.ts';
import { type DivaRule, divaEmbeddings } from '../../src/evaluation/diva-style.ts';
import { embedTexts, longTexts } from '../../src/evaluation/embed.ts';
import { complete, type Keep, rowsOfSpace } from '../../src/evaluation/embedding-cache.ts';
import type { RowSource } from '../../src/evaluation/embeddings.ts';
import { TunedEmbedder } from '../../src/evaluation/tuned-embedder.ts';
import { FolderError } from '../../src/exchange/folder.ts';
import { nodeDecoder } from '../node-decoder.ts';
import { counter, type EncoderParts } from './parts.ts';

/** A file that has no embedding, and why. */
export interface SkippedImage {
  path: string;
  reason: string;
}

/** What to tell about them; nothing when there are none. */
export function leftOut(skipped: readonly SkippedImage[]): string[] {
  const [first] = skipped;
  if (!first) return [];
  const images = skipped.length === 1 ? '1 image was' : `${skipped.length} images were`;
  return [`${images} left out: ${first.path}: ${first.reason}`];
}

export interface EmbeddedImages {
  /** Rows of the files that could be read, in order; left on disk until they are read. */
  rows: RowSource;
  /** Index among the files of each row. */
  kept: number[];
  skipped: SkippedImage[];
  /** SHA-256 of each kept file's contents. */
  hashes: string[];
}

/**
 * Embeds image files in their order, those embedded before from the cache. Files that cannot be read are left out and
 * listed.
 *
 * @throws ImageFileError when no file can be read; the signal's reason when cancelled, and what was made is kept
 */
export async function embedImages(
  parts: EncoderParts,
  files: readonly SourceFile[],
): Promise<EmbeddedImages> {
  const space = await parts.cache.space(spaceOf(parts));
  const keys = await hashesOf(parts, files);
  const byKey = new Map(files.map((file, i) => [keys[i]!, file]));
  const reasons = new Map<string, string>();
  await complete(space, keys, (missing, keep) =>
    runVision(parts, missing, (key) => byKey.get(key)!, keep, { reasons }),
  );
  const kept = [...files.keys()].filter((i) => space.has(keys[i]!));
  const skipped = [...files.keys()]
    .filter((i) => !space.has(keys[i]!))
    .map((i) => ({ path: files[i]!.path, reason: reasons.get(keys[i]!) ?? 'cannot be read' }));
  const [first] = skipped;
  if (kept.length === 0) {
    throw new ImageFileError(
      `None of ${files.length} images can be read. ${first?.path}: ${first?.reason}. Give images as PNG, JPEG or WebP`,
    );
  }
  const hashes = kept.map((i) => keys[i]!);
  return { rows: rowsOfSpace(space, hashes), kept, skipped, hashes };
}

/**
 * DIVA-style embeddings of a benchmark's images, [files, passes, width] (see src/evaluation/diva-style.ts).
 *
 * @throws ImageFileError naming a file that cannot be read
 */
export async function embedDivaStyle(
  parts: EncoderParts,
  files: readonly SourceFile[],
  rule: DivaRule,
  seeds: readonly number[],
): Promise<Float32Array> {
  // Draws differ by an image's place in the benchmark.
  const drawn = rule === 'openai' ? `-${seeds.join('-')}` : '';
  const space = await parts.cache.space(`${spaceOf(parts)}/diva-${rule}${drawn}`);
  const keys = (await hashesOf(parts, files)).map((hash, row) => `${hash}/${row}`);
  const rowOf = (key: string) => Number(key.slice(key.indexOf('/') + 1));
  const reasons = new Map<string, string>();
  await complete(space, keys, (missing, keep) =>
    runVision(parts, missing, (key) => files[rowOf(key)]!, keep, {
      reasons,
      reduce: (tokens, width, key) => divaEmbeddings(tokens, width, rowOf(key), rule, seeds),
    }),
  );
  for (const [key, reason] of reasons) throw new ImageFileError(`${files[rowOf(key)]!.path}: ${reason}`);
  return space.read(keys);
}

/**
 * Embeddings of prompts, [prompts, width].
 *
 * @param notice is told which were cut
 * @throws FolderError when the encoder has no text side
 */
export async function embedPrompts(
  parts: EncoderParts,
  prompts: readonly string[],
  notice: (text: string) => void,
): Promise<Float32Array> {
  const { encoder, runtime, cache, textHash, name } = parts;
  if (!encoder.text || !encoder.tokenizer) {
    throw new FolderError(
      `${name} has no text side: give --text with the folder of the model that it was refined from, or add onnx/text_model.onnx and tokenizer.json`,
    );
  }
  const cut = longTexts(encoder, prompts);
  if (cut) notice(cut);
  const hashes = new Map<string, string>();
  for (const prompt of new Set(prompts)) hashes.set(prompt, await sha256(new TextEncoder().encode(prompt)));
  const promptOf = new Map([...hashes].map(([prompt, hash]) => [hash, prompt]));
  const keys = prompts.map((prompt) => hashes.get(prompt)!);
  const space = await cache.space(`text/${textHash}`);
  await complete(space, keys, async (missing, keep) => {
    const tell = counter(parts, 'text', missing.length);
    // In parts, so that a cancellation keeps what was made.
    for (let from = 0; from < missing.length; from += textsAtATime) {
      const some = missing.slice(from, from + textsAtATime);
      const texts = some.map((key) => promptOf.get(key)!);
      await keep(some, await embedTexts(runtime, encoder, texts));
      await tell(from + some.length);
    }
  });
  return space.read(keys);
}

const textsAtATime = 256;

const spaceOf = ({ modelHash, mode, runtime }: EncoderParts): string =>
  `image/${modelHash}/${mode}/${runtime.provider}`;

/** Hashes of files' contents, by which their rows are kept. */
export async function hashesOf(parts: EncoderParts, files: readonly SourceFile[]): Promise<string[]> {
  const tell = counter(parts, 'hash', files.length);
  const keys: string[] = [];
  for (const { path, blob } of files) {
    // What cannot be read is told when it is decoded.
    keys.push(await contentBytes(blob).then(sha256, () => `unreadable ${path}`));
    await tell(keys.length);
  }
  return keys;
}

async function runVision(
  parts: EncoderParts,
  keys: readonly string[],
  fileOf: (key: string) => SourceFile,
  keep: Keep,
  options: {
    /** Gets the files that cannot be read. */
    reasons: Map<string, string>;
    /** Makes an image's row of all its tokens, [1 + patches, width]; default: the embedding. */
    reduce?: (tokens: Float32Array, width: number, key: string) => Float32Array;
  },
): Promise<void> {
  const { reasons, reduce } = options;
  const { runtime, encoder, mode } = parts;
  const { imageSize, preprocessing, vision } = encoder;
  const tell = counter(parts, 'image', keys.length);
  const jobs = createImageJobs(nodeDecoder);
  const embedder = await TunedEmbedder.open(runtime, vision, {
    imageSize,
    images: keys.length,
    tokens: reduce !== undefined,
  });
  try {
    const perImage = 3 * imageSize * imageSize;
    for (let from = 0; from < keys.length; ) {
      const some = keys.slice(from, from + embedder.batch);
      const pixels = new Float32Array(some.length * perImage);
      const read: string[] = [];
      for (const key of some) {
        const prepared = await jobs.prepare(fileOf(key).blob, mode, preprocessing);
        if (prepared.ok) pixels.set(prepared.value.data, read.push(key) * perImage - perImage);
        else reasons.set(key, prepared.reason);
      }
      if (read.length > 0) {
        const given = pixels.subarray(0, read.length * perImage);
        await keep(
          read,
          reduce
            ? await embedder.reduceTokens(given, (tokens, i) => reduce(tokens, embedder.width, read[i]!))
            : await embedder.embed(given),
        );
      }
      from += some.length;
      await tell(from, `${embedder.batch} at a time`);
    }
  } finally {
    await embedder.release();
  }
}
