import { parseArgs } from 'node:util';
import {
  chanceScore,
  type MmvpRow,
  officialPatterns,
  questionWarnings,
  scoreMmvp,
} from '../src/evaluation/mmvp.ts';
import { readQuestions } from '../src/evaluation/mmvp-folder.ts';
import { type NpyArray, readNpy } from '../src/formats/npy.ts';

/** What a command needs of the world. */
export interface ScoreMmvpIo {
  readFile(path: string): Promise<Uint8Array>;
  /** Standard output. */
  write(text: string): void;
  /** Standard error. */
  warn(text: string): void;
}

export const scoreMmvpUsage = `acuity score-mmvp --image-embeddings A.npy --text-embeddings B.npy [options]

Scores embeddings by the official MMVP-VLM rule. Both arrays hold one row for each row of the benchmark, in its order
(270 rows); text embeddings are of "a photo of " + statement.

  --logit-scale NUMBER   exp(logit_scale) of the model (default 100)
  --questions FILE       Questions.csv, for a benchmark of another size or with unusual ids
  --json                 print {"total", "patterns", "pairs"} as JSON
`;

/**
 * `acuity score-mmvp`: prints the score of given embeddings.
 *
 * @param args the arguments after the command's name.
 * @returns the exit status.
 */
export async function scoreMmvpCommand(args: readonly string[], io: ScoreMmvpIo): Promise<number> {
  try {
    const { values: options } = parseArgs({
      args: [...args],
      options: {
        'image-embeddings': { type: 'string' },
        'text-embeddings': { type: 'string' },
        'logit-scale': { type: 'string', default: '100' },
        questions: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (options.help) {
      io.write(scoreMmvpUsage);
      return 0;
    }
    const imagePath = required(options['image-embeddings'], '--image-embeddings');
    const textPath = required(options['text-embeddings'], '--text-embeddings');
    const images = table(readNpy(await io.readFile(imagePath), imagePath), imagePath);
    const texts = table(readNpy(await io.readFile(textPath), textPath), textPath);
    const rows =
      options.questions === undefined
        ? officialRows(images.rows)
        : readQuestions(new TextDecoder().decode(await io.readFile(options.questions)));
    if (images.rows !== texts.rows || images.width !== texts.width || images.rows !== rows.length) {
      throw new Error(
        `${imagePath} is [${images.rows}, ${images.width}], ${textPath} [${texts.rows}, ${texts.width}], and the ` +
          `benchmark has ${rows.length} rows: each needs one embedding of equal width for each row`,
      );
    }
    for (const warning of questionWarnings(rows)) io.warn(`warning: ${warning}\n`);
    const even = rows.length - (rows.length % 2);
    const score = scoreMmvp(
      images.values.subarray(0, even * images.width),
      texts.values.subarray(0, even * images.width),
      rows,
      Number(options['logit-scale']),
    );
    if (options.json) {
      const patterns = Object.fromEntries(score.patterns.map(({ name, score: points }) => [name, points]));
      io.write(
        `${JSON.stringify({ total: score.total, patterns, pairs: score.pairs.map((p) => p.correct) })}\n`,
      );
    } else {
      const width = Math.max(...score.patterns.map(({ name }) => name.length));
      const lines = score.patterns.map(
        (p) => `${p.name.padEnd(width)}  ${p.score.toFixed(1).padStart(5)}  (${p.correct} of ${p.pairs})`,
      );
      const name = score.official ? 'MMVP-VLM' : 'MMVP-style';
      lines.push(`${name.padEnd(width)}  ${score.total.toFixed(1).padStart(5)}  (guessing: ${chanceScore})`);
      io.write(`${lines.join('\n')}\n`);
    }
    return 0;
  } catch (error) {
    io.warn(`acuity score-mmvp: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new Error(`${option} is missing.\n\n${scoreMmvpUsage}`);
  return value;
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
