import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ImageMode } from '../src/data/decode.ts';
import { mmvpBounds } from '../src/evaluation/blind-pairs.ts';
import { divaRules } from '../src/evaluation/diva-style.ts';
import { csvReport } from '../src/evaluation/report/csv.ts';
import { htmlReport } from '../src/evaluation/report/html.ts';
import { latexReport } from '../src/evaluation/report/latex.ts';
import { guardThreshold } from '../src/evaluation/verdicts.ts';
import { imagenetTemplates } from '../src/text/templates/imagenet.ts';
import { readTemplates } from '../src/text/templates/templates.ts';
import { blindPairs } from './evaluation/blind-pairs.ts';
import { leftOut } from './evaluation/embed-images.ts';
import { type Evaluation, evaluateModel, readData } from './evaluation/evaluate-model.ts';
import { openWork, withEncoder } from './evaluation/parts.ts';
import { readPlace } from './evaluation/places.ts';
import { evaluationJson, listing, reportOf } from './evaluation/report.ts';
import { type Command, type CommandIo, RefusedError, UsageError } from './io.ts';
import { decimal, messageOf, parsed, wholeNumber } from './options.ts';

export const evaluateCommand: Command = {
  summary: 'evaluate encoders: MMVP, zero-shot classes, retrieval, k-NN, linear probe, blind pairs',
  usage: `acuity evaluate --model DIR [--mmvp DIR] [--classes DIR] [--captions FILE] [--segmentation DIR] [OPTIONS]

  Data are folders or archives of this computer, or data sets on Hugging Face: hf:owner/name[@revision][/path] or their
  address. They are kept in the cache; HF_TOKEN opens what is private or gated.

  --model DIR        a model folder: onnx/vision_model.onnx, onnx/text_model.onnx, tokenizer.json, configurations
  --compare DIR      another model folder, compared with the first on the same data; may be given again
  --text DIR         the folder whose text side serves models that have none, such as a downloaded refinement
  --mmvp DIR         the benchmark folder: Questions.csv beside its image folder
  --diva-style RULE  also score MMVP by DIVA's embeddings, class + mean of locals: openai or metaclip
  --classes DIR      one folder of images for each class, or images with labels.csv (columns path,class)
  --segmentation DIR images with masks in VOC's or ADE's layout: mean IoU
  --captions FILE    captions as CSV, JSON lines or COCO's JSON, paths relative to the file; or their folder or archive
  --knn, --probe     also classify --classes by 20 nearest neighbours, by a linear probe (80% to learn from)
  --suite            everything that the data allows, and the zero-shot guard over the models compared
  --guard POINTS     top-1 that refining may cost (default ${guardThreshold})
  --blind-pairs DIR  pairs of these images that --model thinks alike and --second different
  --second DIR       any image encoder, such as a DINOv2 export, or a diffusion model for its latents
  --alike, --different COSINE   bounds of blind pairs (default ${mmvpBounds.alike} and ${mmvpBounds.different}, as for MMVP)
  --most NUMBER      blind pairs at most (default 60)
  --templates FILE   prompt templates, one a line with {} for the class (default: the 80 of ImageNet)
  --mode MODE        reference (default): pixels as Pillow gives them; photo: rotated by EXIF, alpha over white
  --seed NUMBERS     of the splits for --knn and --probe and of DIVA's draws, such as 0,1,2: mean and spread (default 0)
  --threads NUMBER   of the runtime (default 1)
  --cache DIR        where embeddings are kept by model and image hash (default: acuity in the user's cache folder)
  --no-cache         keep none
  --json             print everything as JSON
  --report DIR       write evaluation.csv, .json, .tex and .html, the page with its pictures inside
  --csv FILE, --latex FILE, --html FILE   write one of them`,
  async run(args, io) {
    const options = parse(args);
    const given = checked(options);
    const { compare = [] } = options;
    const settings = {
      mode: given.mode,
      knn: options.knn || (options.suite && options.classes !== undefined),
      probe: options.probe || (options.suite && options.classes !== undefined),
      divaStyle: given.divaStyle,
      seeds: options.seed.split(',').map((seed) => wholeNumber(seed.trim(), '--seed')),
      guard: decimal(options.guard, '--guard'),
      suite: options.suite,
      templates: await templatesOf(options.templates, io),
    };
    const { signal, progress } = io;
    const cache = options['no-cache'] ? undefined : (at(io, options.cache) ?? io.cacheFolder);
    const read = (place: string) => readPlace(place, { directory: io.directory, cache, signal, progress });
    const { mmvp, classes, captions, segmentation, 'blind-pairs': own } = options;
    const data = await refusing(async () => ({
      ...(await readData({ mmvp, classes, captions, segmentation }, read)),
      own: own && (await read(own)).files,
    }));
    const work = await refusing(async () =>
      openWork({
        threads: wholeNumber(options.threads, '--threads'),
        cache,
        signal,
        progress,
      }),
    );
    const results: Evaluation[] = [];
    for (const name of [given.model, ...compare]) {
      const path = resolve(io.directory, name);
      const encoder = { path, name, mode: settings.mode, text: at(io, options.text) };
      const score = () =>
        withEncoder(work, encoder, async (parts) => {
          const scores = await evaluateModel(parts, data, settings);
          if (!data.own || results.length > 0) return scores;
          const second = { path: resolve(io.directory, given.second!), name: given.second! };
          const found = await blindPairs(parts, { ...given.bounds, files: data.own, second });
          return { ...scores, blindPairs: found, warnings: [...scores.warnings, ...leftOut(found.skipped)] };
        });
      results.push(await refusing(score));
    }
    io.progress?.('');
    const written = [
      [options.csv, csvReport],
      [options.latex, latexReport],
      [options.html, htmlReport],
    ] as const;
    const withPictures = options.html !== undefined || options.report !== undefined;
    const report = await reportOf(results, data, settings, withPictures);
    for (const [file, render] of written) {
      if (file !== undefined) await write(resolve(io.directory, file), render(report));
    }
    const json = evaluationJson(results, settings);
    if (options.report !== undefined) {
      const folder = resolve(io.directory, options.report);
      for (const [file, render] of [...reportFiles, ['evaluation.json', () => json]] as const)
        await write(join(folder, file), render(report));
    }
    io.out(options.json ? json : listing(report));
    const warnings = [...new Set(results.flatMap((result) => result.warnings))];
    if (warnings.length > 0) io.err(`acuity: ${warnings.join('; ').replaceAll(/\s+/g, ' ')}\n`);
  },
};

