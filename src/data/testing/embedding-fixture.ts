import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { readOpenClipPreprocessing } from '../open-clip-preprocessing.ts';
import { type Preprocessing, readPreprocessing } from '../preprocess.ts';

/** An encoder whose embeddings of all images are known. */
interface ReferenceEncoder {
  name: string;
  /** Path of the ONNX file: 224 x 224 pixels. */
  model: string;
  preprocessing: Preprocessing;
  /** One L2-normalised row for each image. */
  embeddings: number[][];
}

/**
 * Fifty images of every kind and what transformers and open_clip make of them (tools/reference/embeddings.py); of
 * ACUITY_EMBEDDINGS where that names another folder of that form.
 */
export function embeddingFixture(): {
  images: { name: string; bytes: Uint8Array<ArrayBuffer> }[];
  encoders: ReferenceEncoder[];
} {
  const folder =
    process.env['ACUITY_EMBEDDINGS'] ??
    fileURLToPath(new URL('../../../tools/reference/fixtures/embeddings', import.meta.url));
  const at = (name: string) => resolve(folder, name);
  const told: Record<string, { config: unknown; embeddings: number[][] }> = JSON.parse(
    readFileSync(at('embeddings.json'), 'utf8'),
  );
  return {
    images: Object.entries(unzipSync(readFileSync(at('images.zip')))).map(([name, bytes]) => ({
      name,
      bytes: new Uint8Array(bytes),
    })),
    encoders: Object.entries(told).map(([name, { config, embeddings }]) => ({
      name,
      model: at(`${name}.onnx`),
      preprocessing: name === 'open_clip' ? readOpenClipPreprocessing(config) : readPreprocessing(config),
      embeddings,
    })),
  };
}

/** Largest difference of an embedding, once scaled to length 1, from a row of the fixture. */
export function differenceFrom(row: readonly number[], embedding: Float32Array): number {
  const length = Math.hypot(...embedding);
  return row.reduce((worst, value, i) => Math.max(worst, Math.abs(value - embedding[i]! / length)), 0);
}
