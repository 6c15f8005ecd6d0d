import { expose } from 'comlink';
import { presets } from '../../src/method/config.ts';
import type { StorageBackends } from '../../src/storage/backend.ts';
import { BlobStore } from '../../src/storage/blobs.ts';
import { CheckpointStore } from '../../src/storage/checkpoints.ts';
import { StorageError } from '../../src/storage/errors.ts';
import { openFiles, openState } from '../../src/storage/indexed-db.ts';
import { openOpfs } from '../../src/storage/opfs.ts';
import type { Place, StorageProbe } from './storage-protocol.ts';

async function backends(place: Place): Promise<StorageBackends> {
  const files = place === 'opfs' ? await openOpfs('probe') : openFiles('probe-files');
  if (!files) throw new Error('There is no OPFS in this worker');
  return { files, state: openState(`probe-${place}`), estimate: () => navigator.storage.estimate() };
}

const checkpoints = async (place: Place) => new CheckpointStore(new BlobStore(await backends(place)));

const probe: StorageProbe = {
  has: async (place) => place === 'indexed-db' || (await openOpfs('probe')) !== undefined,
  async save(place, id, bytes, value, replaces = []) {
    const tensors = new Map([['weights/w', new Uint8Array(bytes).fill(value)]]);
    const info = {
      id,
      run: 'r',
      step: 1,
      createdAt: new Date().toISOString(),
      encoder: 'e',
      loss: 1,
      records: [],
    };
    try {
      await (await checkpoints(place)).save({ ...info, config: presets.quick, tensors }, { replaces });
      return undefined;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const { problem, message, needed } = error;
      return { problem, message, needed };
    }
  },
  list: async (place) => (await (await checkpoints(place)).list()).map(({ id, bytes }) => ({ id, bytes })),
  async load(place, id) {
    const tensor = (await (await checkpoints(place)).load(id)).tensors.get('weights/w')!;
    return { length: tensor.length, values: [...new Set(tensor)] };
  },
  files: async (place) => (await (await backends(place)).files.names()).length,
  async clear(place) {
    const store = await checkpoints(place);
    for (const { id } of await store.list()) await store.remove(id);
  },
};

expose(probe);
