import type { ImagePool } from '../../src/data/image-pool.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { embedTexts, ImageEmbedder } from '../../src/evaluation/embed.ts';
import type { RefineConfig } from '../../src/method/config.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import { factorsOf, mergedWeights } from '../../src/training/merged.ts';
import type { Refinement } from '../../src/training/refine.ts';
import type { PairSimilarities } from '../protocol.ts';
import type { LoadedEncoder } from './models.ts';

/** Weights as the vision tower's own, of those that a run trains: low-rank factors merged. */
type Merge = (trained: ReadonlyMap<string, Uint8Array>) => Promise<ReadonlyMap<string, Uint8Array>>;

/** Follows one pair of a benchmark through a run: how near each statement is to each image by the present weights. */
export class WatchedPair {
  readonly #embedder: ImageEmbedder;
  readonly #pixels: Float32Array;
  /** Unit vectors of both statements, one after the other. */
  readonly #texts: Float32Array;

  static async open(parts: {
    runtime: Runtime;
    cpu: Runtime;
    pool: ImagePool;
    encoder: LoadedEncoder;
    config: RefineConfig;
    /** Whose weights are looked at. */
    refinement: Refinement;
    images: readonly [NamedBlob, NamedBlob];
    statements: readonly [string, string];
  }): Promise<WatchedPair> {
    const { runtime, cpu, pool, encoder, images, statements } = parts;
    const { imageSize, preprocessing } = encoder.folder;
    const pixels = new Float32Array(2 * 3 * imageSize ** 2);
    for (const [i, { path, blob }] of images.entries()) {
      const image = await pool.run((jobs) => jobs.prepare(blob, 'reference', preprocessing));
      if (!image.ok)
        throw new Error(`${path}: ${image.reason}. Replace the file and add the benchmark again`);
      pixels.set(image.value.data, i * 3 * imageSize ** 2);
    }
    const texts = await embedTexts(cpu, encoder.folder, statements.map(mmvpPrompt));
    // A matrix with low-rank factors beside it is not what the run computes with: such ones are merged into a copy.
    const adapted = new Set((await factorsOf(encoder.vision, imageSize, parts.config)).map((f) => f.weight));
    const shared = (name: string) =>
      adapted.has(name) ? undefined : parts.refinement.encoderWeight(name, 'now');
    const embedder = await ImageEmbedder.open(runtime, encoder.vision, { imageSize, batch: 2, shared });
    const own = new Set(embedder.ownWeights);
    const copies = [...adapted, ...parts.refinement.trainable].some((name) => own.has(name));
    const merge = (trained: ReadonlyMap<string, Uint8Array>) =>
      mergedWeights(encoder.vision, imageSize, parts.config, trained);
    return new WatchedPair(embedder, pixels, texts, copies ? merge : undefined);
  }

  /** Absent where every weight that changes is the run's own. */
  readonly #merge: Merge | undefined;

  private constructor(
    embedder: ImageEmbedder,
    pixels: Float32Array,
    texts: Float32Array,
    merge: Merge | undefined,
  ) {
    this.#merge = merge;
    this.#embedder = embedder;
    this.#pixels = pixels;
    this.#texts = texts;
  }

  /**
   * Cosine of statement i with image j.
   *
   * @param trained reads the run's present weights, by their names in checkpoints: asked for where a copy is kept
   */
  async similarities(trained: () => Promise<ReadonlyMap<string, Uint8Array>>): Promise<PairSimilarities> {
    if (this.#merge) this.#embedder.replace(await this.#merge(await trained()));
    const images = await this.#embedder.embed(this.#pixels);
    const { width } = this.#embedder;
    const row = (all: Float32Array, i: number) => all.subarray(i * width, (i + 1) * width);
    const statement = (i: number) => [0, 1].map((j) => cosine(row(this.#texts, i), row(images, j)));
    return [statement(0), statement(1)] as PairSimilarities;
  }

  release(): Promise<void> {
    return this.#embedder.release();
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}
