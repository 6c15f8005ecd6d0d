import { buildImageSet, type SetImage } from '../../../src/data/image-set.ts';
import type { NamedBlob } from '../../../src/data/named-blob.ts';
import { readCaptionFiles } from '../../../src/evaluation/caption-files.ts';
import { readLabelledImages } from '../../../src/evaluation/class-folder.ts';
import { type MaskFolder, readMaskFolder } from '../../../src/evaluation/mask-folder.ts';
import { BenchmarkError } from '../../../src/evaluation/mmvp-folder.ts';
import { type EvaluationContent, setIdentity } from '../../../src/evaluation/set-identity.ts';
import type { EvaluationSetSummary, EvaluationTask } from '../../evaluation-protocol.ts';

export interface EvaluationSet {
  summary: EvaluationSetSummary;
  content: EvaluationContent;
  /** In the order of `content.images`, then of `content.masks`. */
  files: NamedBlob[];
}

type BuildOptions = Parameters<typeof buildImageSet>[2];

/**
 * Reads dropped files as a set to evaluate on. Images that cannot be decoded are left out and listed.
 *
 * @param examine looks at one file, in the workers
 * @throws BenchmarkError naming what is missing; the signal's reason when cancelled
 */
export async function readEvaluationSet(
  task: EvaluationTask,
  name: string,
  files: readonly NamedBlob[],
  examine: Parameters<typeof buildImageSet>[1],
  options: BuildOptions,
): Promise<EvaluationSet> {
  const given = await readGiven(task, files);
  const { images, skipped } = await buildImageSet(unique(given.images), examine, options);
  if (images.length === 0) {
    throw new BenchmarkError(
      `None of the ${given.images.length} images can be decoded${skipped[0] ? ` (${skipped[0].path}: ${skipped[0].reason})` : ''}`,
    );
  }
  const content = contentOf(given, images);
  const hash = await setIdentity(content);
  if (content.images.length === 0)
    throw new BenchmarkError('No picture can be decoded together with its mask');
  return {
    summary: {
      id: hash.slice(0, 16),
      name,
      task,
      images: content.images.length,
      classes: countsOf(content),
      captions: content.task === 'captions' ? content.captions.length : 0,
      skipped,
      hash,
    },
    content,
    files: filesOf(content, images),
  };
}

type Given =
  | { task: 'classes'; images: NamedBlob[]; classes: string[]; labels: number[] }
  | { task: 'captions'; images: NamedBlob[]; captions: string[]; imageOf: number[] }
  /** Images, then as many masks. */
  | { task: 'masks'; images: NamedBlob[]; layout: MaskFolder['layout']; classes: string[] };

async function readGiven(task: EvaluationTask, files: readonly NamedBlob[]): Promise<Given> {
  if (task === 'classes') return readLabelled(files);
  if (task === 'captions') return readCaptioned(files);
  const { pairs, layout, classes } = await readMaskFolder(files);
  const images = [...pairs.map(({ image }) => image), ...pairs.map(({ mask }) => mask)];
  return { task, images, layout, classes };
}

async function readLabelled(files: readonly NamedBlob[]): Promise<Given> {
  return { task: 'classes', ...(await readLabelledImages(files)) };
}

async function readCaptioned(files: readonly NamedBlob[]): Promise<Given> {
  const { captioned, images } = await readCaptionFiles(files);
  return { task: 'captions', images, captions: captioned.captions, imageOf: captioned.imageOf };
}

/** A file may be named several times, as in a list of labels. */
const unique = (images: readonly NamedBlob[]): NamedBlob[] => [
  ...new Map(images.map((image) => [image.path, image])).values(),
];

/** What was given, without the images that cannot be decoded and what belongs to them. */
function contentOf(given: Given, decoded: readonly SetImage[]): EvaluationContent {
  const hashes = new Map(decoded.map(({ path, sha256: hash }) => [path, hash]));
  const place = new Map<number, number>();
  const images: { path: string; sha256: string }[] = [];
  for (const [i, { path }] of given.images.entries()) {
    const hash = hashes.get(path);
    if (hash === undefined) continue;
    place.set(i, images.length);
    images.push({ path, sha256: hash });
  }
  if (given.task === 'masks') {
    const pairs = given.images.length / 2;
    const named = ({ path }: NamedBlob) => ({ path, sha256: hashes.get(path)! });
    // A picture counts with its mask alone.
    const whole = given.images
      .slice(0, pairs)
      .map((image, i) => ({ image, mask: given.images[pairs + i]! }))
      .filter(({ image, mask }) => hashes.has(image.path) && hashes.has(mask.path));
    return {
      task: 'masks',
      layout: given.layout,
      classes: given.classes,
      images: whole.map(({ image }) => named(image)),
      masks: whole.map(({ mask }) => named(mask)),
    };
  }
  if (given.task === 'classes') {
    const labels = given.labels.filter((_, i) => place.has(i));
    return { task: 'classes', images, classes: given.classes, labels };
  }
  const kept = [...given.imageOf.keys()].filter((caption) => place.has(given.imageOf[caption]!));
  return {
    task: 'captions',
    images,
    captions: kept.map((caption) => given.captions[caption]!),
    imageOf: kept.map((caption) => place.get(given.imageOf[caption]!)!),
  };
}

/** Images of each class; of masks, which hold several each, the names alone. */
function countsOf(content: EvaluationContent): EvaluationSetSummary['classes'] {
  if (content.task === 'captions') return [];
  const counts = content.classes.map(() => 0);
  if (content.task === 'classes') for (const label of content.labels) counts[label]!++;
  return content.classes.map((name, i) => ({ name, images: counts[i]! }));
}

function filesOf(content: EvaluationContent, images: readonly NamedBlob[]): NamedBlob[] {
  const byPath = new Map(images.map(({ path, blob }) => [path, { path, blob }]));
  const masks = content.task === 'masks' ? content.masks : [];
  return [...content.images, ...masks].map(({ path }) => byPath.get(path)!);
}
