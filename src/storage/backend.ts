/**
 * What the storage rests on. The browser's own ways implement these (OPFS, IndexedDB); the logic above is the same
 * over any of them.
 */

/** Files that are written once, read often and removed: large bytes. */
export interface FileBackend {
  /** Writes a new file from its parts, in order; on disk when the promise resolves. */
  write(name: string, parts: Parts): Promise<void>;
  /**
   * Writes parts from byte `from` on, which may not lie past the end; what lay behind it goes. When a part fails, those
   * before it are on disk.
   */
  append(name: string, from: number, parts: Parts): Promise<void>;
  /** The file's bytes, left where they are until they are read. Rejects when there is no such file. */
  read(name: string): Promise<Blob>;
  /** Removes a file; nothing happens when there is none. */
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
}

export type Parts = Iterable<Uint8Array<ArrayBuffer>> | AsyncIterable<Uint8Array<ArrayBuffer>>;

/** Small values that survive a structured clone, by key. */
export interface StateBackend {
  get(key: string): Promise<unknown>;
  /** All values whose keys begin with a prefix. */
  entries(prefix: string): Promise<[key: string, value: unknown][]>;
  /** Makes all changes in one transaction: all of them, or none. */
  update(changes: { set?: ReadonlyMap<string, unknown>; remove?: Iterable<string> }): Promise<void>;
}

/** Bytes used and granted on this device, as far as the browser tells. */
export type Estimate = () => Promise<{ usage?: number; quota?: number }>;

export interface StorageBackends {
  files: FileBackend;
  state: StateBackend;
  estimate: Estimate;
}
