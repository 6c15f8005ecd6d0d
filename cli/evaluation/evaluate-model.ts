import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { ImageMode } from '../../src/data/decode.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { openFile } from '../../src/data/node-files.ts';
import { type CaptionedImages, findCaptioned, readCaptions } from '../../src/evaluation/captions.ts';
import { type LabelledImages, readLabelledImages, splitByClass } from '../../src/evaluation/class-folder.ts';
import { embedTexts } from '../../src/evaluation/embed.ts';
import { embeddingTable, normaliseRows } from '../../src/evaluation/embeddings.ts';
import { knnPredict } from '../../src/evaluation/knn.ts';
import { fitProbe, probePredict } from '../../src/evaluation/linear-probe.ts';
import { type MmvpScore, scoreMmvp } from '../../src/evaluation/mmvp.ts';
import { type MmvpBenchmark, readMmvpFolder } from '../../src/evaluation/mmvp-folder.ts';
import { type RetrievalScore, scoreRetrieval } from '../../src/evaluation/retrieval.ts';
import { mulberry32 } from '../../src/evaluation/statistics.ts';
import { classEmbeddings, scoreZeroShot, type ZeroShotScore } from '../../src/evaluation/zero-shot.ts';
import { readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { ModelFolder } from '../../src/exchange/folder.ts';
import type { ByteSource } from '../../src/onnx/model.ts';
import { type OrtModule, openRuntime } from '../../src/runtime/runtime.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import { classPrompts } from '../../src/text/templates/templates.ts';
import { embedImages } from './embed-images.ts';
import { folderBlobs } from './folder-blobs.ts';

export interface EvaluationData {
  mmvp: MmvpBenchmark | undefined;
  classes: LabelledImages | undefined;
  captions: { captioned: CaptionedImages; images: NamedBlob[] } | undefined;
}

export interface Settings {
  mode: ImageMode;
  knn: boolean;
  probe: boolean;
  seed: number;
  threads: number;
  templates: readonly string[];
}

/** What one model scored; parts that were not asked for are undefined. */
export interface Evaluation {
  model: string;
  mmvp: MmvpScore | undefined;
  zeroShot: ZeroShotScore | undefined;
  /** Percent of the held-out images. */
  knn: { accuracy: number; neighbours: number; train: number; test: number } | undefined;
  probe: { accuracy: number; c: number; train: number; test: number } | undefined;
  retrieval: RetrievalScore | undefined;
  warnings: string[];
}

/** Neighbours of the k-NN protocol that self-supervised encoders are compared by (Caron et al. 2021, table 2). */
const neighbours = 20;
const trainShare = 0.8;
/** Inverse penalty on features of length 1 times the square root of their number. */
const probeC = 1;

/** Reads what to evaluate on. Paths are absolute. */
export async function readData(
  paths: Record<keyof EvaluationData, string | undefined>,
): Promise<EvaluationData> {
  const { mmvp, classes, captions } = paths;
  return {
    mmvp: mmvp === undefined ? undefined : await readMmvpFolder(await folderBlobs(mmvp)),
    classes: classes === undefined ? undefined : await readLabelledImages(await folderBlobs(classes)),
    captions: captions === undefined ? undefined : await readCaptioned(captions),
  };
}

async function readCaptioned(path: string): Promise<EvaluationData['captions']> {
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
  const result: Evaluation = {
    model: name,
    mmvp: undefined,
    zeroShot: undefined,
    knn: undefined,
    probe: undefined,
    retrieval: undefined,
    warnings: [],
  };
  try {
    const encoder = await readEncoderFolder(folder);
    const texts = (prompts: readonly string[]) =>
      embedTexts(runtime, encoder, prompts, (done) =>
        progress?.(`${name}: text ${done} of ${prompts.length}`),
      );
    const images = (files: readonly NamedBlob[]) =>
      embedImages(
        runtime,
        encoder,
        files,
        settings.mode,
        progress && ((text) => progress(`${name}: ${text}`)),
      );
    if (data.mmvp) {
      const rows = data.mmvp.rows.slice(0, data.mmvp.images.length);
      const prompts = await texts(rows.map((row) => mmvpPrompt(row.statement)));
      result.mmvp = scoreMmvp(await images(data.mmvp.images), prompts, rows, encoder.logitScale);
      result.warnings.push(...data.mmvp.warnings);
    }
    if (data.classes) {
      const { classes, labels } = data.classes;
      const embeddings = await images(data.classes.images);
      if (encoder.text) {
        const prompts = await texts(classPrompts(classes, settings.templates));
        const heads = classEmbeddings(prompts, classes.length, settings.templates.length);
        result.zeroShot = scoreZeroShot(embeddings, heads, labels, classes);
      } else if (!settings.knn && !settings.probe) {
        await texts(classes);
      }
      if (settings.knn || settings.probe) Object.assign(result, trained(embeddings, data.classes, settings));
    }
    if (data.captions) {
      const { captioned, images: files } = data.captions;
      const captions = await texts(captioned.captions);
      result.retrieval = scoreRetrieval(await images(files), captions, captioned.imageOf, files.length);
    }
    return result;
  } finally {
    await close();
  }
}

/** Accuracies of what learns from part of the labels. */
function trained(
  embeddings: Float32Array,
  { classes, labels }: LabelledImages,
  { knn, probe, seed }: Settings,
): Pick<Evaluation, 'knn' | 'probe'> {
  const { train, test } = splitByClass(labels, trainShare, mulberry32(seed));
  const table = normaliseRows(embeddingTable(embeddings, labels.length, 'images'), 'image');
  const { width } = table;
  const rowsOf = (rows: readonly number[], scale: number) => {
    const values = new Float32Array(rows.length * width);
    for (const [to, row] of rows.entries()) {
      for (let i = 0; i < width; i++) values[to * width + i] = scale * table.values[row * width + i]!;
    }
    return values;
  };
  const trainLabels = train.map((row) => labels[row]!);
  const accuracy = (predicted: readonly number[]) =>
    (100 * predicted.filter((label, i) => label === labels[test[i]!]).length) / test.length;
  const sizes = { train: train.length, test: test.length };
  if (test.length === 0) return { knn: undefined, probe: undefined };
  const scale = Math.sqrt(width);
  return {
    knn: knn
      ? {
          accuracy: accuracy(
            knnPredict(rowsOf(train, 1), trainLabels, rowsOf(test, 1), test.length, neighbours),
          ),
          neighbours,
          ...sizes,
        }
      : undefined,
    probe: probe
      ? {
          accuracy: accuracy(
            probePredict(
              fitProbe(rowsOf(train, scale), trainLabels, classes.length, probeC),
              rowsOf(test, scale),
              test.length,
            ),
          ),
          c: probeC,
          ...sizes,
        }
      : undefined,
  };
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
