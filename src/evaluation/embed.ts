import type { EncoderFolder } from '../exchange/encoder-folder.ts';
import { promoteTokens } from '../method/tokens.ts';
import { liftWeights } from '../onnx/lift-weights.ts';
import { type Liveness, liveness } from '../onnx/liveness.ts';
import type { Model, Tensor, TypedGraph } from '../onnx/model.ts';
import { simplify } from '../onnx/passes/simplify.ts';
import { specialise } from '../onnx/specialise.ts';
import { graphSession } from '../runtime/graph-session.ts';
import type { Priority } from '../runtime/queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Session } from '../runtime/session.ts';
import { bytesOf, type DeviceTensor, describeType, isGpuTensor } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weights.ts';
import { createTokenizer, type TokenBatch, truncationNotice } from '../text/tokenizer.ts';

export interface EmbedderOptions {
  imageSize: number;
  /** Images at a time. */
  batch: number;
  /** Weights that differ from the file's, by initialiser name: those of a checkpoint. */
  replaced?: ReadonlyMap<string, Uint8Array>;
  /**
   * Weights that lie where the runtime computes already, by initialiser name, such as those that a run trains: they
   * are read as they are at each embedding, and stay their owner's. One of another type than the tower's is not taken.
   */
  shared?: (name: string) => DeviceTensor | undefined;
  /** Keeps every token in reach, for {@link ImageEmbedder.embedTokens}. */
  tokens?: boolean;
  /** Its turn among all that compute. Default `evaluation`: a run that trains goes first. */
  priority?: Priority;
}

/** A vision tower that embeds batches of preprocessed images; its weights can be exchanged between batches. */
export class ImageEmbedder {
  readonly batch: number;
  /** Elements of one embedding. */
  readonly width: number;
  /** Of its inner values. */
  readonly memory: Liveness;
  readonly #runtime: Runtime;
  readonly #session: Session;
  /** Weights of its own: those that are not shared. */
  readonly #weights: WeightStore;
  readonly #feeds: ReadonlyMap<string, DeviceTensor>;
  readonly #original: ReadonlyMap<string, Tensor>;
  readonly #input: { name: string; shape: readonly number[] };
  readonly #output: string;
  /** Tokens of an image in the output, of which the class token is taken. */
  readonly #tokens: number;

  /** @param vision the vision tower */
  static async open(runtime: Runtime, vision: Model, options: EmbedderOptions): Promise<ImageEmbedder> {
    const { batch, imageSize } = options;
    const name = vision.graph.inputs[0]!.name;
    const shape = [batch, 3, imageSize, imageSize];
    const pooled = simplify(await specialise(vision, { shapes: { [name]: shape } }));
    const graph = options.tokens ? endingInTokens(pooled) : pooled;
    const output = options.tokens ? graph.outputs[0]!.name : embeddingOutput(graph);
    const made = graph.types.get(output)!.shape;
    const width = made.at(-1)!;
    const tokens = made.length === 3 ? made[1]! : 1;
    const lifted = liftWeights(graph);
    const weights = new WeightStore(runtime);
    const feeds = new Map<string, DeviceTensor>();
    try {
      for (const [weight, tensor] of lifted) {
        const shared = options.shared?.(weight);
        const fits = shared && describeType(shared) === describeType(tensor);
        feeds.set(weight, fits ? shared : await weights.load(weight, tensor));
      }
      const session = await graphSession(runtime, graph, {
        name: 'image embedding',
        hostOutputs: [output],
        priority: options.priority ?? 'evaluation',
      });
      const embedder = new ImageEmbedder(runtime, session, {
        weights,
        feeds,
        lifted,
        batch,
        width,
        memory: liveness(graph),
        tokens,
        input: { name, shape },
        output,
      });
      embedder.replace(options.replaced ?? new Map());
      return embedder;
    } catch (error) {
      weights.release();
      throw error;
    }
  }

  private constructor(
    runtime: Runtime,
    session: Session,
    made: {
      weights: WeightStore;
      feeds: ReadonlyMap<string, DeviceTensor>;
      lifted: ReadonlyMap<string, Tensor>;
      batch: number;
      width: number;
      memory: Liveness;
      tokens: number;
      input: { name: string; shape: readonly number[] };
      output: string;
    },
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#weights = made.weights;
    this.#feeds = made.feeds;
    this.#original = made.lifted;
    this.batch = made.batch;
    this.width = made.width;
    this.memory = made.memory;
    this.#tokens = made.tokens;
    this.#input = made.input;
    this.#output = made.output;
  }

