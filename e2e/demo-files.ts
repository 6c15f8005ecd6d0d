import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

/** Contents by path, `/` between parts. */
export type Files = Map<string, Uint8Array>;

const root = new URL('../public/', import.meta.url);

/** The app's own pictures or benchmark. */
export function demoFiles(archive: 'images' | 'benchmark'): Files {
  const entries = Object.entries(unzipSync(readFileSync(new URL(`demo/${archive}.zip`, root))));
  return new Map(entries.filter(([path]) => !path.endsWith('/')));
}

/** The first `count` pictures of the app's set, of every kind of file that it holds. */
export function demoImages(count: number): Files {
  return new Map([...demoFiles('images')].slice(0, count));
}

/** The first pairs of some patterns of the app's benchmark, as a benchmark of its own. */
export function smallBenchmark(patterns: readonly string[], pairs: number): Files {
  const all = demoFiles('benchmark');
  const [header, ...rows] = new TextDecoder().decode(all.get('Questions.csv')!).trimEnd().split(/\r?\n/);
  const chosen = patterns.flatMap((pattern) =>
    rows.filter((row) => row.split(',')[1] === pattern).slice(0, 2 * pairs),
  );
  const files: Files = new Map([
    ['Questions.csv', new TextEncoder().encode(`${[header, ...chosen].join('\n')}\n`)],
  ]);
  for (const row of chosen) {
    const [id, type] = row.split(',');
    const path = `MLLM_VLM Images/${type}/${id}.jpg`;
    files.set(path, all.get(path)!);
  }
  return files;
}

/** Text of a file of a built-in model. */
export const modelText = (path: string): string => readFileSync(new URL(`models/${path}`, root), 'utf8');

/** Bytes of a file of a built-in model. */
export const modelBytes = (path: string): Uint8Array => readFileSync(new URL(`models/${path}`, root));

export function writeFiles(folder: string, files: Files): string {
  for (const [path, bytes] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  return folder;
}

/** Files as a page takes them from a test: paths with their bytes in base64. */
export const base64 = (files: Files) =>
  [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const);
