import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../src/data/hash.ts';
import type { FileBackend, Parts, StateBackend, StorageBackends } from '../src/storage/backend.ts';

/**
 * Storage in a folder of this computer: `files` as they are, `state` one JSON file for each key. Every file is written
 * aside and then renamed, so that a process that ends at any moment leaves none half written.
 */
export async function openNodeStorage(folder: string): Promise<StorageBackends> {
  const [files, state] = [join(folder, 'files'), join(folder, 'state')];
  await mkdir(files, { recursive: true });
  await mkdir(state, { recursive: true });
  return { files: fileBackend(files), state: stateBackend(state), estimate: async () => ({}) };
}

function fileBackend(folder: string): FileBackend {
  const at = (name: string) => join(folder, name);
  return {
    write: (name, parts) => writeAside(at(name), parts),
    async append(name, from, parts) {
      const file = await open(at(name), 'r+').catch(() => open(at(name), 'w+'));
      try {
        await file.truncate(from);
        let position = from;
        for await (const part of parts) {
          await file.write(part, 0, part.length, position);
          position += part.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
    },
    // Where there is none, Node throws rather than rejects.
    read: async (name) => openAsBlob(at(name)),
    remove: (name) => rm(at(name), { force: true }),
    names: () => readdir(folder),
  };
}

/** Keys may be long and hold slashes, so that files are named by their hash; `update` makes its changes one by one. */
function stateBackend(folder: string): StateBackend {
  const at = async (key: string) => join(folder, `${await sha256(new TextEncoder().encode(key))}.json`);
  return {
    async get(key) {
      return (await readState(await at(key)))?.value;
    },
    async entries(prefix) {
      const all: [key: string, value: unknown][] = [];
      for (const name of await readdir(folder)) {
        const found = name.endsWith('.json') ? await readState(join(folder, name)) : undefined;
        if (found?.key.startsWith(prefix)) all.push([found.key, found.value]);
      }
      return all;
    },
    // New values first: an interruption leaves at worst an old value beside the new one, never none.
    async update({ set = new Map(), remove = [] }) {
      for (const [key, value] of set) {
        await writeAside(await at(key), [new TextEncoder().encode(JSON.stringify({ key, value }))]);
      }
      for (const key of remove) await rm(await at(key), { force: true });
    },
  };
}

/** Undefined for a file that has gone or is none of ours. */
async function readState(path: string): Promise<{ key: string; value: unknown } | undefined> {
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'));
    const isEntry = typeof read === 'object' && read !== null && 'key' in read && 'value' in read;
    return isEntry && typeof read.key === 'string' ? { key: read.key, value: read.value } : undefined;
  } catch {
    return undefined;
  }
}

async function writeAside(path: string, parts: Parts): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await writeFile(partial, parts);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
