import type { BlobRecord, BlobStore } from './blobs.ts';

/** What a stored file of rows holds: one row for each key, in order. */
interface Meta {
  width: number;
  keys: string[];
}

interface Place {
  record: BlobRecord;
  row: number;
}

export interface RowCacheOptions {
  /** First part of the names of its files, such as `latents`. */
  prefix: string;
  /** What the rows are, for messages about room, such as `Latents of images`. */
  label: string;
  /** Most bytes kept on this device; the oldest go first. */
  mostBytes: number;
}

/**
 * float32 rows of one width a space, kept on this device by key. Only the keys are held in memory: a row is read from
 * its file when it is asked for.
 */
export class RowCache {
  readonly #blobs: BlobStore;
  readonly #options: RowCacheOptions;
  readonly #spaces = new Map<string, Promise<Map<string, Place>>>();

  constructor(blobs: BlobStore, options: RowCacheOptions) {
    this.#blobs = blobs;
    this.#options = options;
  }

  /** The row of a key, or undefined where none is kept or its file has gone. */
  async get(space: string, key: string): Promise<Float32Array<ArrayBuffer> | undefined> {
    const places = await this.#space(space);
    const place = places.get(key);
    if (!place) return undefined;
    const bytes = 4 * (place.record.meta as Meta).width;
    try {
      const { blob } = await this.#blobs.open(place.record.name);
      const part = blob.slice(place.row * bytes, (place.row + 1) * bytes);
      return new Float32Array(await part.arrayBuffer());
    } catch {
      // A cache that cannot be read is made anew.
      for (const [other, { record }] of places) if (record.name === place.record.name) places.delete(other);
      return undefined;
    }
  }

  /**
   * Keeps rows of equal width.
   *
   * @returns false where there is no room for them.
   */
  async add(space: string, rows: ReadonlyMap<string, Float32Array>): Promise<boolean> {
    if (rows.size === 0) return true;
    const places = await this.#space(space);
    const width = rows.values().next().value!.length;
    const bytes = rows.size * width * 4;
    const values = new Float32Array(rows.size * width);
    let at = 0;
    for (const row of rows.values()) {
      values.set(row, at);
      at += width;
    }
    const meta: Meta = { width, keys: [...rows.keys()] };
    const { prefix, label } = this.#options;
    try {
      const goes = await this.#oldest(bytes);
      const record = await this.#blobs.put(
        `${prefix}/${space}/${crypto.randomUUID()}`,
        [new Uint8Array(values.buffer)],
        { label, bytes, meta, replaces: goes },
      );
      for (const known of await Promise.all(this.#spaces.values()))
        for (const [key, place] of known) if (goes.includes(place.record.name)) known.delete(key);
      for (const [row, key] of meta.keys.entries()) places.set(key, { record, row });
      return true;
    } catch (error) {
      console.warn(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  #space(space: string): Promise<Map<string, Place>> {
    let places = this.#spaces.get(space);
    if (!places) {
      places = this.#read(space);
      this.#spaces.set(space, places);
    }
    return places;
  }

  async #read(space: string): Promise<Map<string, Place>> {
    const places = new Map<string, Place>();
    for (const record of await this.#blobs.list(`${this.#options.prefix}/${space}/`))
      for (const [row, key] of (record.meta as Meta).keys.entries()) places.set(key, { record, row });
    return places;
  }

  /** What has to go so that `bytes` more fit. */
  async #oldest(bytes: number): Promise<string[]> {
    const { prefix, mostBytes } = this.#options;
    const all = await this.#blobs.list(`${prefix}/`);
    let total = bytes + all.reduce((sum, record) => sum + record.bytes, 0);
    const goes: string[] = [];
    for (const record of all) {
      if (total <= mostBytes) break;
      goes.push(record.name);
      total -= record.bytes;
    }
    return goes;
  }
}
