import { sha256 } from '../data/hash.ts';
import type { MaskFolder } from './mask-folder.ts';
import type { MmvpRow } from './mmvp.ts';

/** Labels by image, captions with their image, or a mask for each image. Plain data: kept beside the files, which need not be read again. */
export type EvaluationContent = {
  images: { path: string; sha256: string }[];
} & (
  | { task: 'classes'; classes: string[]; labels: number[] }
  | { task: 'captions'; captions: string[]; imageOf: number[] }
  | {
      task: 'masks';
      layout: MaskFolder['layout'];
      classes: string[];
      /** One for each image. */
      masks: { path: string; sha256: string }[];
    }
);

/** SHA-256 over one line an image: path, contents and label or mask; for captions one line more each. */
export function setIdentity(content: EvaluationContent): Promise<string> {
  return sha256(new TextEncoder().encode(linesOf(content).join('')));
}

function linesOf(content: EvaluationContent): string[] {
  const images = content.images.map(({ path, sha256: hash }) => `${path}\0${hash}`);
  switch (content.task) {
    case 'classes':
      return images.map((image, i) => `${image}\0${content.classes[content.labels[i]!]}\n`);
    case 'masks':
      return [
        ...images.map((image, i) => `${image}\0${content.masks[i]!.sha256}\n`),
        ...content.classes.map((name) => `${name}\n`),
      ];
    case 'captions':
      return [
        ...images.map((image) => `${image}\n`),
        ...content.captions.map((caption, i) => `${content.imageOf[i]}\0${caption}\n`),
      ];
  }
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
