import { wrap } from 'comlink';
import './storage-protocol.ts';
import type { StorageProbe } from './storage-protocol.ts';

const remote = wrap<StorageProbe>(
  new Worker(new URL('./storage.worker.ts', import.meta.url), { type: 'module' }),
);

window.storageProbe = {
  has: (place) => remote.has(place),
  save: (...request) => remote.save(...request),
  list: (place) => remote.list(place),
  load: (place, id) => remote.load(place, id),
  files: (place) => remote.files(place),
  clear: (place) => remote.clear(place),
};
