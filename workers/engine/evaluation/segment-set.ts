import type { Preprocessing } from '../../../src/data/preprocess.ts';
import { ImageEmbedder } from '../../../src/evaluation/embed.ts';
import type { LabelledSegmentation } from '../../../src/evaluation/evaluation.ts';
import { maskLabels, unknownLabel } from '../../../src/evaluation/mask-folder.ts';
import { SegmentationTally, segment } from '../../../src/evaluation/segmentation.ts';
import { classEmbeddings } from '../../../src/evaluation/zero-shot.ts';
import { classPrompts } from '../../../src/text/templates/templates.ts';
import { type EmbeddingParts, embedPrompts, progressOf } from './embeddings.ts';
import type { EvaluationSet } from './sets.ts';

/** Segments every picture that has a mask, and sums up intersections and unions over all of them. */
export async function segmentSet(
  parts: EmbeddingParts,
  { content, files }: EvaluationSet,
  templates: readonly string[],
): Promise<LabelledSegmentation | undefined> {
  if (content.task !== 'masks') return undefined;
  const { runtime, pool, encoder, replaced, signal, mode } = parts;
  const { layout, classes, images } = content;
  const prompts = await embedPrompts(parts, classPrompts(classes, templates));
  const heads = classEmbeddings(prompts, classes.length, templates.length);
  const { imageSize, preprocessing } = encoder.folder;
  // The whole picture is squeezed into the encoder's square, so that every pixel of the mask is seen.
  const whole: Preprocessing = {
    ...preprocessing,
    centerCrop: null,
    resize: { width: imageSize, height: imageSize },
  };
  const raw: Preprocessing = {
    ...preprocessing,
    centerCrop: null,
    resize: null,
    rescale: 1,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  };
  const tally = new SegmentationTally(classes.length);
  const tell = progressOf(parts, 'masks', images.length);
  const options = { imageSize, batch: 1, replaced, tokens: true };
  const embedder = await ImageEmbedder.open(runtime, encoder.vision, options);
  try {
    for (const i of images.keys()) {
      signal.throwIfAborted();
      const [image, mask] = [files[i]!, files[images.length + i]!];
      const [picture, truth] = await Promise.all([
        pool.run((jobs) => jobs.prepare(image.blob, mode, whole), signal),
        pool.run((jobs) => jobs.prepare(mask.blob, 'reference', raw), signal),
      ]);
      if (!picture.ok) throw new Error(`${image.path}: ${picture.reason}. Replace the file or leave it out`);
      if (!truth.ok) throw new Error(`${mask.path}: ${truth.reason}. Replace the file or leave it out`);
      const tokens = await embedder.embedTokens(picture.value.data);
      const grid = Math.round(Math.sqrt(tokens.length / embedder.width - 1));
      const [, height, width] = truth.value.shape;
      const plane = height * width;
      const channel = (c: number) => truth.value.data.subarray(c * plane, (c + 1) * plane);
      const labels = maskLabels(layout, channel(0), channel(1), channel(2));
      const unknown = unknownLabel(labels, classes.length);
      if (unknown) throw new Error(`${mask.path} ${unknown}`);
      tally.add(segment(tokens, grid, heads, { width, height }), labels);
      tell(i + 1);
    }
  } finally {
    await embedder.release();
  }
  const { iou, ...score } = tally.score();
  return {
    images: images.length,
    ...score,
    classes: classes.map((name, i) => ({ name, iou: iou[i] })),
  };
}
