import type { NamedBlob } from '../data/named-blob.ts';
import { parseCsv } from '../formats/csv.ts';
import { groupPairs, type MmvpGrouping, type MmvpRow, questionWarnings } from './mmvp.ts';

/** Names under which the benchmark's image folder is distributed. */
const imageFolders = ['MLLM_VLM Images', 'MLLM_VLM_Images', 'MMVP_VLM_Images'] as const;
/** The benchmark's own files are .jpg; the rest is for benchmarks that people make. */
const extensions = ['jpg', 'jpeg', 'png', 'webp'] as const;

export interface MmvpBenchmark extends MmvpGrouping {
  rows: MmvpRow[];
  /** Image of each row, as given. */
  images: NamedBlob[];
  warnings: string[];
}

/** The files given are not an MMVP benchmark, or not a whole one. */
export class BenchmarkError extends Error {
  override readonly name = 'BenchmarkError';
}

/**
 * Reads a benchmark folder: `Questions.csv` beside one of the three image folders, images at `<Type>/<id>.jpg` (also
 * .jpeg, .png, .webp), both images of a pair under the first row's Type.
 *
 * @throws BenchmarkError when the folder lacks a part, naming it.
 */
export async function readMmvpFolder(files: readonly NamedBlob[]): Promise<MmvpBenchmark> {
  const questions = files
    .filter((file) => fold(baseName(file.path)) === 'questions.csv')
    .sort((a, b) => depth(a.path) - depth(b.path))[0];
  if (!questions) {
    throw new BenchmarkError(
      'No Questions.csv among the files. Give the whole benchmark folder: Questions.csv and its image folder',
    );
  }
  const rows = readQuestions(await readText(questions));
  const root = questions.path.slice(0, questions.path.length - baseName(questions.path).length);

  const byPath = new Map(files.map((file) => [fold(file.path), file]));
  const folder = imageFolders.find((name) => {
    const prefix = fold(`${root}${name}/`);
    return files.some((file) => fold(file.path).startsWith(prefix));
  });
  if (folder === undefined) {
    throw new BenchmarkError(
      `No image folder beside ${questions.path}. It should be named ${imageFolders.map((name) => `“${name}”`).join(' or ')}`,
    );
  }

  const paired = rows.slice(0, rows.length - (rows.length % 2));
  const missing: string[] = [];
  const images = paired.flatMap((row, i) => {
    const stem = `${root}${folder}/${paired[i - (i % 2)]!.type}/${row.id}`;
    const found = extensions
      .map((ext) => byPath.get(fold(`${stem}.${ext}`)))
      .find((file) => file !== undefined);
    if (!found) missing.push(`${stem}.jpg`);
    return found ? [found] : [];
  });
  if (missing.length > 0) {
    const shown = missing.slice(0, 5).join(', ');
    throw new BenchmarkError(
      `${missing.length} of ${paired.length} images are missing: ${shown}${missing.length > 5 ? ', …' : ''}. ` +
        'Give the whole folder, as downloaded',
    );
  }
  return { rows, images, ...groupPairs(rows), warnings: questionWarnings(rows) };
}

/**
 * The rows of a Questions.csv (columns: Question ID, Type, Statement; the first row is the header).
 *
 * @throws BenchmarkError naming the line that cannot be read.
 */
export function readQuestions(text: string): MmvpRow[] {
  const [header, ...rows] = parseCsv(text);
  if (!header) throw new BenchmarkError('Questions.csv is empty');
  if (/^\s*-?\d+\s*$/.test(header.fields[0] ?? '')) {
    throw new BenchmarkError(
      'Questions.csv has no header. Its first line should be: Question ID,Type,Statement',
    );
  }
  const read = rows.map(({ line, fields }): MmvpRow => {
    const [id = '', type = '', statement = ''] = fields;
    if (fields.length !== 3) {
      throw new BenchmarkError(
        `Questions.csv, line ${line}: ${fields.length} columns instead of 3 (Question ID, Type, Statement). ` +
          'A statement with a comma stands in quotes',
      );
    }
    if (!/^\s*[+-]?\d+\s*$/.test(id)) {
      throw new BenchmarkError(`Questions.csv, line ${line}: the Question ID “${id}” is not a whole number`);
    }
    return { id: Number(id), type, statement };
  });
  if (read.length < 2)
    throw new BenchmarkError('Questions.csv holds no pair: two rows of statements at least');
  return read;
}

async function readText(file: NamedBlob): Promise<string> {
  const bytes = await file.blob.arrayBuffer();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BenchmarkError(`${file.path} is not UTF-8 text. Save it as “CSV UTF-8”`);
  }
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const depth = (path: string): number => path.split('/').length;
/** Archives made on other systems change a name's case or decompose its letters. */
const fold = (path: string): string => path.normalize('NFC').toLowerCase();
