import type { NamedBlob } from '../data/named-blob.ts';
import { parseCsv } from '../formats/csv.ts';
import { BenchmarkError } from './mmvp-folder.ts';

/** Images with one or more captions. */
export interface CaptionedImages {
  /** Path of each image, as the file of captions gives it. */
  images: string[];
  captions: string[];
  /** Index into `images` of each caption. */
  imageOf: number[];
}

/**
 * Reads captions from a CSV (columns image and caption, one row a caption), JSON lines (objects with `image` and
 * `caption` or `captions`) or COCO's captions JSON (`images`, `annotations`).
 *
 * @throws BenchmarkError naming the line or entry that cannot be read
 */
export function readCaptions(text: string, file: string): CaptionedImages {
  const body = text.replace(/^\ufeff/, '');
  const pairs = /\.csv$/i.test(file) ? fromCsv(body, file) : (fromCoco(body, file) ?? fromLines(body, file));
  const index = new Map<string, number>();
  const result: CaptionedImages = { images: [], captions: [], imageOf: [] };
  for (const [image, caption] of pairs) {
    let at = index.get(image);
    if (at === undefined) {
      at = index.size;
      index.set(image, at);
      result.images.push(image);
    }
    result.captions.push(caption);
    result.imageOf.push(at);
  }
  if (result.captions.length === 0) throw new BenchmarkError(`${file} holds no caption`);
  return result;
}

type Pair = [image: string, caption: string];

function fromCsv(text: string, file: string): Pair[] {
  const [header, ...rows] = parseCsv(text);
  const columns = header?.fields.map((field) => field.trim().toLowerCase()) ?? [];
  const at = (names: readonly string[]) => columns.findIndex((column) => names.includes(column));
  const image = at(['image', 'path', 'file', 'filename', 'filepath', 'image_path', 'file_name']);
  const caption = at(['caption', 'text', 'title', 'sentence']);
  if (image < 0 || caption < 0) {
    throw new BenchmarkError(`${file}: its first line should name the columns image,caption`);
  }
  return rows.map(({ line, fields }) =>
    pair(fields[image]?.trim(), fields[caption]?.trim(), `${file}, line ${line}`),
  );
}

function fromLines(text: string, file: string): Pair[] {
  return text.split(/\r\n|\n/).flatMap((line, i): Pair[] => {
    if (line.trim() === '') return [];
    const where = `${file}, line ${i + 1}`;
    const entry = parse(line);
    if (!isRecord(entry)) {
      throw new BenchmarkError(`${where}: not a JSON object such as {"image": "a.jpg", "caption": "a dog"}`);
    }
    const image = entry['image'] ?? entry['file_name'] ?? entry['path'];
    const given = entry['captions'] ?? entry['caption'] ?? entry['text'];
    const captions: unknown[] = Array.isArray(given) ? given : [given];
    return captions.map((caption) => pair(image, caption, where));
  });
}

/** COCO's layout (cocodataset.org, format of captions); undefined where the text is not one JSON object of it. */
function fromCoco(text: string, file: string): Pair[] | undefined {
  const whole = parse(text);
  if (!isRecord(whole)) return undefined;
  const { images, annotations } = whole;
  if (!Array.isArray(images) || !Array.isArray(annotations)) return undefined;
  const names = new Map<unknown, unknown>(
    images.map((image: unknown) => (isRecord(image) ? [image['id'], image['file_name']] : [undefined, ''])),
  );
  return annotations.map((entry: unknown, i): Pair => {
    const where = `${file}, annotation ${i + 1}`;
    if (!isRecord(entry)) throw new BenchmarkError(`${where} is not an object`);
    if (!names.has(entry['image_id'])) {
      throw new BenchmarkError(`${where}: no image has the id ${String(entry['image_id'])}`);
    }
    return pair(names.get(entry['image_id']), entry['caption'], where);
  });
}

function pair(image: unknown, caption: unknown, where: string): Pair {
  if (typeof image !== 'string' || image === '') throw new BenchmarkError(`${where}: names no image`);
  if (typeof caption !== 'string' || caption.trim() === '')
    throw new BenchmarkError(`${where}: has no caption`);
  return [image.replace(/^\.\//, ''), caption.trim()];
}

/**
 * The files that captions speak of: by path from the folder of the captions, or else by name where only one file has
 * it (COCO keeps its images in another folder).
 *
 * @throws BenchmarkError naming the images that are missing
 */
export function findCaptioned(captioned: CaptionedImages, files: readonly NamedBlob[]): NamedBlob[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const byName = new Map<string, NamedBlob | null>();
  for (const file of files) {
    const name = baseName(file.path);
    byName.set(name, byName.has(name) ? null : file);
  }
  const missing: string[] = [];
  const found = captioned.images.flatMap((path) => {
    const file = byPath.get(path) ?? byName.get(baseName(path));
    if (!file) missing.push(path);
    return file ? [file] : [];
  });
  if (missing.length > 0) {
    throw new BenchmarkError(
      `${missing.length} of ${captioned.images.length} images are missing: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}. Paths are relative to the file of captions`,
    );
  }
  return found;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
