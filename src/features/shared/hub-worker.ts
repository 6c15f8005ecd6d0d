import { proxy, wrap } from 'comlink';
import type { HubDownloads } from '../../../workers/hub-protocol.ts';

let current: HubDownloads | undefined;

/** The page's one hub worker, with plain functions as listeners; the first call starts it. */
export function hub(): HubDownloads {
  current ??= connect();
  return current;
}

function connect(): HubDownloads {
  const worker = new Worker(new URL('../../../workers/hub.worker.ts', import.meta.url), {
    type: 'module',
    name: 'acuity-hub',
  });
  const remote = wrap<HubDownloads>(worker);
  return {
    find: (address, kind, token) => remote.find(address, kind, token),
    download: (model, token, onProgress) => remote.download(model, token, proxy(onProgress)),
    findImages: (address, token) => remote.findImages(address, token),
    downloadImages: (set, token, onProgress) => remote.downloadImages(set, token, proxy(onProgress)),
    removeImages: (set) => remote.removeImages(set),
    cancel: () => remote.cancel(),
  };
}
