/** Hub worker: downloads models and data sets into this device's storage and compares their checksums, beside the engine's work. */
import { expose } from 'comlink';
import { datasetFiles } from '../src/data/dataset-files.ts';
import { modelFiles } from '../src/exchange/model-files.ts';
import { HubCache } from '../src/storage/hub.ts';
import { readDatasetAddress, readHubAddress } from '../src/storage/hub-address.ts';
import { openBackends } from '../src/storage/open.ts';
import { type HubDownloads, type HubModel, hubStorage, type TransferProgress } from './hub-protocol.ts';

const storage = openBackends(hubStorage);
let inHand = new AbortController();

const cacheOf = async (hubUrl: string, token: string | null) =>
  new HubCache(await storage, { hubUrl, ...(token && { token }) });

const downloads: HubDownloads = {
  async find(address, kind, token) {
    const { hub, repository, revision } = readHubAddress(address);
    const listing = await (await cacheOf(hub, token)).list(repository, revision);
    const chosen = modelFiles(kind, listing.files);
    if (chosen.length === 0) throw new Error(nothingIn(repository, kind));
    return { hub, listing, chosen };
  },
  async download({ hub, listing, chosen }: HubModel, token, onProgress) {
    inHand = new AbortController();
    const cache = await cacheOf(hub, token);
    await cache.files(listing, chosen, { signal: inHand.signal, onProgress: seldom(onProgress) });
  },
  async findImages(address, token) {
    const { hub, repository, revision, within } = readDatasetAddress(address);
    const listing = await (await cacheOf(hub, token)).list(repository, revision, undefined, 'dataset');
    const chosen = datasetFiles(repository, listing.files, within).map(({ path }) => path);
    return { hub, listing, chosen };
  },
  async downloadImages({ hub, listing, chosen }, token, onProgress) {
    inHand = new AbortController();
    const files = await (await cacheOf(hub, token)).files(listing, chosen, {
      signal: inHand.signal,
      onProgress: seldom(onProgress),
      parallel: 6,
    });
    const name = listing.repository.split('/').at(-1)!;
    return [...files].map(([path, blob]) => ({ path: `${name}/${path}`, blob }));
  },
  async removeImages({ hub, listing, chosen }) {
    const wanted = new Set(chosen);
    await (await cacheOf(hub, null)).remove(listing.files.filter(({ path }) => wanted.has(path)));
  },
  async cancel() {
    inHand.abort(new DOMException('Cancelled', 'AbortError'));
  },
};

const nothingIn = (repository: string, kind: 'encoder' | 'teacher'): string =>
  kind === 'encoder'
    ? `${repository} holds no onnx/vision_model.onnx. Name a repository with ONNX files of a CLIP, such as Xenova/clip-vit-base-patch32, or drop an export here`
    : `${repository} holds no unet/model.onnx with vae_encoder/model.onnx. Name a repository with an ONNX export of Stable Diffusion, or drop one here`;

/** Milliseconds between two reports. */
const interval = 100;

/** The newest report of each interval, or of each file in it, the last one of a stalled transfer included. */
function seldom(report: (progress: TransferProgress) => void): (progress: TransferProgress) => void {
  const waiting = new Map<string, TransferProgress>();
  return (progress) => {
    if (waiting.size === 0) {
      setTimeout(() => {
        for (const newest of waiting.values()) report(newest);
        waiting.clear();
      }, interval);
    }
    waiting.set(progress.path, progress);
  };
}

expose(downloads);
