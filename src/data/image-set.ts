import type { FileContent } from './file-content.ts';
import type { FoundFile } from './found-file.ts';
import { sha256 } from './hash.ts';
import type { JobResult } from './image-jobs.ts';
import { sortNaturally } from './sources.ts';

/** A file that was left out, by name, and why. */
export interface SkippedFile {
  path: string;
  reason: string;
}

export interface SetImage<Content = FileContent> {
  path: string;
  blob: Content;
  sha256: string;
  width: number;
  height: number;
}

export interface ImageSet<Content = FileContent> {
  /** In natural order of their paths. */
  images: SetImage<Content>[];
  skipped: SkippedFile[];
  /** Of the images, without the skipped files. */
  bytes: number;
  /** The set's identity: see {@link imageSetHash}. */
  hash: string;
}

/** How a file is looked at: `ImageJobs.examine`, in a pool of workers or here. */
export type Examine = (
  blob: FileContent,
) => Promise<JobResult<{ sha256: string; width: number; height: number }>>;

/**
 * Makes an image set of dropped files: examines every one, lists those that cannot be used.
 *
 * @param options.parallel files examined at the same time: as many as there are workers, or a little more.
 * @throws the signal's reason when cancelled.
 */
export async function buildImageSet<Content extends FileContent>(
  files: readonly FoundFile<Content>[],
  examine: Examine,
  options: {
    parallel?: number;
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<ImageSet<Content>> {
  const sorted = sortNaturally(withoutCaptions(files));
  const results = new Array<SetImage<Content> | SkippedFile>(sorted.length);
  const seen = new Set<string>();
  let next = 0;
  let done = 0;

  const lookAt = async (file: FoundFile<Content>): Promise<SetImage<Content> | SkippedFile> => {
    const { path } = file;
    if ('refused' in file) return { path, reason: file.refused };
    const { blob } = file;
    if (seen.has(path)) return { path, reason: 'Another file has the same path' };
    seen.add(path);
    const extension = extensionOf(path);
    if (extension !== undefined && !pictureExtensions.has(extension)) {
      return { path, reason: `Not an image file (.${extension})` };
    }
    const result = await examine(blob);
    return result.ok ? { path, blob, ...result.value } : { path, reason: result.reason };
  };
  const worker = async () => {
    while (next < sorted.length) {
      options.signal?.throwIfAborted();
      const index = next++;
      results[index] = await lookAt(sorted[index]!);
      options.onProgress?.(++done, sorted.length);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.parallel ?? 1) }, worker));
  options.signal?.throwIfAborted();

  const images = results.filter((result) => 'sha256' in result);
  return {
    images,
    skipped: results.filter((result) => 'reason' in result),
    bytes: images.reduce((sum, { blob }) => sum + blob.size, 0),
    hash: await imageSetHash(images),
  };
}

/**
 * A set's identity: SHA-256 over one line for each image, `path NUL contents' SHA-256 LF`, in the order of the paths'
 * UTF-16 code units. It does not depend on the order or the way in which the files came.
 */
export function imageSetHash(images: readonly { path: string; sha256: string }[]): Promise<string> {
  const lines = images
    .map(({ path, sha256: contents }) => ({ path: path.normalize('NFC'), contents }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, contents }) => `${path}\0${contents}\n`);
  return sha256(new TextEncoder().encode(lines.join('')));
}

/**
 * Captions and labels that lie beside an image under its name, as in WebDataset shards, are no use here and no
 * mistake either: they are not listed as skipped.
 */
function withoutCaptions<File extends { path: string }>(files: readonly File[]): File[] {
  const images = new Set(
    files.flatMap(({ path }) => (pictureExtensions.has(extensionOf(path) ?? '') ? [stemOf(path)] : [])),
  );
  return files.filter(
    ({ path }) => !(captionExtensions.has(extensionOf(path) ?? '') && images.has(stemOf(path))),
  );
}

const extensionOf = (path: string): string | undefined => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase();

/** Path up to the first dot of the file's name: WebDataset's key. */
const stemOf = (path: string): string => path.replace(/\.[^/]*$/, '');

const captionExtensions = new Set(['txt', 'json', 'caption', 'cls', 'npy', 'npz']);

/** Whether a file's name is that of a picture, of a kind that is read or refused by name. */
export const isPicture = ({ path }: { path: string }): boolean =>
  pictureExtensions.has(extensionOf(path) ?? '');

/** Those that are looked into. Kinds that are not read yet belong here, too: their reason is then named. */
const pictureExtensions = new Set([
  'jpg',
  'jpeg',
  'jpe',
  'jfif',
  'png',
  'webp',
  'gif',
  'avif',
  'bmp',
  'tif',
  'tiff',
  'heic',
  'heif',
  'svg',
]);
