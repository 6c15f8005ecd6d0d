import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { ImageMode } from '../../src/data/decode.ts';
import { openFile } from '../../src/data/node-files.ts';
import { EmbeddingCache } from '../../src/evaluation/embedding-cache.ts';
import { type EncoderFolder, readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { ModelFolder } from '../../src/exchange/folder.ts';
import { folderIdentity } from '../../src/exchange/folder-identity.ts';
import type { ByteSource } from '../../src/onnx/model.ts';
import { type OrtModule, openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { BlobStore } from '../../src/storage/blobs.ts';
import { openNodeStorage } from '../node-storage.ts';

/** What all work on one command line shares. */
export interface Work {
  runtime: Runtime;
  cache: EmbeddingCache;
  signal: AbortSignal | undefined;
  progress: ((text: string) => void) | undefined;
}

/** One encoder, ready to embed what it is evaluated on. */
export interface EncoderParts extends Work {
  /** As on the command line. */
  name: string;
  encoder: EncoderFolder;
  /** Of the folder's contents. */
  modelHash: string;
  /** Of the folder that the text side comes from. */
  textHash: string;
  mode: ImageMode;
}

/**
 * @param cache folder where embeddings are kept for the next command; undefined keeps them for this one alone
 */
export async function openWork(
  options: { threads: number; cache: string | undefined } & Pick<Work, 'signal' | 'progress'>,
): Promise<Work> {
  const { threads, signal, progress } = options;
  const blobs = new BlobStore(await openNodeStorage(options.cache ?? passingFolder()));
  await blobs.sweep();
  return {
    runtime: await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu', threads }),
    cache: new EmbeddingCache(blobs),
    signal,
    progress,
  };
}

/** A folder that goes when the process ends. */
export function passingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'acuity-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Runs work on an encoder's folder, whose files stay open as long.
 *
 * @param options.text folder of the text side of an encoder that has none, such as a refined visual tower
 */
export async function withEncoder<T>(
  work: Work,
  { path, name, mode, text }: { path: string; name: string; mode: ImageMode; text?: string | undefined },
  task: (parts: EncoderParts) => Promise<T>,
): Promise<T> {
  return withFolder(path, name, async (folder) => {
    const encoder = await readEncoderFolder(folder);
    const modelHash = await folderIdentity(folder);
    const parts = { ...work, name, mode, encoder, modelHash, textHash: modelHash };
    if (encoder.text || text === undefined) return task(parts);
    return withFolder(text, text, async (other) => {
      const { text: tower, tokenizer } = await readEncoderFolder(other);
      return task({
        ...parts,
        encoder: { ...encoder, text: tower, tokenizer },
        textHash: await folderIdentity(other),
      });
    });
  });
}

/** Opens the files of a model's folder that readers may ask for, and closes them after the task. */
export async function withFolder<T>(
  path: string,
  name: string,
  task: (folder: ModelFolder) => Promise<T>,
): Promise<T> {
  const files = new Map<string, ByteSource>();
  const opened: { close(): Promise<void> }[] = [];
  try {
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(onnx|onnx_data|data|json|txt|model)(_\d+)?$/i.test(entry.name)) continue;
      const full = join(entry.parentPath, entry.name);
      const file = await openFile(full);
      opened.push(file);
      files.set(relative(path, full).split(sep).join('/'), file);
    }
    return await task(new ModelFolder(name, files));
  } finally {
    for (const file of opened) await file.close();
  }
}

/** Milliseconds of work between two looks at whether to stop. */
const breath = 50;

/**
 * Tells on one line how far work is and how long it takes still, and hears when it is to stop.
 *
 * @returns to be called with the share that is done, from 0 to 1; throws the signal's reason when cancelled
 */
export function meter(
  { progress, signal }: Pick<Work, 'progress' | 'signal'>,
  label: (share: number) => string,
): (share: number) => Promise<void> {
  const started = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  return async (share) => {
    signal?.throwIfAborted();
    const now = performance.now();
    if (now - last < breath && share < 1) return;
    const left = share > 0 ? `, ${duration(((now - started) / 1000 / share) * (1 - share))} left` : '';
    progress?.(`${label(share)}${left}`);
    // A turn of the event loop, in which Ctrl-C is heard.
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    last = performance.now();
  };
}

/** {@link meter} for work that is counted. */
export function counter(
  parts: Pick<EncoderParts, 'progress' | 'signal' | 'name'>,
  what: string,
  total: number,
): (done: number, detail?: string) => Promise<void> {
  let told = '';
  const tell = meter(
    parts,
    (share) => `${parts.name}: ${what} ${Math.round(share * total)} of ${total}${told}`,
  );
  return (done, detail) => {
    told = detail ? `, ${detail}` : '';
    return tell(total === 0 ? 1 : done / total);
  };
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
