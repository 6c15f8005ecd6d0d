import { TarError, tarEntries } from '../formats/tar.ts';
import { contentBlob } from './file-content.ts';
import { ArchiveError, type FoundFile } from './found-file.ts';
import { ImageFileError } from './image-file.ts';
import type { NamedBlob } from './named-blob.ts';
import { isContent, sortNaturally } from './sources.ts';
import { zipEntries } from './zip-listing.ts';

/** Puts bytes that come in a stream where they take no memory: a temporary file. */
export type Spill = (stream: ReadableStream<Uint8Array<ArrayBuffer>>, name: string) => Promise<Blob>;

/** Largest file that is taken from an archive. Images are far smaller; what is larger is an attack or a mistake. */
const largestEntry = 2 ** 30;

export interface ArchiveOptions {
  /** Where `tar.gz` is unpacked to; without it they are refused. */
  spill?: Spill;
  /** Called with the number of files found so far. */
  onFound?: (count: number) => void;
  signal?: AbortSignal | undefined;
}

const endings = /\.(zip|tar|tar\.gz|tgz)$/i;

/** Whether a file is one that {@link expandArchives} opens, by its name. */
export const isArchive = ({ path }: { path: string }): boolean => endings.test(path);

/**
 * Replaces every zip, tar (WebDataset shards too) and tar.gz among the files by the files inside, at
 * `archive's path/path inside`, in natural order. Archives are listed, not unpacked: contents stay on disk until they
 * are read. What cannot be used comes with its reason.
 *
 * @throws the signal's reason when cancelled
 */
export async function expandArchives(
  files: readonly NamedBlob[],
  options: ArchiveOptions = {},
): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const taken = new Set<string>();
  const add = (file: FoundFile) => {
    options.signal?.throwIfAborted();
    if (!('refused' in file) && !isContent(file)) return;
    if (taken.has(file.path)) found.push({ path: file.path, refused: 'Another file has the same path' });
    else found.push(file);
    taken.add(file.path);
    options.onFound?.(found.length);
  };
  for (const { path, blob } of files) {
    if (!isArchive({ path })) {
      add({ path, blob });
      continue;
    }
    try {
      for await (const entry of openArchive(path, blob, options)) add(inside(path, entry));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof ArchiveError || error instanceof TarError)) throw error;
      found.push({ path, refused: error.message });
    }
  }
  return sortNaturally(found);
}

/**
 * Found files as plain blobs, for readers of benchmarks; those of zip archives are unpacked into memory. Refused files
 * are left out.
 *
 * @throws ArchiveError when none is left, with the first reason; ImageFileError naming a file that is damaged
 */
export async function plainFiles(found: readonly FoundFile[]): Promise<NamedBlob[]> {
  const files: NamedBlob[] = [];
  for (const file of found) {
    if ('refused' in file) continue;
    try {
      files.push({ path: file.path, blob: await contentBlob(file.blob) });
    } catch (error) {
      if (!(error instanceof ImageFileError)) throw error;
      throw new ImageFileError(`${file.path}: ${error.message}`);
    }
  }
  const [first] = found;
  if (files.length === 0 && first && 'refused' in first) {
    throw new ArchiveError(`${first.path}: ${first.refused}`);
  }
  return files;
}

async function* openArchive(path: string, blob: Blob, options: ArchiveOptions): AsyncGenerator<FoundFile> {
  if (blob.size === 0) throw new ArchiveError('The archive is empty');
  if (/\.zip$/i.test(path)) {
    yield* zipEntries(blob);
    return;
  }
  const tar = /gz$/i.test(path) ? await gunzip(blob, path, options) : blob;
  const read = async (offset: number, length: number) =>
    new Uint8Array(await tar.slice(offset, offset + length).arrayBuffer());
  for await (const entry of tarEntries(tar.size, read)) {
    yield { path: entry.path, blob: tar.slice(entry.offset, entry.offset + entry.size) };
  }
}

/** Puts an archive's file under the archive's path; refuses names that lead elsewhere. */
function inside(archive: string, file: FoundFile): FoundFile {
  const parts = file.path
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  const path = `${archive}/${parts.join('/')}`;
  if (parts.includes('..') || /^([/\\]|[a-z]:)/i.test(file.path)) {
    return { path: `${archive}: ${file.path}`, refused: 'Its path leads out of the archive' };
  }
  if ('refused' in file) return { path, refused: file.refused };
  if (isArchive(file)) {
    return { path, refused: 'An archive inside an archive: unpack it, and add it on its own' };
  }
  if (file.blob.size > largestEntry) {
    return { path, refused: `It states ${file.blob.size} bytes; at most ${largestEntry} are read` };
  }
  return { path, blob: file.blob };
}

/** Images do not compress a hundredfold: what unpacks to more is stopped before it fills the disk. */
const mostGrowth = 100;

async function gunzip(blob: Blob, path: string, { spill, signal }: ArchiveOptions): Promise<Blob> {
  if (!spill) throw new ArchiveError('Compressed tar archives are not read here: unpack it to a .tar first');
  const most = 2 ** 26 + mostGrowth * blob.size;
  let bytes = 0;
  const guard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      signal?.throwIfAborted();
      bytes += chunk.length;
      if (bytes > most) {
        throw new ArchiveError(
          `The archive unpacks to over ${mostGrowth} times its size. Unpack it yourself`,
        );
      }
      controller.enqueue(chunk);
    },
  });
  try {
    return await spill(blob.stream().pipeThrough(new DecompressionStream('gzip')).pipeThrough(guard), path);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isUnpackingFault(error)) throw error;
    throw new ArchiveError('The archive is damaged or cut off: it cannot be unpacked');
  }
}

/** Browsers throw a TypeError for data that does not unpack, Node zlib's own errors. */
const isUnpackingFault = (error: unknown): boolean =>
  error instanceof TypeError ||
  (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'));
