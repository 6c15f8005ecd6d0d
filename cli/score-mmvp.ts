import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  chanceScore,
  type MmvpRow,
  type MmvpScore,
  officialPatterns,
  questionWarnings,
  scoreMmvp,
} from '../src/evaluation/mmvp.ts';
import { readQuestions } from '../src/evaluation/mmvp-folder.ts';
import { type NpyArray, readNpy } from '../src/formats/npy.ts';
import { type Command, type CommandIo, RefusedError, UsageError } from './io.ts';

export const scoreMmvpCommand: Command = {
  summary: 'score given embeddings by the official MMVP-VLM rule',
  usage: `acuity score-mmvp --image-embeddings A.npy --text-embeddings B.npy [OPTIONS]

Both arrays hold one row for each row of the benchmark, in its order (270 rows); text embeddings are of
"a photo of " + statement.

  --logit-scale NUMBER   exp(logit_scale) of the model (default 100)
  --questions FILE       Questions.csv, for a benchmark of another size or with unusual ids
  --json                 print {"total", "patterns", "pairs"} as JSON`,
  async run(args, io) {
    const options = parse(args);
    const images = await readTable(options['image-embeddings'], '--image-embeddings', io);
    const texts = await readTable(options['text-embeddings'], '--text-embeddings', io);
    const rows =
      options.questions === undefined
        ? refusing(() => officialRows(images.rows))
        : await readRows(options.questions, io);
    if (images.rows !== texts.rows || images.width !== texts.width || images.rows !== rows.length) {
      throw new RefusedError(
        `${images.name} is [${images.rows}, ${images.width}], ${texts.name} [${texts.rows}, ${texts.width}], and the ` +
          `benchmark has ${rows.length} rows: each needs one embedding of equal width for each row`,
      );
    }
    const even = rows.length - (rows.length % 2);
    const score = refusing(() =>
      scoreMmvp(
        images.values.subarray(0, even * images.width),
        texts.values.subarray(0, even * images.width),
        rows,
        Number(options['logit-scale']),
      ),
    );
    io.out(options.json ? json(score) : listing(score));
    const warnings = questionWarnings(rows);
    if (warnings.length > 0) io.err(`acuity: ${warnings.join('; ')}\n`);
  },
};

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        'image-embeddings': { type: 'string' },
        'text-embeddings': { type: 'string' },
        'logit-scale': { type: 'string', default: '100' },
        questions: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whatever the input's own checks say is a refusal of the input. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new RefusedError(messageOf(error));
  }
}

async function readBytes(path: string, io: CommandIo): Promise<Uint8Array> {
  try {
    return await readFile(resolve(io.directory, path));
  } catch (error) {
    throw new RefusedError(`cannot read ${path}: ${messageOf(error)}`);
  }
}

async function readTable(path: string | undefined, option: string, io: CommandIo) {
  if (path === undefined) throw new UsageError(`${option} is missing`);
  const bytes = await readBytes(path, io);
  return { name: path, ...refusing(() => table(readNpy(bytes, path), path)) };
}

async function readRows(path: string, io: CommandIo): Promise<MmvpRow[]> {
  const bytes = await readBytes(path, io);
  return refusing(() => readQuestions(new TextDecoder().decode(bytes)));
}

function json(score: MmvpScore): string {
  const patterns = Object.fromEntries(score.patterns.map(({ name, score: points }) => [name, points]));
  return `${JSON.stringify({ total: score.total, patterns, pairs: score.pairs.map((p) => p.correct) })}\n`;
}

function listing(score: MmvpScore): string {
  const width = Math.max(...score.patterns.map(({ name }) => name.length));
  const lines = score.patterns.map(
    (p) => `${p.name.padEnd(width)}  ${p.score.toFixed(1).padStart(5)}  (${p.correct} of ${p.pairs})`,
  );
  const name = score.official ? 'MMVP-VLM' : 'MMVP-style';
  lines.push(`${name.padEnd(width)}  ${score.total.toFixed(1).padStart(5)}  (guessing: ${chanceScore})`);
  return `${lines.join('\n')}\n`;
}

function table(array: NpyArray, name: string): { rows: number; width: number; values: Float32Array } {
  const [rows, width] = array.shape;
  if (array.shape.length !== 2 || rows === undefined || width === undefined) {
    throw new Error(`${name} has the shape [${array.shape.join(', ')}] instead of [rows, width]`);
  }
  return { rows, width, values: array.values };
}

/** The official benchmark's rows as far as scoring needs them: ids 1 to 270, patterns by position. */
function officialRows(given: number): MmvpRow[] {
  const rows = 30 * officialPatterns.length;
  if (given !== rows) {
    throw new Error(
      `${given} image embeddings instead of the benchmark's ${rows}. ` +
        'For a benchmark of another size, give its rows by --questions Questions.csv',
    );
  }
  return Array.from({ length: rows }, (_, i) => ({
    id: i + 1,
    type: officialPatterns[Math.floor(i / 30)]!,
    statement: '',
  }));
}
