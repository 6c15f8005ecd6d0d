import type { StoredCheckpoint } from '../../src/storage/checkpoints.ts';
import type { StorageProblem } from '../../src/storage/errors.ts';

/** Where files go: OPFS as in the engine worker, or IndexedDB as where there is none. */
export type Place = 'opfs' | 'indexed-db';

/** The storage, in a dedicated worker. */
export interface StorageProbe {
  /** Whether this browser has the place. */
  has(place: Place): Promise<boolean>;
  /** Keeps a checkpoint with one tensor of `bytes` equal bytes; the failure, if any. */
  save(
    place: Place,
    id: string,
    bytes: number,
    value: number,
    replaces?: string[],
  ): Promise<{ problem: StorageProblem; message: string; needed: number } | undefined>;
  list(place: Place): Promise<Pick<StoredCheckpoint, 'id' | 'bytes'>[]>;
  /** Length and distinct values of the tensor. */
  load(place: Place, id: string): Promise<{ length: number; values: number[] }>;
  /** Files on the disk, those of interrupted writes included. */
  files(place: Place): Promise<number>;
  clear(place: Place): Promise<void>;
}

declare global {
  interface Window {
    storageProbe?: StorageProbe;
  }
}
