import type { FileBackend } from './backend.ts';

/**
 * Files in the origin private file system, written through sync access handles, which exist in dedicated workers
 * only. Undefined where the browser does not offer them (other threads, some private windows).
 */
export async function openOpfs(folder: string): Promise<FileBackend | undefined> {
  if (typeof FileSystemFileHandle === 'undefined' || !navigator.storage?.getDirectory) return undefined;
  if (!hasSyncAccess(FileSystemFileHandle.prototype)) return undefined;
  try {
    const root = await navigator.storage.getDirectory();
    return filesIn(await root.getDirectoryHandle(folder, { create: true }));
  } catch {
    return undefined;
  }
}

function filesIn(directory: FileSystemDirectoryHandle): FileBackend {
  const append: FileBackend['append'] = async (name, from, parts) => {
    const handle = await directory.getFileHandle(name, { create: true });
    if (!hasSyncAccess(handle)) throw new Error('files cannot be written from this thread');
    const access = await handle.createSyncAccessHandle();
    try {
      access.truncate(from);
      let at = from;
      for await (const part of parts) {
        for (let written = 0; written < part.length; ) {
          const count = access.write(part.subarray(written), { at });
          // Chromium's private windows report the end of the quota by writing less, then by a count past all sense.
          if (count === 0 || count > part.length - written) {
            throw new DOMException('nothing more could be written', 'QuotaExceededError');
          }
          written += count;
          at += count;
        }
      }
    } finally {
      access.flush();
      access.close();
    }
  };
  return {
    append,
    write: (name, parts) => append(name, 0, parts),
    async read(name) {
      return (await directory.getFileHandle(name)).getFile();
    },
    async remove(name) {
      try {
        await directory.removeEntry(name);
      } catch (error) {
        if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
      }
    },
    async names() {
      const names: string[] = [];
      for await (const name of directory.keys()) names.push(name);
      return names;
    },
  };
}

/** What TypeScript knows of workers only. */
interface SyncAccess {
  createSyncAccessHandle(): Promise<{
    truncate(size: number): void;
    write(bytes: Uint8Array, options: { at: number }): number;
    flush(): void;
    close(): void;
  }>;
}

const hasSyncAccess = <T extends object>(handle: T): handle is T & SyncAccess =>
  'createSyncAccessHandle' in handle;
