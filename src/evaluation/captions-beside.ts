import type { NamedBlob } from '../data/named-blob.ts';
import type { CaptionedImages } from './captions.ts';

const images = /\.(jpe?g|png|webp|avif|gif)$/i;

/**
 * Captions that lie beside their images under the same name, as in WebDataset shards: `0001.jpg` with `0001.txt`, the
 * caption itself, or `0001.json` with the field `caption` (a text) or `captions` (a list). The first of these counts.
 *
 * @returns undefined when no image has one; images without a caption are left out
 */
export async function captionsBeside(
  files: readonly NamedBlob[],
): Promise<(CaptionedImages & { files: NamedBlob[] }) | undefined> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const found: CaptionedImages & { files: NamedBlob[] } = {
    images: [],
    captions: [],
    imageOf: [],
    files: [],
  };
  for (const file of files) {
    if (!images.test(file.path)) continue;
    // WebDataset's key ends at the first dot of the name.
    const key = file.path.replace(/\.[^/]*$/, '');
    const captions = await captionsOf(byPath.get(`${key}.txt`), byPath.get(`${key}.json`));
    if (captions.length === 0) continue;
    for (const caption of captions) {
      found.captions.push(caption);
      found.imageOf.push(found.images.length);
    }
    found.images.push(file.path);
    found.files.push(file);
  }
  return found.images.length > 0 ? found : undefined;
}

async function captionsOf(text: NamedBlob | undefined, json: NamedBlob | undefined): Promise<string[]> {
  const plain = (await text?.blob.text())?.trim();
  if (plain) return [plain];
  if (!json) return [];
  let entry: unknown;
  try {
    entry = JSON.parse(await json.blob.text());
  } catch {
    return [];
  }
  if (typeof entry !== 'object' || entry === null) return [];
  const given = 'captions' in entry ? entry.captions : 'caption' in entry ? entry.caption : [];
  const list: unknown[] = Array.isArray(given) ? given : [given];
  return list.filter((one): one is string => typeof one === 'string' && one.trim() !== '');
}
