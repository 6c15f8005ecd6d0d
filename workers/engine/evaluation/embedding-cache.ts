import { type BlobStore, piecesOf } from '../../../src/storage/blobs.ts';

/** Most bytes of embeddings kept on this device; the oldest go first. */
const mostBytes = 2 ** 30;
const prefix = 'embeddings/';

/** What a stored file of embeddings holds: one row for each key, in order. */
interface Meta {
  width: number;
  keys: string[];
}

/**
 * Embeddings by model hash and content hash, kept on this device: what was embedded once is not embedded again, in
 * whichever set it comes.
 */
export class EmbeddingCache {
  readonly #blobs: BlobStore;
  readonly #loaded = new Map<string, Promise<Map<string, Float32Array>>>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** All embeddings kept for a space: the hash of the model and how it was fed. Rows by the hash of their content. */
  async rows(space: string): Promise<ReadonlyMap<string, Float32Array>> {
    return this.#space(space);
  }

  /** Keeps rows of equal width. Where there is no room they serve this visit alone. */
  async add(space: string, rows: ReadonlyMap<string, Float32Array>): Promise<void> {
    if (rows.size === 0) return;
    const known = await this.#space(space);
    for (const [key, row] of rows) known.set(key, row);
    const width = rows.values().next().value!.length;
    const bytes = rows.size * width * 4;
    const values = new Float32Array(rows.size * width);
    let at = 0;
    for (const row of rows.values()) {
      values.set(row, at);
      at += width;
    }
    const meta: Meta = { width, keys: [...rows.keys()] };
    try {
      await this.#blobs.put(`${prefix}${space}/${crypto.randomUUID()}`, [new Uint8Array(values.buffer)], {
        label: `Embeddings of ${rows.size} inputs`,
        bytes,
        meta,
        replaces: await this.#oldest(bytes),
      });
    } catch (error) {
      console.warn(error instanceof Error ? error.message : String(error));
    }
  }

  #space(space: string): Promise<Map<string, Float32Array>> {
    let loaded = this.#loaded.get(space);
    if (!loaded) {
      loaded = this.#read(space);
      this.#loaded.set(space, loaded);
    }
    return loaded;
  }

  async #read(space: string): Promise<Map<string, Float32Array>> {
    const rows = new Map<string, Float32Array>();
    for (const { name } of await this.#blobs.list(`${prefix}${space}/`)) {
      try {
        const { record, blob } = await this.#blobs.open(name);
        const { width, keys } = record.meta as Meta;
        const values = new Float32Array(await wholeOf(blob));
        for (const [i, key] of keys.entries()) rows.set(key, values.slice(i * width, (i + 1) * width));
      } catch {
        // A cache that cannot be read is made anew.
        await this.#blobs.remove(name);
      }
    }
    return rows;
  }

  /** What has to go so that `bytes` more fit. */
  async #oldest(bytes: number): Promise<string[]> {
    const all = await this.#blobs.list(prefix);
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

async function wholeOf(blob: Blob): Promise<ArrayBuffer> {
  const whole = new Uint8Array(blob.size);
  let at = 0;
  for await (const piece of piecesOf(blob)) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole.buffer;
}
