import { join, posix } from 'node:path';
import { isArchive } from '../../src/data/archives.ts';
import { datasetFiles } from '../../src/data/dataset-files.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { HubCache } from '../../src/storage/hub.ts';
import { defaultHub, readDatasetAddress } from '../../src/storage/hub-address.ts';
import { RefusedError } from '../io.ts';
import { openNodeStorage } from '../node-storage.ts';
import { messageOf } from '../options.ts';
import { passingFolder, type Work } from './parts.ts';

/** What makes an evaluation set of images: labels, questions, captions. */
const isBeside = ({ path }: { path: string }): boolean => /\.(csv|jsonl?|txt)$/i.test(path);

/** Whether a place on the command line is a data set on a hub: `hf:owner/name`, or a URL. */
export const isHubPlace = (place: string): boolean => /^(hf:|https?:\/\/)/.test(place);

/**
 * Downloads what a data set holds for evaluations, unless it is here: images, archives, labels. HF_TOKEN is sent to
 * huggingface.co, or to HF_ENDPOINT where that is set, and to nobody else.
 *
 * @param place `hf:owner/name[@revision][/path]`, or a URL; its path names a folder, an archive or another file
 * @returns files below the folder, and the file that was named, which is no archive
 * @throws RefusedError; HubError; StorageError; the signal's reason when cancelled
 */
export async function hubData(
  place: string,
  {
    cache = passingFolder(),
    signal,
    progress,
  }: { cache: string | undefined } & Pick<Work, 'signal' | 'progress'>,
): Promise<{ files: NamedBlob[]; named: NamedBlob | undefined }> {
  const { hub, repository, revision, within } = addressOf(place);
  const endpoint = (process.env['HF_ENDPOINT'] || defaultHub).replace(/\/+$/, '');
  const hubUrl = hub === defaultHub ? endpoint : hub;
  const token = hubUrl === endpoint ? process.env['HF_TOKEN'] : undefined;
  const storage = await openNodeStorage(join(cache, 'hub'));
  const hubCache = new HubCache(storage, { hubUrl, ...(token && { token }) });
  const listing = await hubCache.list(repository, revision, signal, 'dataset');

  const isFile = listing.files.some(({ path }) => path === within);
  const folder = isFile ? parentOf(within) : within;
  const wanted = isFile && isArchive({ path: within }) ? within : folder;
  const chosen = refusing(() => datasetFiles(repository, listing.files, wanted, isBeside));
  let told = '';
  const blobs = await hubCache.files(
    listing,
    chosen.map(({ path }) => path),
    {
      ...(signal && { signal }),
      parallel: 6,
      onProgress({ total }) {
        const now = `${repository}: ${Math.floor((100 * total.received) / Math.max(1, total.size))} % of ${(total.size / 1e6).toFixed(1)} MB`;
        if (now !== told) progress?.(now);
        told = now;
      },
    },
  );
  const files = [...blobs].map(([path, blob]) => ({ path: posix.relative(folder, path), blob }));
  const named = isFile && !isArchive({ path: within }) ? posix.basename(within) : undefined;
  return { files, named: files.find(({ path }) => path === named) };
}

const parentOf = (path: string): string => posix.dirname(`/${path}`).slice(1);

const addressOf = (place: string) => refusing(() => readDatasetAddress(place.replace(/^hf:(\/\/)?/, '')));

/** Says no to what cannot be read as a data set. */
function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RefusedError(messageOf(error));
  }
}
