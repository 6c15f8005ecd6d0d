import { ImageEmbedder } from '../../../src/evaluation/embed.ts';
import type { PatchView } from '../../protocol.ts';
import type { EmbeddingParts } from './embeddings.ts';

/** Reads one picture patch by patch, and shows what the encoder was given. */
export async function patchView(
  { runtime, pool, encoder, replaced, mode, signal }: EmbeddingParts,
  path: string,
  blob: Blob,
): Promise<PatchView> {
  const { imageSize, preprocessing } = encoder.folder;
  const prepared = await pool.run((jobs) => jobs.prepare(blob, mode, preprocessing), signal);
  if (!prepared.ok) throw new Error(`${path}: ${prepared.reason}. Choose another picture`);
  const pixels = prepared.value.data;
  const options = { imageSize, batch: 1, replaced, tokens: true };
  const embedder = await ImageEmbedder.open(runtime, encoder.vision, options);
  try {
    const tokens = await embedder.embedTokens(pixels);
    const patches = tokens.length / embedder.width - 1;
    const grid = Math.round(Math.sqrt(patches));
    if (grid * grid !== patches)
      throw new Error(`The encoder has ${patches} patches, which make no square to draw`);
    return { grid, width: embedder.width, tokens, picture: pictureOf(pixels, imageSize, preprocessing) };
  } finally {
    await embedder.release();
  }
}

/** Normalised planes back as pixels. */
function pictureOf(
  pixels: Float32Array,
  size: number,
  { rescale, mean, std }: EmbeddingParts['encoder']['folder']['preprocessing'],
): PatchView['picture'] {
  const data = new Uint8ClampedArray(4 * size * size).fill(255);
  const plane = size * size;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = (pixels[c * plane + i]! * std[c]! + mean[c]!) / rescale;
  }
  return { size, data };
}
