import { sha256 } from '../data/hash.ts';
import type { MmvpRow } from './mmvp.ts';

/** Labels by image, or captions with their image. Plain data: kept beside the files, which need not be read again. */
export type EvaluationContent = {
  images: { path: string; sha256: string }[];
} & (
  | { task: 'classes'; classes: string[]; labels: number[] }
  | { task: 'captions'; captions: string[]; imageOf: number[] }
);

/** SHA-256 over one line an image: path, contents and label; for captions one line more each. */
export function setIdentity(content: EvaluationContent): Promise<string> {
  const { images } = content;
  const lines =
    content.task === 'classes'
      ? images.map(
          ({ path, sha256: hash }, i) => `${path}\0${hash}\0${content.classes[content.labels[i]!]}\n`,
        )
      : [
          ...images.map(({ path, sha256: hash }) => `${path}\0${hash}\n`),
          ...content.captions.map((caption, i) => `${content.imageOf[i]}\0${caption}\n`),
        ];
  return sha256(new TextEncoder().encode(lines.join('')));
}

/** Names a benchmark by its statements and the contents of its images, as 16 hexadecimal digits. */
export async function benchmarkIdentity(
  rows: readonly MmvpRow[],
  imageHashes: readonly string[],
): Promise<string> {
  const lines = rows.map(
    ({ id, type, statement }, i) => `${id}\t${type}\t${statement}\t${imageHashes[i] ?? ''}`,
  );
  return (await sha256(new TextEncoder().encode(lines.join('\n')))).slice(0, 16);
}
