import { createStore, get, keys, promisifyRequest, type UseStore } from 'idb-keyval';
import type { FileBackend, StateBackend } from './backend.ts';

/** Small state in IndexedDB. */
export function openState(database: string): StateBackend {
  const store = createStore(database, 'state');
  return {
    get: (key) => get(key, store),
    entries: (prefix) => store('readonly', (objects) => readRange(objects, prefix)),
    update: ({ set = new Map(), remove = [] }) =>
      store('readwrite', (objects) => {
        for (const [key, value] of set) objects.put(value, key);
        for (const key of remove) objects.delete(key);
        return promisifyRequest(objects.transaction);
      }),
  };
}

/** Files as blobs in IndexedDB, where there is no file system: each in one record. */
export function openFiles(database: string): FileBackend {
  const store: UseStore = createStore(database, 'files');
  const put = (name: string, pieces: Blob[]) =>
    store('readwrite', (objects) => {
      objects.put(new Blob(pieces), name);
      return promisifyRequest(objects.transaction);
    });
  const read = async (name: string): Promise<Blob> => {
    const blob: unknown = await get(name, store);
    if (blob instanceof Blob) return blob;
    throw new DOMException(`There is no file ${name}`, 'NotFoundError');
  };
  return {
    read,
    async write(name, parts) {
      const pieces: Blob[] = [];
      for await (const part of parts) pieces.push(new Blob([part]));
      await put(name, pieces);
    },
    async append(name, from, parts) {
      const pieces = from === 0 ? [] : [(await read(name)).slice(0, from)];
      try {
        for await (const part of parts) pieces.push(new Blob([part]));
      } finally {
        await put(name, pieces);
      }
    },
    async remove(name) {
      await store('readwrite', (objects) => {
        objects.delete(name);
        return promisifyRequest(objects.transaction);
      });
    },
    async names() {
      return (await keys(store)).map(String);
    },
  };
}

async function readRange(objects: IDBObjectStore, prefix: string): Promise<[string, unknown][]> {
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
  const [found, values] = await Promise.all([
    promisifyRequest(objects.getAllKeys(range)),
    promisifyRequest<unknown[]>(objects.getAll(range)),
  ]);
  return found.map((key, i) => [String(key), values[i]]);
}
