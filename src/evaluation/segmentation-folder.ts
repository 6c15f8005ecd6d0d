import type { NamedBlob } from '../data/named-blob.ts';
import type { RgbImage } from '../data/rgb-image.ts';
import { BenchmarkError } from './mmvp-folder.ts';
import { ignored } from './segmentation.ts';

/** Images with a mask each, in the layout of PASCAL VOC or of ADE20K's scene parsing benchmark. */
export interface MaskedImages {
  layout: 'VOC' | 'ADE';
  classes: string[];
  images: NamedBlob[];
  masks: NamedBlob[];
}

/** VOC 2012's classes in the order of its colours (host.robots.ox.ac.uk/pascal/VOC/voc2012, segmentation). */
const vocClasses = [
  ...['background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow'],
  ...['dining table', 'dog', 'horse', 'motorbike', 'person', 'potted plant', 'sheep', 'sofa', 'train'],
  'television',
] as const;

/**
 * Reads a folder with masks: VOC's `JPEGImages/NAME.jpg` with `SegmentationClass/NAME.png`, or ADE's
 * `images/PART/NAME.jpg` with `annotations/PART/NAME.png`. Images without a mask are left out. The label list is
 * `labels.txt` (one class a line, in the order of the masks' numbers), ADE's own `objectInfo150.txt`, or VOC's 21 classes.
 *
 * @throws BenchmarkError naming what is missing
 */
export async function readMaskedImages(files: readonly NamedBlob[]): Promise<MaskedImages> {
  const masksOf = (folder: RegExp) =>
    new Map(
      files.flatMap((file) =>
        folder.test(file.path) && /\.png$/i.test(file.path) ? [[stem(file.path), file]] : [],
      ),
    );
  const voc = masksOf(/(^|\/)SegmentationClass\//);
  const ade = masksOf(/(^|\/)annotations\//);
  const layout = voc.size > 0 ? 'VOC' : 'ADE';
  const [masks, from, to] =
    layout === 'VOC'
      ? [voc, /(^|\/)JPEGImages\//, '$1SegmentationClass/']
      : [ade, /(^|\/)images\//, '$1annotations/'];
  const pairs = files.flatMap((image) => {
    if (!from.test(image.path) || !/\.(jpe?g|png|webp)$/i.test(image.path)) return [];
    const mask = masks.get(stem(image.path.replace(from, to)));
    return mask ? [{ image, mask }] : [];
  });
  if (pairs.length === 0) {
    throw new BenchmarkError(
      `${masks.size} masks and none that belongs to an image: give a folder with JPEGImages and SegmentationClass (VOC) or with images and annotations (ADE)`,
    );
  }
  return {
    layout,
    classes: await labelsOf(files, layout),
    images: pairs.map(({ image }) => image),
    masks: pairs.map(({ mask }) => mask),
  };
}

async function labelsOf(files: readonly NamedBlob[], layout: 'VOC' | 'ADE'): Promise<string[]> {
  const named = (name: string) => files.find(({ path }) => path === name || path.endsWith(`/${name}`));
  const own = named('labels.txt');
  const ade = named('objectInfo150.txt');
  const lines = async ({ blob }: NamedBlob) =>
    (await blob.text()).split(/\r?\n/).filter((line) => line.trim() !== '');
  if (own) return atMost((await lines(own)).map((line) => line.trim()));
  if (layout === 'VOC') return [...vocClasses];
  if (ade) {
    // Columns: Idx, Ratio, Train, Val, Stuff, Name; the first line names them. Of synonyms the first speaks best.
    return atMost((await lines(ade)).slice(1).map((line) => line.split('\t').at(-1)!.split(',')[0]!.trim()));
  }
  throw new BenchmarkError(
    'No labels for the masks: add labels.txt with one class a line, or ADE’s objectInfo150.txt',
  );
}

function atMost(labels: string[]): string[] {
  if (labels.length >= 2 && labels.length < ignored) return labels;
  throw new BenchmarkError(
    `The label list names ${labels.length} classes: from 2 to ${ignored - 1} are possible`,
  );
}

/**
 * Class of each pixel of a decoded mask; 255 for pixels that do not count. VOC's masks are drawn in its colours (a
 * decoder has already looked them up in the palette) or in plain grey numbers; ADE's are grey, 0 unlabelled and
 * classes from 1.
 *
 * @throws BenchmarkError for a colour that stands for no class
 */
export function maskClasses(mask: RgbImage, layout: 'VOC' | 'ADE', file: string): Uint8Array {
  const { data } = mask;
  const result = new Uint8Array(data.length / 3);
  for (let i = 0; i < result.length; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    const grey = r === g && g === b && (layout === 'ADE' || r < 128 || r === ignored);
    const label = grey ? r : layout === 'VOC' ? vocColours.get((r << 16) | (g << 8) | b) : undefined;
    if (label === undefined) {
      throw new BenchmarkError(`${file}: the colour ${r},${g},${b} stands for no class of ${layout}`);
    }
    result[i] = layout === 'VOC' ? label : label === 0 ? ignored : label - 1;
  }
  return result;
}

/** VOC's colours: the bits of the label dealt to red, green and blue from the top (VOCdevkit, VOClabelcolormap.m). */
const vocColours = new Map(
  Array.from({ length: 256 }, (_, label) => {
    const channel = (shift: number) => {
      let value = 0;
      for (let bit = 0; bit < 8; bit++) value |= ((label >> (3 * bit + shift)) & 1) << (7 - bit);
      return value;
    };
    return [(channel(0) << 16) | (channel(1) << 8) | channel(2), label] as const;
  }),
);

const stem = (path: string): string => path.replace(/\.[^./]+$/, '');
