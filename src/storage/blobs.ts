import { sha256 } from '../data/hash.ts';
import type { Parts, StorageBackends } from './backend.ts';
import { StorageError, writeFailure } from './errors.ts';

/** A named piece of a stored blob. */
export interface Section {
  offset: number;
  length: number;
}

/** What the state keeps of a blob; `name` is what its owner calls it. */
export interface BlobRecord {
  name: string;
  /** Shown to the person in messages about room. */
  label: string;
  file: string;
  bytes: number;
  /** SHA-256 over the SHA-256 digests of its 8 MiB pieces. */
  hash: string;
  /** ISO 8601. */
  storedAt: string;
  /** The owner's own value. */
  meta: unknown;
}

const prefix = 'blob:';
const pieceSize = 8 * 2 ** 20;
/** Files of interrupted writes are swept once they are this old: another tab may still be writing younger ones. */
const sweepAge = 60 * 60 * 1000;

/**
 * Large values by name. A new value is written beside the old one, read back and compared by hash; then one
 * transaction makes the name point to it; then the old one is removed. An interruption at any moment leaves the name
 * with one whole value, the old or the new.
 */
export class BlobStore {
  readonly #backends: StorageBackends;

  constructor(backends: StorageBackends) {
    this.#backends = backends;
  }

  /**
   * Keeps a value under a name, in place of the one that it had.
   *
   * @param options.bytes size of the whole, for messages; known before anything is written.
   * @param options.replaces names whose values go in the same transaction.
   * @throws StorageError: no room, or the bytes read back differ.
   */
  async put(
    name: string,
    parts: Parts,
    options: { label: string; bytes: number; meta?: unknown; replaces?: readonly string[] },
  ): Promise<BlobRecord> {
    const { files, state, estimate } = this.#backends;
    const file = `${Date.now().toString(36)}-${crypto.randomUUID()}`;
    const goes = [...new Set([name, ...(options.replaces ?? [])])];
    try {
      const meter = new PieceHash();
      await files.write(file, meter.watch(parts));
      const hash = await meter.digest();
      const record: BlobRecord = {
        name,
        label: options.label,
        file,
        bytes: meter.bytes,
        hash,
        storedAt: new Date().toISOString(),
        meta: options.meta,
      };
      await this.#verify(record);
      const old = (await Promise.all(goes.map((other) => this.get(other)))).filter(
        (one) => one !== undefined,
      );
      await state.update({
        set: new Map([[prefix + name, record]]),
        remove: goes.filter((other) => other !== name).map((other) => prefix + other),
      });
      for (const one of old) await files.remove(one.file).catch(ignore);
      return record;
    } catch (error) {
      await files.remove(file).catch(ignore);
      const others = (await this.list().catch(() => [])).filter((one) => one.name !== name);
      const removable = others.map((one) => ({ name: one.label, bytes: one.bytes }));
      throw await writeFailure(error, options.label, options.bytes, estimate, removable);
    }
  }

  async get(name: string): Promise<BlobRecord | undefined> {
    const record = await this.#backends.state.get(prefix + name);
    return isRecord(record) ? record : undefined;
  }

  /** All values whose names begin with a prefix, oldest first. */
  async list(start = ''): Promise<BlobRecord[]> {
    const entries = await this.#backends.state.entries(prefix + start);
    return entries
      .map(([, record]) => record)
      .filter(isRecord)
      .sort((a, b) => (a.storedAt < b.storedAt ? -1 : 1));
  }

  /**
   * The bytes of a value, left on disk until they are read.
   *
   * @throws StorageError when there is none, or its file has gone or is cut short.
   */
  async open(name: string): Promise<{ record: BlobRecord; blob: Blob }> {
    const record = await this.get(name);
    if (!record) throw new StorageError('missing', 'It is no longer on this device');
    const blob = await this.#backends.files.read(record.file).catch((error: unknown) => {
      throw new StorageError(
        'missing',
        `${record.label} is no longer on this device: the browser removed it`,
        0,
        error,
      );
    });
    if (blob.size !== record.bytes) {
      throw new StorageError(
        'damaged',
        `${record.label} is damaged on this device: ${blob.size} of ${record.bytes} bytes are left`,
      );
    }
    return { record, blob };
  }

  /** Reads the whole value and compares its hash. Throws a StorageError when it differs. */
  async verify(name: string): Promise<void> {
    const { record } = await this.open(name);
    await this.#verify(record);
  }

  /** Changes the owner's value of a blob without touching its bytes. */
  async setMeta(name: string, meta: unknown): Promise<void> {
    const record = await this.get(name);
    if (!record) throw new StorageError('missing', 'It is no longer on this device');
    await this.#backends.state.update({ set: new Map([[prefix + name, { ...record, meta }]]) });
  }

  async remove(name: string): Promise<void> {
    const record = await this.get(name);
    if (!record) return;
    await this.#backends.state.update({ remove: [prefix + name] });
    await this.#backends.files.remove(record.file).catch(ignore);
  }

  /** Removes the files that interrupted writes left. Returns how many. */
  async sweep(now = Date.now()): Promise<number> {
    const used = new Set((await this.list()).map((record) => record.file));
    let swept = 0;
    for (const file of await this.#backends.files.names()) {
      const written = Number.parseInt(file.split('-')[0] ?? '', 36);
      if (used.has(file) || !(now - written > sweepAge)) continue;
      await this.#backends.files.remove(file).catch(ignore);
      swept++;
    }
    return swept;
  }

  async #verify(record: BlobRecord): Promise<void> {
    const meter = new PieceHash();
    const blob = await this.#backends.files.read(record.file);
    for await (const _ of meter.watch(piecesOf(blob))) {
      // Reading is all that is wanted.
    }
    if (meter.bytes === record.bytes && (await meter.digest()) === record.hash) return;
    throw new StorageError(
      'damaged',
      `${record.label} was not stored whole: the bytes read back differ. Try again`,
      record.bytes,
    );
  }
}

/** A blob's bytes in pieces small enough to hold. */
export async function* piecesOf(blob: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < blob.size; at += pieceSize) {
    yield new Uint8Array(await blob.slice(at, at + pieceSize).arrayBuffer());
  }
}

/** Hashes bytes in pieces as they pass: browsers have no running SHA-256. */
class PieceHash {
  bytes = 0;
  readonly #piece = new Uint8Array(pieceSize);
  #filled = 0;
  readonly #digests: string[] = [];

  async *watch(parts: Parts): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const part of parts) {
      this.bytes += part.length;
      for (let at = 0; at < part.length; ) {
        const taken = Math.min(part.length - at, pieceSize - this.#filled);
        this.#piece.set(part.subarray(at, at + taken), this.#filled);
        this.#filled += taken;
        at += taken;
        if (this.#filled === pieceSize) await this.#close();
      }
      yield part;
    }
  }

  async digest(): Promise<string> {
    if (this.#filled > 0) await this.#close();
    return sha256(new TextEncoder().encode(this.#digests.join('')));
  }

  async #close(): Promise<void> {
    this.#digests.push(await sha256(this.#piece.subarray(0, this.#filled)));
    this.#filled = 0;
  }
}

function isRecord(value: unknown): value is BlobRecord {
  return (
    typeof value === 'object' && value !== null && 'file' in value && 'hash' in value && 'label' in value
  );
}

function ignore(): void {}
