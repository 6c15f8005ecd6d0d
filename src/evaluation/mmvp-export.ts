import type { NamedBlob } from '../data/named-blob.ts';
import { BenchmarkError } from './mmvp-folder.ts';

/** A pair with a statement for each image. */
export interface WrittenPair {
  /** Pattern: the folder of both images. */
  type: string;
  images: [NamedBlob, NamedBlob];
  statements: [string, string];
}

/**
 * Files of a benchmark in MMVP-VLM's layout: `Questions.csv` and `MLLM_VLM Images/<Type>/<id>.<ext>`, pairs of one type
 * together, ids from 1.
 *
 * @throws BenchmarkError naming the pair that lacks a statement or whose images cannot be part of a benchmark
 */
export function mmvpFiles(pairs: readonly WrittenPair[]): NamedBlob[] {
  if (pairs.length === 0) throw new BenchmarkError('No pair is kept: a benchmark needs at least one');
  const types = [...new Set(pairs.map(({ type }) => type))];
  const sorted = types.flatMap((type) => pairs.filter((pair) => pair.type === type));
  const lines = ['Question ID,Type,Statement'];
  const images: NamedBlob[] = [];
  for (const [index, { type, images: both, statements }] of sorted.entries()) {
    for (const side of [0, 1] as const) {
      const id = 2 * index + side + 1;
      const statement = statements[side].replaceAll(/\s+/g, ' ').trim();
      const { path, blob } = both[side];
      const extension = /\.(jpe?g|png|webp)$/i.exec(path)?.[1]?.toLowerCase();
      if (statement === '')
        throw new BenchmarkError(`${path} has no statement: write one, or discard the pair`);
      if (!extension)
        throw new BenchmarkError(`${path} is no JPEG, PNG or WebP file, which MMVP’s layout asks for`);
      if (/[/\\:*?"<>|]|^\.|^\s*$/.test(type))
        throw new BenchmarkError(`“${type}” cannot be the name of a folder: choose another pattern`);
      lines.push([String(id), type, statement].map(field).join(','));
      images.push({ path: `MLLM_VLM Images/${type}/${id}.${extension}`, blob });
    }
  }
  return [
    { path: 'Questions.csv', blob: new Blob([`${lines.join('\n')}\n`], { type: 'text/csv' }) },
    ...images,
  ];
}

const field = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
