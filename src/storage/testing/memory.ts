import type { StorageBackends } from '../backend.ts';

/** Backends in memory that can be made to fail at any moment. */
export class MemoryStorage implements StorageBackends {
  readonly stored = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly values = new Map<string, unknown>();
  /** Called before each operation with its name; may throw. */
  before: (operation: string, name: string) => void = () => {};
  /** Changes bytes on their way to the disk. */
  corrupt: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => bytes;
  quota = Number.POSITIVE_INFINITY;

  readonly files: StorageBackends['files'] = {
    write: async (name, parts) => {
      this.before('write', name);
      const pieces: Uint8Array[] = [];
      for await (const part of parts) {
        pieces.push(part.slice());
        this.before('write part', name);
        if (this.#used() + pieces.reduce((n, p) => n + p.length, 0) > this.quota) {
          throw new DOMException('', 'QuotaExceededError');
        }
      }
      this.stored.set(name, this.corrupt(new Uint8Array(Buffer.concat(pieces))));
    },
    append: async (name, from, parts) => {
      this.before('append', name);
      let bytes = (this.stored.get(name) ?? new Uint8Array()).slice(0, from);
      this.stored.set(name, bytes);
      for await (const part of parts) {
        this.before('append part', name);
        if (this.#used() + part.length > this.quota) throw new DOMException('', 'QuotaExceededError');
        bytes = new Uint8Array(Buffer.concat([bytes, this.corrupt(part)]));
        this.stored.set(name, bytes);
      }
    },
    read: async (name) => {
      this.before('read', name);
      const bytes = this.stored.get(name);
      if (!bytes) throw new DOMException('', 'NotFoundError');
      return new Blob([bytes]);
    },
    remove: async (name) => {
      this.before('remove', name);
      this.stored.delete(name);
    },
    names: async () => [...this.stored.keys()],
  };

  readonly state: StorageBackends['state'] = {
    get: async (key) => structuredClone(this.values.get(key)),
    entries: async (prefix) =>
      [...this.values]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key, structuredClone(value)]),
    update: async ({ set = new Map(), remove = [] }) => {
      this.before('update', [...set.keys()].join());
      for (const [key, value] of set) this.values.set(key, structuredClone(value));
      for (const key of remove) this.values.delete(key);
    },
  };

  readonly estimate = async () => ({ usage: this.#used(), quota: this.quota });

  #used(): number {
    return [...this.stored.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  }
}