  /** Names of the weights that {@link ImageEmbedder.open} takes replacements for. */
  get weightNames(): string[] {
    return [...this.#original.keys()];
  }

  /** Names of the weights that it holds a copy of. */
  get ownWeights(): string[] {
    return this.#weights.names();
  }

  /** Where a weight lies, for another embedder to share; it stays this one's. */
  weight(name: string): DeviceTensor | undefined {
    return this.#feeds.get(name);
  }

  /** Elements of the pixels of one image. */
  get elements(): number {
    return this.#input.shape.slice(1).reduce((n, d) => n * d, 1);
  }

  /** Exchanges weights by initialiser name; names of other graphs, and shared weights, are passed over. */
  replace(weights: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, bytes] of weights) if (this.#weights.has(name)) this.#weights.write(name, bytes);
  }

  /**
   * @param pixels [count, 3, size, size] with count at most `batch`, normalised
   * @returns [count, width], not L2-normalised
   */
  async embed(pixels: Float32Array): Promise<Float32Array> {
    const floats = await this.embedTokens(pixels);
    if (this.#tokens === 1) return floats;
    const stride = this.#tokens * this.width;
    const picked = new Float32Array((floats.length / stride) * this.width);
    for (let i = 0; i * stride < floats.length; i++)
      picked.set(floats.subarray(i * stride, i * stride + this.width), i * this.width);
    return picked;
  }

  /**
   * Every token of images, the class token first, then patches in reading order.
   *
   * @param pixels as for {@link ImageEmbedder.embed}
   * @returns [count, tokens, width], not L2-normalised
   */
  async embedTokens(pixels: Float32Array): Promise<Float32Array> {
    const perImage = this.elements;
    const count = pixels.length / perImage;
    if (!Number.isInteger(count) || count > this.batch) {
      throw new RangeError(`${pixels.length} values are not at most ${this.batch} images of ${perImage}`);
    }
    const full = new Float32Array(this.batch * perImage);
    full.set(pixels);
    const feeds = new Map(this.#feeds);
    const image = this.#runtime.upload(
      { dtype: 'float32', shape: this.#input.shape },
      new Uint8Array(full.buffer),
    );
    feeds.set(this.#input.name, image);
    try {
      const result = (await this.#session.run(feeds, [this.#output])).get(this.#output)!;
      return hostFloats(result).slice(0, count * this.#tokens * this.width);
    } finally {
      this.#runtime.release(image);
    }
  }

  /**
   * Makes one row of each image's tokens, so that the tokens of a few images alone are in memory.
   *
   * @param pixels as for {@link ImageEmbedder.embed}
   * @param reduce of [tokens, width] of the image at an index of this batch; rows of equal width
   * @returns [count, width of a row]
   */
  async reduceTokens(
    pixels: Float32Array,
    reduce: (tokens: Float32Array, index: number) => Float32Array,
  ): Promise<Float32Array> {
    const all = await this.embedTokens(pixels);
    const stride = this.#tokens * this.width;
    const rows: Float32Array[] = [];
    for (let at = 0; at < all.length; at += stride)
      rows.push(reduce(all.subarray(at, at + stride), rows.length));
    return concatenate(rows);
  }

  async release(): Promise<void> {
    await this.#session.release();
    this.#weights.release();
  }
}

/** The graph that ends in all tokens, projected as the class token is. */
function endingInTokens(pooled: TypedGraph): TypedGraph {
  const { graph, tokens } = promoteTokens(pooled);
  const { dtype, shape } = graph.types.get(tokens)!;
  return simplify({ ...graph, outputs: [{ name: tokens, dtype, shape: [...shape] }] });
}

/**
 * The output that stands for the image: CLIP's `image_embeds`, else a pooled one, else the tokens that DINOv2's exports
 * end in, `last_hidden_state`, of which the class token is meant.
 */
function embeddingOutput({ outputs, types }: TypedGraph): string {
  const named = (name: string) => outputs.find((output) => output.name === name);
  const rank = (size: number) => outputs.findLast((output) => types.get(output.name)?.shape.length === size);
  return (
    named('image_embeds') ??
    named('pooler_output') ??
    rank(2) ??
    named('last_hidden_state') ??
    outputs.at(-1)!
  ).name;
}

/**
 * Embeds texts with an encoder's text tower. The tower is small and its token ids are int64, which the WebGPU
 * provider does not take: give a runtime on the processor.
 *
 * @returns [texts, width], not L2-normalised
 */
export async function embedTexts(
  runtime: Runtime,
  encoder: Pick<EncoderFolder, 'text' | 'tokenizer' | 'name'>,
  texts: readonly string[],
  onProgress?: (done: number) => void,
): Promise<Float32Array> {
  if (!encoder.text || !encoder.tokenizer) {
    throw new Error(
      `${encoder.name} has no text side. Add onnx/text_model.onnx and tokenizer.json to its folder to score it`,
    );
  }
  const tokenizer = createTokenizer(encoder.tokenizer.definition, encoder.tokenizer.config);
  const tower = await TextTower.open(
    runtime,
    encoder.text.model,
    tokenizer.context,
    Math.min(16, texts.length),
  );
  try {
    const rows: Float32Array[] = [];
    for (let at = 0; at < texts.length; at += tower.batch) {
      const { ids, attentionMask } = tokenizer.encode(texts.slice(at, at + tower.batch));
      rows.push(await tower.run(ids, attentionMask));
      onProgress?.(Math.min(texts.length, at + tower.batch));
    }
    return concatenate(rows);
  } finally {
    await tower.release();
  }
}

/** Which texts are longer than the encoder reads, in one sentence; undefined when none is. */
export function longTexts(
  { tokenizer }: Pick<EncoderFolder, 'tokenizer'>,
  texts: readonly string[],
): string | undefined {
  if (!tokenizer) return undefined;
  const unique = [...new Set(texts)];
  const read = createTokenizer(tokenizer.definition, tokenizer.config);
  const cut: TokenBatch['truncated'] = [];
  for (const [text, content] of unique.entries()) {
    for (const { tokens } of read.encode([content]).truncated) cut.push({ text, tokens });
  }
  return truncationNotice({ truncated: cut, shape: [unique.length, read.context] }, unique);
}

/** A text tower at a fixed batch size and context length. */
export class TextTower {
  readonly batch: number;
  /** Shape of the output for one text. */
  readonly outputShape: readonly number[];
  readonly #session: Session;
  readonly #context: number;
  readonly #output: string;
  readonly #runtime: Runtime;

  /** @param output name of the wanted output; default: `text_embeds`, else the first */
  static async open(
    runtime: Runtime,
    text: Model,
    context: number,
    batch: number,
    output = text.graph.outputs.find((o) => o.name === 'text_embeds')?.name ?? text.graph.outputs[0]!.name,
  ): Promise<TextTower> {
    const shapes = Object.fromEntries(text.graph.inputs.map(({ name }) => [name, [batch, context]]));
    const graph = await specialise(text, { shapes });
    const shape = graph.types.get(output)!.shape;
    const session = await graphSession(runtime, graph, {
      name: 'text tower',
      hostOutputs: [output],
      priority: 'evaluation',
    });
    return new TextTower(runtime, session, { context, batch, output, outputShape: shape.slice(1) });
  }

  private constructor(
    runtime: Runtime,
    session: Session,
    made: { context: number; batch: number; output: string; outputShape: readonly number[] },
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#context = made.context;
    this.batch = made.batch;
    this.#output = made.output;
    this.outputShape = made.outputShape;
  }

  /**
   * @param ids [texts, context] token ids, at most `batch` texts
   * @param mask same shape: 1 for tokens, 0 for padding
   * @returns [texts, ...outputShape]
   */
  async run(ids: Int32Array, mask: Int32Array): Promise<Float32Array> {
    const texts = ids.length / this.#context;
    const feeds = new Map<string, DeviceTensor>();
    for (const [name, slot] of this.#session.inputs) {
      const values = new Int32Array(this.batch * this.#context);
      values.set(/mask/i.test(name) ? mask : ids);
      const type = {
        dtype: slot.dtype === 'int32' ? 'int32' : 'int64',
        shape: [this.batch, this.#context],
      } as const;
      const bytes =
        type.dtype === 'int32'
          ? new Uint8Array(values.buffer)
          : new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
      feeds.set(name, this.#runtime.upload(type, bytes));
    }
    const result = (await this.#session.run(feeds, [this.#output])).get(this.#output)!;
    return hostFloats(result).slice(0, texts * this.outputShape.reduce((n, d) => n * d, 1));
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

/** The elements of a float32 tensor in main memory. */
function hostFloats(tensor: DeviceTensor): Float32Array {
  if (isGpuTensor(tensor)) throw new TypeError('The result was left on the GPU');
  return new Float32Array(bytesOf(tensor).slice().buffer);
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
