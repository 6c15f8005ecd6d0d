import { normalise } from '../../src/data/preprocess.ts';
import { numbersPerCrop } from '../../src/data/training-crop.ts';
import { embedTexts, ImageEmbedder, TextTower } from '../../src/evaluation/embed.ts';
import { contextOutput } from '../../src/exchange/text-context.ts';
import type { RefineConfig } from '../../src/method/config.ts';
import { type AffineMap, fitTextInverse, type Rows } from '../../src/method/text-inverse.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { neutralSentences } from '../../src/text/sentences.ts';
import { createTokenizer } from '../../src/text/tokenizer.ts';
import type { CropSource } from '../../src/training/crops.ts';
import type { LoadedEncoder, LoadedTeacher } from './models.ts';

/** Images whose embeddings tell the moments of all: their mean and deviations settle long before this. */
const mostImages = 512;
/** Directions matched unless the configuration says otherwise. */
const usualDirections = 24;

export interface TextInverseParts {
  encoder: LoadedEncoder;
  teacher: LoadedTeacher;
  images: CropSource;
  config: RefineConfig;
  /** The caption-free prompt. */
  prompt: string;
}

/**
 * Fits the fixed map from the encoder's embeddings to the teacher's text context before a run: sentences through both
 * text towers, images through the vision tower as it came. No image has a caption.
 */
export async function textInverse(
  runtime: Runtime,
  cpu: Runtime,
  { encoder, teacher, images, config, prompt }: TextInverseParts,
  onProgress?: (label: string, done: number, total: number) => void,
): Promise<AffineMap> {
  const sentences = encoder.folder.sentences ?? neutralSentences();
  const report = (label: string) => (done: number) => onProgress?.(label, done, sentences.length);
  const texts = await embedTexts(cpu, encoder.folder, sentences, report('sentences read by the encoder'));
  const read = await sentenceStates(
    cpu,
    teacher,
    [prompt, ...sentences],
    report('sentences read by the teacher'),
  );
  const { values, width } = read;
  return fitTextInverse({
    images: await imageRows(runtime, encoder, images, (done, total) => onProgress?.('images', done, total)),
    texts: { values: texts, width: texts.length / sentences.length },
    states: { values: values.subarray(width), width },
    emptyState: values.slice(0, width),
    directions: config.directions ?? usualDirections,
  });
}

/** The teacher's text state at each sentence's last token, which in CLIP's text towers has read the whole sentence. */
async function sentenceStates(
  cpu: Runtime,
  { folder }: LoadedTeacher,
  sentences: readonly string[],
  onProgress: (done: number) => void,
): Promise<Rows> {
  const tokenizer = createTokenizer(folder.tokenizer.definition, folder.tokenizer.config);
  const { context } = tokenizer;
  const tower = await TextTower.open(cpu, folder.textEncoder, context, 16, contextOutput(folder));
  try {
    const width = tower.outputShape[1]!;
    const values = new Float32Array(sentences.length * width);
    for (let at = 0; at < sentences.length; at += tower.batch) {
      const part = sentences.slice(at, at + tower.batch);
      const { ids, attentionMask } = tokenizer.encode(part);
      const states = await tower.run(ids, attentionMask);
      for (let i = 0; i < part.length; i++) {
        const last = attentionMask.subarray(i * context, (i + 1) * context).lastIndexOf(1);
        const from = (i * context + last) * width;
        values.set(states.subarray(from, from + width), (at + i) * width);
      }
      onProgress(at + part.length);
    }
    return { values, width };
  } finally {
    await tower.release();
  }
}

/** Embeddings of whole pictures, spread over the set. */
async function imageRows(
  runtime: Runtime,
  { vision, folder }: LoadedEncoder,
  images: CropSource,
  onProgress: (done: number, total: number) => void,
): Promise<Rows> {
  const { imageSize, preprocessing } = folder;
  const count = Math.min(images.count, mostImages);
  const batch = Math.min(16, count);
  const embedder = await ImageEmbedder.open(runtime, vision, { imageSize, batch });
  try {
    const values = new Float32Array(count * embedder.width);
    for (let at = 0; at < count; at += batch) {
      const part = Array.from({ length: Math.min(batch, count - at) }, (_, i) =>
        Math.floor(((at + i) * images.count) / count),
      );
      const crops = await Promise.all(
        part.map((image) =>
          images.crop({
            image,
            scale: 1,
            uniforms: new Array<number>(numbersPerCrop).fill(0),
            teacherSize: imageSize,
            encoderSize: imageSize,
          }),
        ),
      );
      const elements = 3 * imageSize ** 2;
      const pixels = new Float32Array(part.length * elements);
      for (const [i, { encoder }] of crops.entries()) {
        const image = { width: imageSize, height: imageSize, data: encoder };
        normalise(image, preprocessing, pixels, i * elements);
      }
      values.set(await embedder.embed(pixels), at * embedder.width);
      onProgress(at + part.length, count);
    }
    return { values, width: embedder.width };
  } finally {
    await embedder.release();
  }
}
