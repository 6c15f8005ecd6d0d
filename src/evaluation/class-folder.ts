import type { NamedBlob } from '../data/named-blob.ts';
import { parseCsv } from '../formats/csv.ts';
import { BenchmarkError } from './mmvp-folder.ts';

/** Images with the class of each. */
export interface LabelledImages {
  /** In natural order for folders, in the file's for a CSV. */
  classes: string[];
  images: NamedBlob[];
  /** Index into `classes` of each image. */
  labels: number[];
}

const isImage = (path: string): boolean => /\.(png|jpe?g|webp|avif|gif)$/i.test(path);

/**
 * Reads labelled images: by `labels.csv` beside or above the images (columns: path, class; the first row is the
 * header) where there is one, else by the folder that each image lies in, as torchvision's ImageFolder does.
 *
 * @throws BenchmarkError when there is nothing to classify, naming what is missing
 */
export async function readLabelledImages(files: readonly NamedBlob[]): Promise<LabelledImages> {
  const csv = files
    .filter(({ path }) => /(^|\/)labels\.csv$/i.test(path))
    .sort((a, b) => a.path.split('/').length - b.path.split('/').length)[0];
  if (!csv) return byFolder(files);
  return byCsv(files, await csv.blob.text(), csv.path);
}

function byFolder(files: readonly NamedBlob[]): LabelledImages {
  const images = files.filter(({ path }) => isImage(path));
  const root = commonFolder(images.map(({ path }) => path));
  const found = images.map((image) => ({ image, parts: image.path.slice(root.length).split('/') }));
  const names = [...new Set(found.flatMap(({ parts }) => (parts.length > 1 ? [parts[0]!] : [])))];
  names.sort((a, b) => (a < b ? -1 : 1));
  if (names.length < 2) {
    throw new BenchmarkError(
      `${images.length} images in ${names.length} class folders: give a folder that holds one folder for each class, or a labels.csv with the columns path,class`,
    );
  }
  const loose = found.find(({ parts }) => parts.length === 1);
  if (loose) {
    throw new BenchmarkError(
      `${loose.image.path} lies beside the class folders. Move it into one, or list the classes in labels.csv`,
    );
  }
  const index = new Map(names.map((name, i) => [name, i]));
  return {
    classes: names.map(spoken),
    images: found.map(({ image }) => image),
    labels: found.map(({ parts }) => index.get(parts[0]!)!),
  };
}

function byCsv(files: readonly NamedBlob[], text: string, path: string): LabelledImages {
  const [header, ...rows] = parseCsv(text);
  const columns = header?.fields.map((field) => field.trim().toLowerCase()) ?? [];
  const at = (names: readonly string[]) => columns.findIndex((column) => names.includes(column));
  const [image, label] = [at(['path', 'image', 'file', 'filename']), at(['class', 'label'])];
  if (image < 0 || label < 0) {
    throw new BenchmarkError(`${path}: its first line should name the columns path,class`);
  }
  const root = path.slice(0, path.lastIndexOf('/') + 1);
  const byPath = new Map(files.map((file) => [file.path, file]));
  const classes = new Map<string, number>();
  const result: LabelledImages = { classes: [], images: [], labels: [] };
  for (const { line, fields } of rows) {
    const [name, of] = [fields[image]?.trim(), fields[label]?.trim()];
    const file = byPath.get(`${root}${name?.replace(/^\.\//, '')}`);
    if (!of || !file) {
      throw new BenchmarkError(
        of
          ? `${path}, line ${line}: no file ${name ?? ''} beside it. Paths are relative to the CSV`
          : `${path}, line ${line}: no class`,
      );
    }
    if (!classes.has(of)) classes.set(of, classes.size);
    result.images.push(file);
    result.labels.push(classes.get(of)!);
  }
  result.classes = [...classes.keys()];
  if (result.classes.length < 2) throw new BenchmarkError(`${path} names fewer than two classes`);
  return result;
}

/** Folder names as words for prompts: `great_white_shark` is read as three. */
const spoken = (folder: string): string => folder.replaceAll('_', ' ').trim() || folder;

/** The folder that holds all paths, with its `/`; classes begin under it. */
function commonFolder(paths: readonly string[]): string {
  let root = paths[0]?.slice(0, paths[0].lastIndexOf('/') + 1) ?? '';
  while (root !== '' && !paths.every((path) => path.startsWith(root))) {
    root = root.slice(0, root.slice(0, -1).lastIndexOf('/') + 1);
  }
  return root;
}

/**
 * Splits into a part to learn from and a part to test on, class by class, so that both hold every class with at least
 * two images. A class with one image goes to the training part.
 *
 * @param share of each class in the training part
 * @param random uniform numbers in [0, 1)
 * @returns rows of `labels`
 */
export function splitByClass(
  labels: readonly number[],
  share: number,
  random: () => number,
): { train: number[]; test: number[] } {
  const groups = new Map<number, number[]>();
  for (const [row, label] of labels.entries()) {
    const group = groups.get(label);
    if (group) group.push(row);
    else groups.set(label, [row]);
  }
  const split = { train: [] as number[], test: [] as number[] };
  for (const rows of groups.values()) {
    for (let i = rows.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [rows[i], rows[j]] = [rows[j]!, rows[i]!];
    }
    const kept =
      rows.length === 1 ? 1 : Math.min(rows.length - 1, Math.max(1, Math.round(share * rows.length)));
    split.train.push(...rows.slice(0, kept));
    split.test.push(...rows.slice(kept));
  }
  return split;
}
