import { buildImageSet, type SetImage } from '../../../src/data/image-set.ts';
import type { NamedBlob } from '../../../src/data/named-blob.ts';
import { findCaptioned, readCaptions } from '../../../src/evaluation/captions.ts';
import { captionsBeside } from '../../../src/evaluation/captions-beside.ts';
import { readLabelledImages } from '../../../src/evaluation/class-folder.ts';
import { BenchmarkError } from '../../../src/evaluation/mmvp-folder.ts';
import { type EvaluationContent, setIdentity } from '../../../src/evaluation/set-identity.ts';
import type { EvaluationSetSummary, EvaluationTask } from '../../evaluation-protocol.ts';

export interface EvaluationSet {
  summary: EvaluationSetSummary;
  content: EvaluationContent;
  /** In the order of `content.images`. */
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
  const given = task === 'classes' ? await readLabelled(files) : await readCaptionFile(files);
  const { images, skipped } = await buildImageSet(unique(given.images), examine, options);
  if (images.length === 0) {
    throw new BenchmarkError(
      `None of the ${given.images.length} images can be decoded${skipped[0] ? ` (${skipped[0].path}: ${skipped[0].reason})` : ''}`,
    );
  }
  const content = contentOf(given, images);
  const hash = await setIdentity(content);
  const counts = content.task === 'classes' ? countsOf(content) : [];
  return {
    summary: {
      id: hash.slice(0, 16),
      name,
      task,
      images: content.images.length,
      classes: counts,
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
  | { task: 'captions'; images: NamedBlob[]; captions: string[]; imageOf: number[] };

async function readLabelled(files: readonly NamedBlob[]): Promise<Given> {
  return { task: 'classes', ...(await readLabelledImages(files)) };
}

/** Captions in the file nearest to the folder's root; one whose name says so goes first. */
async function readCaptionFile(files: readonly NamedBlob[]): Promise<Given> {
  const keyOf = (path: string) => path.replace(/\.[^/]*$/, '');
  const pictures = new Set(files.filter(({ path }) => isPicture.test(path)).map(({ path }) => keyOf(path)));
  const candidates = files
    .filter(({ path }) => /\.(csv|jsonl|json)$/i.test(path))
    .sort((a, b) => rank(a.path) - rank(b.path));
  const chosen = candidates.find(({ path }) => !pictures.has(keyOf(path)));
  if (!chosen) {
    const beside = await captionsBeside(files);
    if (beside) {
      const { captions, imageOf } = beside;
      return { task: 'captions', images: beside.files, captions, imageOf };
    }
    throw new BenchmarkError(
      'No file of captions among the files. Give captions.csv (columns image,caption), captions.jsonl or COCO’s JSON, together with the images; or shards with a .txt beside each image',
    );
  }
  const captioned = readCaptions(await chosen.blob.text(), chosen.path);
  const root = chosen.path.slice(0, chosen.path.lastIndexOf('/') + 1);
  const relative = files.map((file) =>
    file.path.startsWith(root) ? { ...file, path: file.path.slice(root.length) } : file,
  );
  const { captions, imageOf } = captioned;
  return { task: 'captions', images: findCaptioned(captioned, relative), captions, imageOf };
}

const isPicture = /\.(jpe?g|png|webp|avif|gif)$/i;

const rank = (path: string): number => path.split('/').length + (/caption/i.test(path) ? 0 : 100);

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

function countsOf({ classes, labels }: EvaluationContent & { task: 'classes' }) {
  const counts = classes.map(() => 0);
  for (const label of labels) counts[label]!++;
  return classes.map((name, i) => ({ name, images: counts[i]! }));
}

function filesOf(content: EvaluationContent, images: readonly NamedBlob[]): NamedBlob[] {
  const byPath = new Map(images.map(({ path, blob }) => [path, { path, blob }]));
  return content.images.map(({ path }) => byPath.get(path)!);
}
