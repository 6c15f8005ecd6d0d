import type { BlobRecord, BlobStore } from '../storage/blobs.ts';
import type { RowSource } from './embeddings.ts';

/** Most bytes of embeddings kept on this device; the oldest go first. */
const defaultLimit = 2 ** 30;
/** Bytes of rows in one stored file, so that a block of rows can be read without the rest. */
const chunkBytes = 4 * 2 ** 20;
const prefix = 'embeddings/';

/** What a stored file of embeddings holds: one row for each key, in order. */
interface Meta {
  width: number;
  keys: string[];
}

/**
 * Embeddings by model hash and content hash, kept on this device: what was embedded once is not embedded again, in
 * whichever set it comes. Rows stay on disk until they are read.
 */
export class EmbeddingCache {
  readonly #blobs: BlobStore;
  readonly #limit: number;
  readonly #spaces = new Map<string, Promise<EmbeddingSpace>>();

  /** @param options.limit bytes kept at most; spaces that were opened in this visit are kept all the same */
  constructor(blobs: BlobStore, options: { limit?: number } = {}) {
    this.#blobs = blobs;
    this.#limit = options.limit ?? defaultLimit;
  }

  /** The embeddings kept for a space: the hash of the model and how it was fed. */
  space(name: string): Promise<EmbeddingSpace> {
    let opened = this.#spaces.get(name);
    if (!opened) {
      const room = (bytes: number) => this.#oldest(bytes);
      opened = EmbeddingSpace.open(this.#blobs, `${prefix}${name}/`, room);
      this.#spaces.set(name, opened);
    }
    return opened;
  }

  /** What has to go so that `bytes` more fit. Nothing goes that is in use. */
  async #oldest(bytes: number): Promise<string[]> {
    const all = await this.#blobs.list(prefix);
    const used = [...this.#spaces.keys()].map((name) => `${prefix}${name}/`);
    let total = bytes + all.reduce((sum, record) => sum + record.bytes, 0);
    const goes: string[] = [];
    for (const record of all) {
      if (total <= this.#limit) break;
      if (used.some((space) => record.name.startsWith(space))) continue;
      goes.push(record.name);
      total -= record.bytes;
    }
    return goes;
  }
}

/** Where a row is: in a file on this device, or in memory where there was no room. */
type Place = { file: string; row: number } | Float32Array;

/** Rows of equal width by the hash of their content. */
export class EmbeddingSpace {
  /** Elements of a row; 0 while there is none. */
  width = 0;
  readonly #blobs: BlobStore;
  readonly #prefix: string;
  readonly #room: (bytes: number) => Promise<string[]>;
  readonly #places = new Map<string, Place>();
  /** Contents by file, left on disk: a search reads each of them many times. */
  readonly #blobsOf = new Map<string, Blob>();

  static async open(
    blobs: BlobStore,
    start: string,
    room: (bytes: number) => Promise<string[]>,
  ): Promise<EmbeddingSpace> {
    const space = new EmbeddingSpace(blobs, start, room);
    for (const record of await blobs.list(start)) {
      if (!(await space.#index(record))) await blobs.remove(record.name);
    }
    return space;
  }

  private constructor(blobs: BlobStore, start: string, room: (bytes: number) => Promise<string[]>) {
    this.#blobs = blobs;
    this.#prefix = start;
    this.#room = room;
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** Rows that one stored file takes: what is best added at a time. */
  static rowsAtATime(width: number): number {
    return Math.max(1, Math.floor(chunkBytes / (4 * width)));
  }

  /**
   * Keeps rows. Where there is no room they serve this visit alone.
   *
   * @throws Error when their width is not that of the rows before
   */
  async add(rows: ReadonlyMap<string, Float32Array>): Promise<void> {
    const [first] = rows.values();
    if (!first) return;
    this.#fit(first.length);
    const width = first.length;
    const values = new Float32Array(rows.size * width);
    let at = 0;
    for (const row of rows.values()) {
      values.set(row, at);
      at += width;
    }
    const bytes = values.byteLength;
    const meta: Meta = { width, keys: [...rows.keys()] };
    try {
      const record = await this.#blobs.put(
        `${this.#prefix}${crypto.randomUUID()}`,
        [new Uint8Array(values.buffer)],
        {
          label: `Embeddings of ${rows.size} inputs`,
          bytes,
          meta,
          replaces: await this.#room(bytes),
        },
      );
      await this.#index(record);
    } catch (error) {
      console.warn(error instanceof Error ? error.message : String(error));
      for (const [key, row] of rows) this.#places.set(key, row);
    }
  }

  /**
   * Rows in the order of the keys, [keys.length, width]; only what they take is in memory.
   *
   * @throws Error when one of them is not kept, or has gone from this device since
   */
  async read(keys: readonly string[]): Promise<Float32Array> {
    const { width } = this;
    const result = new Float32Array(keys.length * width);
    const wanted = new Map<string, { row: number; to: number }[]>();
    for (const [to, key] of keys.entries()) {
      const place = this.#places.get(key);
      if (!place) throw new Error('An embedding was never made: evaluate again');
      if (place instanceof Float32Array) {
        result.set(place, to * width);
        continue;
      }
      const rows = wanted.get(place.file) ?? [];
      rows.push({ row: place.row, to });
      wanted.set(place.file, rows);
    }
    for (const [file, rows] of wanted) {
      const from = rows.reduce((least, { row }) => Math.min(least, row), Number.POSITIVE_INFINITY);
      const end = rows.reduce((most, { row }) => Math.max(most, row), 0) + 1;
      const blob = this.#blobsOf.get(file)!;
      const values = new Float32Array(await partOf(blob, 4 * width * from, 4 * width * end));
      for (const { row, to } of rows) {
        result.set(values.subarray((row - from) * width, (row - from + 1) * width), to * width);
      }
    }
    return result;
  }

  /** Takes up the rows of a file, unless it cannot be what it says: a cache that cannot be read is made anew. */
  async #index({ name, meta, bytes }: BlobRecord): Promise<boolean> {
    const { width, keys } = meta as Meta;
    if (bytes !== 4 * width * keys.length || (this.width !== 0 && width !== this.width)) return false;
    try {
      this.#blobsOf.set(name, (await this.#blobs.open(name)).blob);
    } catch {
      return false;
    }
    this.width = width;
    for (const [row, key] of keys.entries()) this.#places.set(key, { file: name, row });
    return true;
  }

  #fit(width: number): void {
    if (this.width !== 0 && this.width !== width)
      throw new Error(`Embeddings of ${width} elements among those of ${this.width}`);
    this.width = width;
  }
}

/** Takes over the embeddings of some keys, [keys.length, width]. Awaited, so that rows go to disk as they come. */
export type Keep = (keys: readonly string[], rows: Float32Array) => Promise<void>;

/**
 * Makes the rows that a space lacks, each once; those made before a cancellation or a failure are kept.
 *
 * @param make embeds `missing` and hands the rows over as they come; what it leaves out stays missing
 */
export async function complete(
  space: EmbeddingSpace,
  keys: readonly string[],
  make: (missing: string[], keep: Keep) => Promise<void>,
): Promise<void> {
  const missing = [...new Set(keys)].filter((key) => !space.has(key));
  if (missing.length === 0) return;
  let fresh = new Map<string, Float32Array>();
  const flush = async () => {
    const rows = fresh;
    fresh = new Map();
    await space.add(rows);
  };
  try {
    await make(missing, async (made, rows) => {
      const width = rows.length / made.length;
      for (const [i, key] of made.entries()) fresh.set(key, rows.slice(i * width, (i + 1) * width));
      if (fresh.size >= EmbeddingSpace.rowsAtATime(width)) await flush();
    });
  } finally {
    await flush();
  }
}

/** The rows of these keys, left on this device until they are read. */
export const rowsOfSpace = (space: EmbeddingSpace, keys: readonly string[]): RowSource => ({
  rows: keys.length,
  width: space.width,
  read: (from, count) => space.read(keys.slice(from, from + count)),
});

async function partOf(blob: Blob, from: number, to: number): Promise<ArrayBuffer> {
  try {
    return await blob.slice(from, to).arrayBuffer();
  } catch (error) {
    throw new Error('Embeddings have gone from this device meanwhile: start again', { cause: error });
  }
}
