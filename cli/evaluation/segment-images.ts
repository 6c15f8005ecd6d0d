import { decodeImage } from '../../src/data/decode.ts';
import { createImageJobs } from '../../src/data/image-jobs.ts';
import { ImageEmbedder } from '../../src/evaluation/embed.ts';
import type { EmbeddingTable } from '../../src/evaluation/embeddings.ts';
import type { LabelledSegmentation } from '../../src/evaluation/evaluation.ts';
import { type MaskFolder, maskLabels, unknownLabel } from '../../src/evaluation/mask-folder.ts';
import { BenchmarkError } from '../../src/evaluation/mmvp-folder.ts';
import { SegmentationTally, segment } from '../../src/evaluation/segmentation.ts';
import { nodeDecoder } from '../node-decoder.ts';
import { counter, type EncoderParts } from './parts.ts';

/**
 * Scores zero-shot segmentation at each mask's own size. The whole picture is squeezed into the encoder's square, so
 * that every pixel of the mask is seen.
 *
 * @param classes rows of length 1, one for each of the label list
 * @throws BenchmarkError naming a file that cannot be read
 */
export async function segmentImages(
  parts: EncoderParts,
  data: MaskFolder,
  classes: EmbeddingTable,
): Promise<LabelledSegmentation> {
  const { runtime, encoder, mode } = parts;
  const { imageSize, vision } = encoder;
  const tell = counter(parts, 'mask', data.pairs.length);
  const preprocessing = {
    ...encoder.preprocessing,
    resize: { width: imageSize, height: imageSize },
    centerCrop: null,
  };
  const jobs = createImageJobs(nodeDecoder);
  const embedder = await ImageEmbedder.open(runtime, vision, { imageSize, batch: 1, tokens: true });
  const tally = new SegmentationTally(data.classes.length);
  try {
    for (const [i, { image, mask }] of data.pairs.entries()) {
      const { path, blob } = image;
      const prepared = await jobs.prepare(blob, mode, preprocessing);
      if (!prepared.ok) throw new BenchmarkError(`${path}: ${prepared.reason}`);
      const tokens = await embedder.embedTokens(prepared.value.data);
      const side = Math.sqrt(tokens.length / embedder.width - 1);
      const drawn = await decodeImage(
        new Uint8Array(await mask.blob.arrayBuffer()),
        'reference',
        nodeDecoder,
      );
      const truth = maskLabels(
        data.layout,
        channel(drawn.data, 0),
        channel(drawn.data, 1),
        channel(drawn.data, 2),
      );
      const unknown = unknownLabel(truth, data.classes.length);
      if (unknown) throw new BenchmarkError(`${mask.path} ${unknown}`);
      tally.add(segment(tokens, side, classes, drawn), truth);
      await tell(i + 1);
    }
    const { iou, ...score } = tally.score();
    const named = data.classes.map((name, i) => ({ name, iou: iou[i] }));
    return { images: data.pairs.length, ...score, classes: named };
  } finally {
    await embedder.release();
  }
}

/** One of the three channels of RGB bytes. */
const channel = (data: ArrayLike<number>, at: number): Uint8Array =>
  Uint8Array.from({ length: data.length / 3 }, (_, i) => data[3 * i + at]!);
