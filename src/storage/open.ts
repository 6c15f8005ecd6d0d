import type { StorageBackends } from './backend.ts';
import { openFiles, openState } from './indexed-db.ts';
import { openOpfs } from './opfs.ts';

/** The browser's storage for a name: files in OPFS where a dedicated worker has it, else in IndexedDB. */
export async function openBackends(name = 'acuity'): Promise<StorageBackends> {
  return {
    files: (await openOpfs(name)) ?? openFiles(`${name}-files`),
    state: openState(`${name}-state`),
    estimate: () => navigator.storage?.estimate?.() ?? Promise.resolve({}),
  };
}

/**
 * Asks the browser not to clear what is stored here when the disk fills up. Browsers decide by their own rules, some
 * by asking the person.
 *
 * @returns whether it promised.
 */
export async function persist(): Promise<boolean> {
  if (!navigator.storage?.persist) return false;
  return (await navigator.storage.persisted()) || navigator.storage.persist();
}
