import type { NamedBlob } from '../data/named-blob.ts';
import { type CaptionedImages, findCaptioned, readCaptions } from './captions.ts';
import { captionsBeside } from './captions-beside.ts';
import { BenchmarkError } from './mmvp-folder.ts';

const isPicture = /\.(jpe?g|png|webp|avif|gif)$/i;

/**
 * The captions among the files of a folder: in the file nearest to its root, one whose name says so first, or else
 * beside each image (`captionsBeside`).
 *
 * @returns the captions, and the file of each of their images
 * @throws BenchmarkError when no file holds captions, or when images are missing, naming them
 */
export async function readCaptionFiles(
  files: readonly NamedBlob[],
): Promise<{ captioned: CaptionedImages; images: NamedBlob[] }> {
  const keyOf = (path: string) => path.replace(/\.[^/]*$/, '');
  const pictures = new Set(files.filter(({ path }) => isPicture.test(path)).map(({ path }) => keyOf(path)));
  const chosen = files
    .filter(({ path }) => /\.(csv|jsonl|json)$/i.test(path) && !pictures.has(keyOf(path)))
    .sort((a, b) => rank(a.path) - rank(b.path))[0];
  if (!chosen) {
    const beside = await captionsBeside(files);
    if (beside) return { captioned: beside, images: beside.files };
    throw new BenchmarkError(
      'No file of captions among the files. Give captions.csv (columns image,caption), captions.jsonl or COCO’s JSON, together with the images; or shards with a .txt or .json beside each image',
    );
  }
  const captioned = readCaptions(await chosen.blob.text(), chosen.path);
  const root = chosen.path.slice(0, chosen.path.lastIndexOf('/') + 1);
  const relative = files.map((file) =>
    file.path.startsWith(root) ? { ...file, path: file.path.slice(root.length) } : file,
  );
  return { captioned, images: findCaptioned(captioned, relative) };
}

const rank = (path: string): number => path.split('/').length + (/caption/i.test(path) ? 0 : 100);
