import { contentBlob, type SourceFile } from '../data/file-content.ts';
import type { NamedBlob } from '../data/named-blob.ts';
import { type BlobRecord, type BlobStore, piecesOf } from './blobs.ts';
import { StorageError, size } from './errors.ts';

/** What is kept so that a later visit finds it again. */
export type LibraryKind = 'images' | 'model' | 'benchmark' | 'evaluation';

export interface LibraryItem {
  kind: LibraryKind;
  id: string;
  name: string;
  bytes: number;
  files: number;
  /** ISO 8601. */
  keptAt: string;
  /** The owner's description, as it was given. */
  summary: unknown;
}

/** Most bytes that a kind may take together. */
export type LibraryCaps = Record<LibraryKind, number>;

const gibi = 2 ** 30;
const defaultCaps: LibraryCaps = {
  images: 4 * gibi,
  model: 8 * gibi,
  benchmark: gibi,
  evaluation: 4 * gibi,
};

interface Meta {
  item: Omit<LibraryItem, 'bytes'>;
  /** Files one after the other in the blob. */
  index: { path: string; type: string; bytes: number }[];
}

/**
 * Image sets, model folders and benchmarks that were dropped, kept on this device. Each is one file with an index, so
 * that a set of very many images costs one file handle, and its images stay on disk until they are read.
 */
export class Library {
  readonly #blobs: BlobStore;
  readonly #caps: LibraryCaps;

  constructor(blobs: BlobStore, caps: Partial<LibraryCaps> = {}) {
    this.#blobs = blobs;
    this.#caps = { ...defaultCaps, ...caps };
  }

  /**
   * Keeps files under an id. When the kind's cap is reached, its oldest items go, but never those that are in use.
   *
   * @param options.inUse ids that must stay, such as the image sets of unfinished runs.
   * @returns the item, and what went for it.
   * @throws StorageError when it does not fit: nothing goes then.
   */
  async keep(
    given: { kind: LibraryKind; id: string; name: string; summary: unknown },
    files: readonly SourceFile[],
    options: { inUse?: ReadonlySet<string> } = {},
  ): Promise<{ item: LibraryItem; removed: LibraryItem[] }> {
    const { kind, id, name, summary } = given;
    const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
    const removed = await this.#makeRoom(kind, id, name, bytes, options.inUse ?? new Set());
    const item = { kind, id, name, summary, files: files.length, keptAt: new Date().toISOString() };
    const index = files.map(({ path, blob }) => ({
      path,
      type: 'archived' in blob ? '' : blob.type,
      bytes: blob.size,
    }));
    const meta: Meta = { item, index };
    const record = await this.#blobs.put(nameOf(kind, id), contents(files), {
      label: name,
      bytes,
      meta,
      replaces: removed.map((other) => nameOf(kind, other.id)),
    });
    return { item: { ...item, bytes: record.bytes }, removed };
  }

  /** What is kept, newest first. */
  async list(kind?: LibraryKind): Promise<LibraryItem[]> {
    const records = await this.#blobs.list(kind ? nameOf(kind, '') : prefix);
    return records.map((record) => ({ ...metaOf(record).item, bytes: record.bytes })).reverse();
  }

  /**
   * The files of an item, left on disk until they are read.
   *
   * @throws StorageError when it is not on this device any more.
   */
  async open(kind: LibraryKind, id: string): Promise<NamedBlob[]> {
    const { record, blob } = await this.#blobs.open(nameOf(kind, id));
    let at = 0;
    return metaOf(record).index.map(({ path, type, bytes }) => {
      const start = at;
      at += bytes;
      return { path, blob: blob.slice(start, at, type) };
    });
  }

  async remove(kind: LibraryKind, id: string): Promise<void> {
    await this.#blobs.remove(nameOf(kind, id));
  }

  /** Which items have to go, oldest first, so that a new one fits under the cap of its kind. */
  async #makeRoom(
    kind: LibraryKind,
    id: string,
    name: string,
    bytes: number,
    inUse: ReadonlySet<string>,
  ): Promise<LibraryItem[]> {
    const cap = this.#caps[kind];
    const others = (await this.list(kind)).filter((item) => item.id !== id);
    let total = bytes + others.reduce((sum, item) => sum + item.bytes, 0);
    const goes: LibraryItem[] = [];
    for (const item of others.reverse()) {
      if (total <= cap) break;
      if (inUse.has(item.id)) continue;
      goes.push(item);
      total -= item.bytes;
    }
    if (total <= cap) return goes;
    const used = total - bytes;
    throw new StorageError(
      'full',
      `${name} takes ${size(bytes)}, and at most ${size(cap)} are kept of its kind` +
        (used > 0 ? `, of which ${size(used)} are in use by runs. Delete runs that you no longer need` : '') +
        '. It can be used on this visit all the same',
      bytes,
    );
  }
}

const prefix = 'library/';
const nameOf = (kind: LibraryKind, id: string): string => `${prefix}${kind}/${id}`;

async function* contents(files: readonly SourceFile[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const { blob } of files) yield* piecesOf(await contentBlob(blob));
}

function metaOf(record: BlobRecord): Meta {
  const { meta } = record;
  if (typeof meta === 'object' && meta !== null && 'item' in meta && 'index' in meta) return meta as Meta;
  throw new StorageError('damaged', `${record.label} was stored by another version of Acuity: drop it again`);
}
