import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { isArchive } from '../../src/data/archives.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { folderBlobs, unpacked } from './folder-blobs.ts';
import { hubData, isHubPlace } from './hub-data.ts';
import type { Work } from './parts.ts';

/** The data that a place on the command line names. */
export interface DataFiles {
  /** Everything in the folder, those in archives unpacked. */
  files: NamedBlob[];
  /** The one that was named, where that is no archive; paths inside it are relative to its folder. */
  named: NamedBlob | undefined;
}

/**
 * Reads a folder, an archive or a file beside its images: of this computer, relative to `directory`, or of a data set
 * on a hub (see {@link hubData}).
 */
export async function readPlace(
  place: string,
  { directory, ...hub }: { directory: string; cache: string | undefined } & Pick<Work, 'signal' | 'progress'>,
): Promise<DataFiles> {
  if (isHubPlace(place)) {
    const { files, named } = await hubData(place, hub);
    return { files: await unpacked(files), named };
  }
  const path = resolve(directory, place);
  const isFile = (await stat(path)).isFile() && !isArchive({ path });
  return {
    files: await folderBlobs(isFile ? dirname(path) : path),
    named: isFile ? { path: basename(path), blob: await openAsBlob(path) } : undefined,
  };
}