const reportFiles = [
  ['evaluation.csv', csvReport],
  ['evaluation.tex', latexReport],
  ['evaluation.html', htmlReport],
] as const;

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const otherwise = (value: string | number) => ({ type: 'string', default: String(value) }) as const;
  return parsed(
    () =>
      parseArgs({
        args,
        options: {
          model: text,
          compare: { type: 'string', multiple: true },
          text,
          mmvp: text,
          'diva-style': text,
          classes: text,
          captions: text,
          segmentation: text,
          knn: flag,
          probe: flag,
          suite: flag,
          guard: otherwise(guardThreshold),
          'blind-pairs': text,
          second: text,
          alike: otherwise(mmvpBounds.alike),
          different: otherwise(mmvpBounds.different),
          most: otherwise(60),
          templates: text,
          mode: otherwise('reference'),
          seed: otherwise(0),
          threads: otherwise(1),
          cache: text,
          'no-cache': flag,
          json: flag,
          report: text,
          csv: text,
          latex: text,
          html: text,
        },
      }).values,
  );
}

/** What must be given, or be one of a few words. Throws a UsageError. */
function checked(options: ReturnType<typeof parse>) {
  const { model, mode, second } = options;
  if (model === undefined) throw new UsageError('--model is missing');
  const { mmvp, classes, captions, segmentation, 'blind-pairs': own, 'diva-style': rule } = options;
  if (!mmvp && !classes && !captions && !segmentation && !own) {
    throw new UsageError(
      'nothing to evaluate on: give --mmvp, --classes, --captions, --segmentation or --blind-pairs',
    );
  }
  if ((options.knn || options.probe) && !classes) throw new UsageError('--knn and --probe need --classes');
  if ((own === undefined) !== (second === undefined))
    throw new UsageError('--blind-pairs and --second need each other');
  const divaStyle = divaRules.find((each) => each === rule);
  if (rule !== undefined && !divaStyle)
    throw new UsageError(`--diva-style takes ${divaRules.join(' or ')}, not "${rule}"`);
  if (divaStyle && !mmvp) throw new UsageError('--diva-style needs --mmvp');
  if (mode !== 'reference' && mode !== 'photo') {
    throw new UsageError(`--mode takes reference or photo, not "${mode}"`);
  }
  const bounds = {
    alike: decimal(options.alike, '--alike'),
    different: decimal(options.different, '--different'),
    most: wholeNumber(options.most, '--most'),
  };
  return { model, second, divaStyle, bounds, mode: mode as ImageMode };
}

const at = (io: CommandIo, path: string | undefined): string | undefined =>
  path === undefined ? undefined : resolve(io.directory, path);

async function templatesOf(file: string | undefined, io: CommandIo): Promise<readonly string[]> {
  if (file === undefined) return imagenetTemplates;
  return refusing(async () => readTemplates(await readFile(resolve(io.directory, file), 'utf8'), file));
}

const inputErrors = [
  'BenchmarkError',
  'FolderError',
  'HubError',
  'ImageFileError',
  'StorageError',
  'TemplateError',
];

/** Errors of files and folders that were given are refusals of the input. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    const isInput = error instanceof Error && (inputErrors.includes(error.name) || 'code' in error);
    if (isInput) throw new RefusedError(error.message);
    throw error;
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  } catch (error) {
    throw new RefusedError(`cannot write ${basename(path)} in ${dirname(path)}: ${messageOf(error)}`);
  }
}
