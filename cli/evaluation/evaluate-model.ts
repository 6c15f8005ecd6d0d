import type { ImageMode } from '../../src/data/decode.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { readCaptionFiles } from '../../src/evaluation/caption-files.ts';
import { type CaptionedImages, findCaptioned, readCaptions } from '../../src/evaluation/captions.ts';
import { type LabelledImages, readLabelledImages } from '../../src/evaluation/class-folder.ts';
import { type DivaRule, scoreDivaStyle } from '../../src/evaluation/diva-style.ts';
import type { Scores } from '../../src/evaluation/evaluation.ts';
import { learnFromLabels } from '../../src/evaluation/learned.ts';
import { type MaskFolder, readMaskFolder } from '../../src/evaluation/mask-folder.ts';
import { scoreMmvp } from '../../src/evaluation/mmvp.ts';
import { BenchmarkError, type MmvpBenchmark, readMmvpFolder } from '../../src/evaluation/mmvp-folder.ts';
import { scoreRetrieval } from '../../src/evaluation/retrieval.ts';
import { benchmarkIdentity, setIdentity } from '../../src/evaluation/set-identity.ts';
import { classEmbeddings, scoreZeroShot } from '../../src/evaluation/zero-shot.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import { classPrompts } from '../../src/text/templates/templates.ts';
import type { BlindPairs } from './blind-pairs.ts';
import {
  type EmbeddedImages,
  embedDivaStyle,
  embedImages,
  embedPrompts,
  hashesOf,
  leftOut,
  type SkippedImage,
} from './embed-images.ts';
import { type EncoderParts, meter } from './parts.ts';
import type { DataFiles } from './places.ts';
import { segmentImages } from './segment-images.ts';

export interface EvaluationData {
  mmvp: MmvpBenchmark | undefined;
  classes: LabelledImages | undefined;
  captions: { captioned: CaptionedImages; images: NamedBlob[] } | undefined;
  segmentation: MaskFolder | undefined;
}

export interface Settings {
  mode: ImageMode;
  knn: boolean;
  probe: boolean;
  /** Also scores MMVP by DIVA's image embeddings. */
  divaStyle: DivaRule | undefined;
  /** Of the splits for k-NN and probe and of DIVA's draws. */
  seeds: readonly number[];
  templates: readonly string[];
}

/** What one model scored. */
export interface Evaluation extends Scores {
  model: string;
  /** Of the folder's contents. */
  modelHash: string;
  /** Identity of what each part was scored on: a hash of contents and labels, as in the app. */
  data: { mmvp?: string; classes?: string; captions?: string; segmentation?: string };
  warnings: string[];
  /** Of the first model alone. */
  blindPairs?: BlindPairs;
  /** Images that could not be read and count in no score. */
  skipped: SkippedImage[];
}

/** Reads what to evaluate on from places as {@link readPlace} takes them. */
export async function readData(
  places: Record<keyof EvaluationData, string | undefined>,
  read: (place: string) => Promise<DataFiles>,
): Promise<EvaluationData> {
  const { mmvp, classes, captions, segmentation } = places;
  const filesOf = async (place: string) => (await read(place)).files;
  return {
    mmvp: mmvp === undefined ? undefined : await readMmvpFolder(await filesOf(mmvp)),
    classes: classes === undefined ? undefined : await readLabelledImages(await filesOf(classes)),
    captions: captions === undefined ? undefined : await readCaptioned(await read(captions)),
    segmentation: segmentation === undefined ? undefined : await readMaskFolder(await filesOf(segmentation)),
  };
}

async function readCaptioned({ files, named }: DataFiles): Promise<EvaluationData['captions']> {
  if (!named) return readCaptionFiles(files);
  const captioned = readCaptions(await named.blob.text(), named.path);
  return { captioned, images: findCaptioned(captioned, files) };
}

/** Scores one model on everything given. */
export async function evaluateModel(
  parts: EncoderParts,
  data: EvaluationData,
  settings: Settings,
): Promise<Evaluation> {
  const result: Evaluation = {
    model: parts.name,
    modelHash: parts.modelHash,
    data: {},
    warnings: [],
    skipped: [],
  };
  const texts = (prompts: readonly string[]) =>
    embedPrompts(parts, prompts, (notice) => result.warnings.push(notice));
  if (data.mmvp) Object.assign(result, await onPairs(parts, data.mmvp, settings, result, texts));
  if (data.mmvp) result.warnings.push(...data.mmvp.warnings);
  if (data.classes) Object.assign(result, await onClasses(parts, data.classes, settings, result, texts));
  if (data.captions) result.retrieval = await onCaptions(parts, data.captions, result, texts);
  if (data.segmentation) {
    const { classes } = data.segmentation;
    const prompts = await texts(classPrompts(classes, settings.templates));
    const heads = classEmbeddings(prompts, classes.length, settings.templates.length);
    result.segmentation = await segmentImages(parts, data.segmentation, heads);
    result.data.segmentation = await maskIdentity(parts, data.segmentation);
  }
  result.warnings.push(...leftOut(result.skipped));
  return result;
}

