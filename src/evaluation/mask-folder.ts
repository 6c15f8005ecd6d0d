import type { NamedBlob } from '../data/named-blob.ts';
import { BenchmarkError } from './mmvp-folder.ts';
import { ignored } from './segmentation.ts';

/** Pictures with masks, and how a mask's pixels name classes. */
export interface MaskFolder {
  layout: 'VOC' | 'ADE';
  classes: string[];
  pairs: { image: NamedBlob; mask: NamedBlob }[];
}

/** PASCAL VOC's classes 1 to 20 (Everingham et al. 2010). Background is no thing to name, and is not scored. */
const vocClasses =
  'aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,dining table,dog,horse,motorbike,person,potted plant,sheep,sofa,train,tv monitor';

/**
 * Finds pictures and masks in VOC's layout (`JPEGImages`, `SegmentationClass`) or in ADE20K's of the scene parsing
 * challenge (`images/validation`, `annotations/validation`, `objectInfo150.txt`).
 *
 * @throws BenchmarkError naming what is missing
 */
export async function readMaskFolder(files: readonly NamedBlob[]): Promise<MaskFolder> {
  const voc = pairsOf(files, /(^|\/)SegmentationClass\/([^/]+)\.png$/i, (stem) => `JPEGImages/${stem}`);
  if (voc.length > 0) return { layout: 'VOC', classes: vocClasses.split(','), pairs: voc };
  const ade = pairsOf(
    files,
    /(^|\/)annotations\/validation\/([^/]+)\.png$/i,
    (stem) => `images/validation/${stem}`,
  );
  if (ade.length === 0) {
    throw new BenchmarkError(
      'No pictures with masks: give a folder in VOC’s layout (JPEGImages, SegmentationClass) or ADE20K’s (images/validation, annotations/validation, objectInfo150.txt)',
    );
  }
  const info = files.find(({ path }) => /(^|\/)objectInfo150\.txt$/i.test(path));
  if (!info) throw new BenchmarkError('objectInfo150.txt is missing: it names the classes of ADE20K’s masks');
  const lines = (await info.blob.text()).split(/\r?\n/).slice(1).filter(Boolean);
  // The first of several names, in the last column.
  const classes = lines.map((line) => line.split('\t').at(-1)!.split(/[,;]/)[0]!.trim());
  return { layout: 'ADE', classes, pairs: ade };
}

function pairsOf(
  files: readonly NamedBlob[],
  masks: RegExp,
  imageOf: (stem: string) => string,
): MaskFolder['pairs'] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((mask) => {
    const found = masks.exec(mask.path);
    if (!found) return [];
    const root = mask.path.slice(0, found.index + found[1]!.length);
    const image = byPath.get(`${root}${imageOf(found[2]!)}.jpg`);
    if (!image) throw new BenchmarkError(`${mask.path} has no picture ${imageOf(found[2]!)}.jpg`);
    return [{ image, mask }];
  });
}

/**
 * The class of each pixel of a decoded mask: by VOC's colours, or by the value that ADE counts from 1; what is nothing
 * or a border is {@link ignored}.
 *
 * @param red, green, blue [pixels] from 0 to 255
 */
export function maskLabels(
  layout: MaskFolder['layout'],
  red: ArrayLike<number>,
  green: ArrayLike<number>,
  blue: ArrayLike<number>,
): Uint8Array {
  return Uint8Array.from({ length: red.length }, (_, i) => {
    const value = layout === 'ADE' ? red[i]! : vocIndex(red[i]!, green[i]!, blue[i]!);
    return value >= 1 && value < ignored ? value - 1 : ignored;
  });
}

/** What is wrong with labels that a list of so many classes does not have; undefined when nothing is. */
export function unknownLabel(labels: Uint8Array, classes: number): string | undefined {
  const unknown = labels.find((label) => label !== ignored && label >= classes);
  if (unknown === undefined) return undefined;
  return `holds class ${unknown}, but ${classes} labels are given: complete objectInfo150.txt`;
}

/** VOC spreads an index's bits over the channels from the top: bit 0 to red, 1 to green, 2 to blue, 3 to red again. */
function vocIndex(red: number, green: number, blue: number): number {
  let index = 0;
  for (let level = 0; level < 3; level++) {
    const bit = 7 - level;
    index |= ((red >> bit) & 1) << (3 * level);
    index |= ((green >> bit) & 1) << (3 * level + 1);
    if (3 * level + 2 < 8) index |= ((blue >> bit) & 1) << (3 * level + 2);
  }
  return index;
}
