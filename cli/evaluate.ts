import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ImageMode } from '../src/data/decode.ts';
import { csvReport } from '../src/evaluation/report/csv.ts';
import { htmlReport } from '../src/evaluation/report/html.ts';
import { latexReport } from '../src/evaluation/report/latex.ts';
import { imagenetTemplates } from '../src/text/templates/imagenet.ts';
import { readTemplates } from '../src/text/templates/templates.ts';
import {
  type Evaluation,
  type EvaluationData,
  evaluateModel,
  readData,
} from './evaluation/evaluate-model.ts';
import { evaluationJson, listing, reportOf } from './evaluation/report.ts';
import { type Command, type CommandIo, RefusedError, UsageError } from './io.ts';
import { messageOf, parsed, wholeNumber } from './options.ts';

export const evaluateCommand: Command = {
  summary: 'evaluate encoders: MMVP, zero-shot classes, retrieval, k-NN and linear probe',
  usage: `acuity evaluate --model DIR [--mmvp DIR] [--classes DIR] [--captions FILE] [--segmentation DIR] [OPTIONS]

  --model DIR        a model folder: onnx/vision_model.onnx, onnx/text_model.onnx, tokenizer.json, configurations
  --compare DIR      another model folder, compared with the first on the same data; may be given again
  --mmvp DIR         the benchmark folder: Questions.csv beside its image folder
  --classes DIR      one folder of images for each class, or images with labels.csv (columns path,class)
  --segmentation DIR images with masks in VOC's or ADE's layout: mean IoU
  --captions FILE    captions as CSV, JSON lines or COCO's JSON, paths relative to the file
  --knn, --probe     also classify --classes by 20 nearest neighbours, by a linear probe (80% to learn from)
  --templates FILE   prompt templates, one a line with {} for the class (default: the 80 of ImageNet)
  --mode MODE        reference (default): pixels as Pillow gives them; photo: rotated by EXIF, alpha over white
  --seed NUMBERS     of the splits for --knn and --probe, such as 0,1,2: mean and spread (default 0)
  --threads NUMBER   of the runtime (default 1)
  --json             print everything as JSON
  --csv FILE, --latex FILE, --html FILE   also write a report`,
  async run(args, io) {
    const options = parse(args);
    const { model, compare = [] } = options;
    if (model === undefined) throw new UsageError('--model is missing');
    if (!options.mmvp && !options.classes && !options.captions && !options.segmentation) {
      throw new UsageError('nothing to evaluate on: give --mmvp, --classes, --captions or --segmentation');
    }
    if ((options.knn || options.probe) && !options.classes) {
      throw new UsageError('--knn and --probe need --classes');
    }
    const { mode } = options;
    if (mode !== 'reference' && mode !== 'photo') {
      throw new UsageError(`--mode takes reference or photo, not "${mode}"`);
    }
    const settings = {
      mode: mode as ImageMode,
      knn: options.knn,
      probe: options.probe,
      seeds: options.seed.split(',').map((seed) => wholeNumber(seed.trim(), '--seed')),
      threads: wholeNumber(options.threads, '--threads'),
    };
    const templates = await templatesOf(options.templates, io);
    const data: EvaluationData = await refusing(() =>
      readData({
        mmvp: at(io, options.mmvp),
        classes: at(io, options.classes),
        captions: at(io, options.captions),
        segmentation: at(io, options.segmentation),
      }),
    );
    const results: Evaluation[] = [];
    for (const folder of [model, ...compare]) {
      results.push(
        await refusing(() =>
          evaluateModel(resolve(io.directory, folder), folder, data, { ...settings, templates }, io.progress),
        ),
      );
    }
    io.progress?.('');
    const report = await reportOf(results, data, settings, options.html !== undefined);
    const written = [
      [options.csv, csvReport],
      [options.latex, latexReport],
      [options.html, htmlReport],
    ] as const;
    for (const [file, render] of written) {
      if (file !== undefined) await write(io, file, render(report));
    }
    io.out(options.json ? evaluationJson(results) : listing(report));
    const warnings = [...new Set(results.flatMap((result) => result.warnings))];
    if (warnings.length > 0) io.err(`acuity: ${warnings.join('; ').replaceAll(/\s+/g, ' ')}\n`);
  },
};

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  return parsed(
    () =>
      parseArgs({
        args,
        options: {
          model: text,
          compare: { type: 'string', multiple: true },
          mmvp: text,
          classes: text,
          captions: text,
          segmentation: text,
          knn: flag,
          probe: flag,
          templates: text,
          mode: { type: 'string', default: 'reference' },
          seed: { type: 'string', default: '0' },
          threads: { type: 'string', default: '1' },
          json: flag,
          csv: text,
          latex: text,
          html: text,
        },
      }).values,
  );
}

const at = (io: CommandIo, path: string | undefined): string | undefined =>
  path === undefined ? undefined : resolve(io.directory, path);

async function templatesOf(file: string | undefined, io: CommandIo): Promise<readonly string[]> {
  if (file === undefined) return imagenetTemplates;
  return refusing(async () => readTemplates(await readFile(resolve(io.directory, file), 'utf8'), file));
}

/** Errors of files and folders that were given are refusals of the input. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isInput =
      error instanceof Error &&
      (['BenchmarkError', 'FolderError', 'TemplateError', 'ImageFileError'].includes(error.name) ||
        'code' in error);
    if (isInput) throw new RefusedError(error.message);
    throw error;
  }
}

async function write(io: CommandIo, file: string, text: string): Promise<void> {
  const path = resolve(io.directory, file);
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new RefusedError(`cannot write ${basename(path)} in ${dirname(path)}: ${messageOf(error)}`);
  }
}