type EmbedTexts = (prompts: readonly string[]) => Promise<Float32Array>;

async function onPairs(
  parts: EncoderParts,
  benchmark: MmvpBenchmark,
  { divaStyle, seeds }: Settings,
  result: Evaluation,
  texts: EmbedTexts,
): Promise<Pick<Evaluation, 'mmvp' | 'divaStyle'>> {
  const rows = benchmark.rows.slice(0, benchmark.images.length);
  const prompts = await texts(rows.map((row) => mmvpPrompt(row.statement)));
  const { rows: images, skipped, hashes } = await embedImages(parts, benchmark.images);
  // A pair without one of its images has no score, and the total would no longer be the benchmark's.
  if (skipped[0]) {
    throw new BenchmarkError(`${skipped[0].path}: ${skipped[0].reason}. Replace the file: every pair counts`);
  }
  result.data.mmvp = await benchmarkIdentity(benchmark.rows, hashes);
  const { logitScale } = parts.encoder;
  const mmvp = scoreMmvp(await images.read(0, images.rows), prompts, rows, logitScale);
  if (!divaStyle) return { mmvp };
  const drawn = await embedDivaStyle(parts, benchmark.images, divaStyle, seeds);
  return { mmvp, divaStyle: scoreDivaStyle(drawn, prompts, rows, logitScale, divaStyle, seeds) };
}

async function onClasses(
  parts: EncoderParts,
  data: LabelledImages,
  settings: Settings,
  scored: Evaluation,
  texts: EmbedTexts,
): Promise<Pick<Evaluation, 'zeroShot' | 'knn' | 'probe'>> {
  const { classes } = data;
  const result: Pick<Evaluation, 'zeroShot' | 'knn' | 'probe'> = {};
  const embedded = await embedImages(parts, data.images);
  scored.skipped.push(...embedded.skipped);
  const labels = embedded.kept.map((row) => data.labels[row]!);
  const images = namedImages(data.images, embedded);
  scored.data.classes = await setIdentity({ task: 'classes', images, classes, labels });
  const embeddings = await embedded.rows.read(0, embedded.rows.rows);
  if (parts.encoder.text) {
    const prompts = await texts(classPrompts(classes, settings.templates));
    const heads = classEmbeddings(prompts, classes.length, settings.templates.length);
    const pause = meter(parts, (share) => `${parts.name}: classes, ${Math.floor(100 * share)}%`);
    result.zeroShot = await scoreZeroShot(embeddings, heads, labels, classes, pause);
  } else if (!settings.knn && !settings.probe) {
    await texts(classes);
  }
  const learned = { embeddings, labels, classes: classes.length };
  for (const method of ['knn', 'probe'] as const) {
    if (!settings[method]) continue;
    const what = method === 'knn' ? 'neighbours' : 'linear probe';
    const pause = meter(parts, (share) => `${parts.name}: ${what}, ${Math.floor(100 * share)}%`);
    const score = await learnFromLabels(method, learned, settings.seeds, pause);
    if (score) result[method] = score;
  }
  return result;
}

async function onCaptions(
  parts: EncoderParts,
  { captioned, images: files }: NonNullable<EvaluationData['captions']>,
  scored: Evaluation,
  texts: EmbedTexts,
): Promise<NonNullable<Evaluation['retrieval']>> {
  const embedded = await embedImages(parts, files);
  scored.skipped.push(...embedded.skipped);
  const place = new Map(embedded.kept.map((row, at) => [row, at]));
  const left = captioned.captions.flatMap((caption, i) => {
    const image = place.get(captioned.imageOf[i]!);
    return image === undefined ? [] : [{ caption, image }];
  });
  const captions = await texts(left.map(({ caption }) => caption));
  const imageOf = left.map(({ image }) => image);
  scored.data.captions = await setIdentity({
    task: 'captions',
    images: namedImages(files, embedded),
    captions: left.map(({ caption }) => caption),
    imageOf,
  });
  const values = await embedded.rows.read(0, embedded.rows.rows);
  const pause = meter(parts, (share) => `${parts.name}: retrieval, ${Math.floor(100 * share)}%`);
  return scoreRetrieval(values, captions, imageOf, embedded.kept.length, pause);
}

const namedImages = (files: readonly NamedBlob[], { kept, hashes }: EmbeddedImages) =>
  kept.map((row, i) => ({ path: files[row]!.path, sha256: hashes[i]! }));

async function maskIdentity(parts: EncoderParts, { pairs, layout, classes }: MaskFolder): Promise<string> {
  const named = async (files: readonly NamedBlob[]) => {
    const hashes = await hashesOf(parts, files);
    return files.map(({ path }, i) => ({ path, sha256: hashes[i]! }));
  };
  const images = await named(pairs.map(({ image }) => image));
  const masks = await named(pairs.map(({ mask }) => mask));
  return setIdentity({ task: 'masks', layout, classes, images, masks });
}
