import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import * as ort from 'onnxruntime-node';
import { isArchive } from '../../src/data/archives.ts';
import type { ImageMode } from '../../src/data/decode.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { openFile } from '../../src/data/node-files.ts';
import { type CaptionedImages, findCaptioned, readCaptions } from '../../src/evaluation/captions.ts';
import { captionsBeside } from '../../src/evaluation/captions-beside.ts';
import { type LabelledImages, readLabelledImages } from '../../src/evaluation/class-folder.ts';
import { embedTexts } from '../../src/evaluation/embed.ts';
import type { Scores } from '../../src/evaluation/evaluation.ts';
import { learnFromLabels } from '../../src/evaluation/learned.ts';
import { type MaskFolder, readMaskFolder } from '../../src/evaluation/mask-folder.ts';
import { scoreMmvp } from '../../src/evaluation/mmvp.ts';
import { BenchmarkError, type MmvpBenchmark, readMmvpFolder } from '../../src/evaluation/mmvp-folder.ts';
import { scoreRetrieval } from '../../src/evaluation/retrieval.ts';
import { classEmbeddings, scoreZeroShot } from '../../src/evaluation/zero-shot.ts';
import { readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { ModelFolder } from '../../src/exchange/folder.ts';
import type { ByteSource } from '../../src/onnx/model.ts';
import { type OrtModule, openRuntime } from '../../src/runtime/runtime.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import { classPrompts } from '../../src/text/templates/templates.ts';
import { embedImages, type SkippedImage } from './embed-images.ts';
import { folderBlobs } from './folder-blobs.ts';
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
  /** Of the splits for k-NN and probe. */
  seeds: readonly number[];
  threads: number;
  templates: readonly string[];
}

/** What one model scored. */
export interface Evaluation extends Scores {
  model: string;
  warnings: string[];
  /** Images that could not be read and count in no score. */
  skipped: SkippedImage[];
}

/** Reads what to evaluate on. Paths are absolute. */
export async function readData(
  paths: Record<keyof EvaluationData, string | undefined>,
): Promise<EvaluationData> {
  const { mmvp, classes, captions, segmentation } = paths;
  return {
    mmvp: mmvp === undefined ? undefined : await readMmvpFolder(await folderBlobs(mmvp)),
    classes: classes === undefined ? undefined : await readLabelledImages(await folderBlobs(classes)),
    captions: captions === undefined ? undefined : await readCaptioned(captions),
    segmentation:
      segmentation === undefined ? undefined : await readMaskFolder(await folderBlobs(segmentation)),
  };
}

async function readCaptioned(path: string): Promise<EvaluationData['captions']> {
  if (isArchive({ path })) {
    const captioned = await captionsBeside(await folderBlobs(path));
    if (captioned) return { captioned, images: captioned.files };
    throw new BenchmarkError(
      `${basename(path)} holds no image with a caption beside it (0001.jpg with 0001.txt or 0001.json)`,
    );
  }
  const captioned = readCaptions(await readFile(path, 'utf8'), basename(path));
  return { captioned, images: findCaptioned(captioned, await folderBlobs(dirname(path))) };
}

/** Scores one model folder on everything given. */
export async function evaluateModel(
  path: string,
  name: string,
  data: EvaluationData,
  settings: Settings,
  progress?: (text: string) => void,
): Promise<Evaluation> {
  const { folder, close } = await openFolder(path, name);
  const runtime = await openRuntime({
    ort: ort as unknown as OrtModule,
    provider: 'cpu',
    threads: settings.threads,
  });
  const result: Evaluation = { model: name, warnings: [], skipped: [] };
  try {
    const encoder = await readEncoderFolder(folder);
    const texts = (prompts: readonly string[]) =>
      embedTexts(
        runtime,
        encoder,
        prompts,
        (done) => progress?.(`${name}: text ${done} of ${prompts.length}`),
        (notice) => result.warnings.push(notice),
      );
    const images = async (files: readonly NamedBlob[]) => {
      const embedded = await embedImages(
        runtime,
        encoder,
        files,
        settings.mode,
        progress && ((text) => progress(`${name}: ${text}`)),
      );
      result.skipped.push(...embedded.skipped);
      return embedded;
    };
    if (data.mmvp) {
      const rows = data.mmvp.rows.slice(0, data.mmvp.images.length);
      const prompts = await texts(rows.map((row) => mmvpPrompt(row.statement)));
      const { values, skipped } = await images(data.mmvp.images);
      // A pair without one of its images has no score, and the total would no longer be the benchmark's.
      if (skipped[0]) {
        throw new BenchmarkError(
          `${skipped[0].path}: ${skipped[0].reason}. Replace the file: every pair counts`,
        );
      }
      result.mmvp = scoreMmvp(values, prompts, rows, encoder.logitScale);
      result.warnings.push(...data.mmvp.warnings);
    }
    if (data.classes) {
      const { classes } = data.classes;
      const { values: embeddings, kept } = await images(data.classes.images);
      const labels = kept.map((row) => data.classes!.labels[row]!);
      if (encoder.text) {
        const prompts = await texts(classPrompts(classes, settings.templates));
        const heads = classEmbeddings(prompts, classes.length, settings.templates.length);
        result.zeroShot = scoreZeroShot(embeddings, heads, labels, classes);
      } else if (!settings.knn && !settings.probe) {
        await texts(classes);
      }
      const learned = { embeddings, labels, classes: classes.length };
      for (const method of ['knn', 'probe'] as const) {
        const score = settings[method] && (await learnFromLabels(method, learned, settings.seeds));
        if (score) result[method] = score;
      }
    }
    if (data.captions) {
      const { captioned, images: files } = data.captions;
      const { values, kept } = await images(files);
      const place = new Map(kept.map((row, at) => [row, at]));
      const left = captioned.captions.flatMap((caption, i) => {
        const image = place.get(captioned.imageOf[i]!);
        return image === undefined ? [] : [{ caption, image }];
      });
      const captions = await texts(left.map(({ caption }) => caption));
      const imageOf = left.map(({ image }) => image);
      result.retrieval = scoreRetrieval(values, captions, imageOf, kept.length);
    }
    if (data.segmentation) {
      const { classes } = data.segmentation;
      const prompts = await texts(classPrompts(classes, settings.templates));
      const heads = classEmbeddings(prompts, classes.length, settings.templates.length);
      result.segmentation = await segmentImages(
        runtime,
        encoder,
        data.segmentation,
        heads,
        settings.mode,
        progress && ((text) => progress(`${name}: ${text}`)),
      );
    }
    const [first] = result.skipped;
    if (first) {
      result.warnings.push(
        `${result.skipped.length} ${result.skipped.length === 1 ? 'image was' : 'images were'} left out: ${first.path}: ${first.reason}`,
      );
    }
    return result;
  } finally {
    await close();
  }
}

async function openFolder(
  path: string,
  name: string,
): Promise<{ folder: ModelFolder; close: () => Promise<void> }> {
  const files = new Map<string, ByteSource>();
  const opened: { close(): Promise<void> }[] = [];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(onnx|onnx_data|data|json|txt|model)(_\d+)?$/i.test(entry.name)) continue;
    const full = join(entry.parentPath, entry.name);
    const file = await openFile(full);
    opened.push(file);
    files.set(relative(path, full).split(sep).join('/'), file);
  }
  return {
    folder: new ModelFolder(name, files),
    close: async () => {
      for (const file of opened) await file.close();
    },
  };
}
