import type { Estimate } from './backend.ts';

/** Why storing failed. `full`: no room; `damaged`: bytes read back differ; `missing`: not here any more. */
export type StorageProblem = 'full' | 'damaged' | 'missing' | 'failed';

/** Something could not be kept or read on this device. The message tells the person what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly problem: StorageProblem;
  /** Bytes that what was to be stored takes; 0 when nothing was. */
  readonly needed: number;

  constructor(problem: StorageProblem, message: string, needed = 0, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.problem = problem;
    this.needed = needed;
  }
}

/**
 * Browsers report a full disk or quota by several names: QuotaExceededError, but also AbortError when a transaction
 * dies of it, and InvalidStateError when a file's snapshot cannot be made.
 */
const fullNames = new Set([
  'QuotaExceededError',
  'AbortError',
  'InvalidStateError',
  'NS_ERROR_DOM_QUOTA_REACHED',
]);

/** Turns a failure to write into a StorageError that says how much was needed and what may go. */
export async function writeFailure(
  error: unknown,
  what: string,
  needed: number,
  estimate: Estimate,
  removable: readonly { name: string; bytes: number }[],
): Promise<StorageError> {
  if (error instanceof StorageError) return error;
  const name = error instanceof Error ? error.name : '';
  if (!fullNames.has(name)) {
    const detail = error instanceof Error ? error.message : String(error);
    return new StorageError('failed', `${what} could not be kept on this device: ${detail}`, needed, error);
  }
  const { usage, quota } = await estimate().catch(() => ({ usage: undefined, quota: undefined }));
  const left = usage === undefined || quota === undefined ? needed : Math.max(0, quota - usage);
  // An estimate that would leave room is no help: the browser has refused all the same.
  const free = left < needed ? `; about ${size(left)} are free` : '';
  const largest = [...removable].sort((a, b) => b.bytes - a.bytes).slice(0, 3);
  const remedy =
    largest.length === 0
      ? 'Make room on the disk'
      : `Delete what you no longer need: ${largest.map((item) => `${item.name} (${size(item.bytes)})`).join(', ')}`;
  return new StorageError(
    'full',
    `No room for ${what}: it takes ${size(needed)}${free}. ${remedy}`,
    needed,
    error,
  );
}

/** Bytes for reading: 1.5 GB, 20 MB, 3 kB. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
