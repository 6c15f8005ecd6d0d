import type { Model } from '../onnx/model.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { BatchSearch } from './batch-search.ts';
import { type EmbedderOptions, ImageEmbedder } from './embed.ts';

/** Images at a time where none has been measured. */
const usualBatch = 16;
/** Sets of fewer images are done before trying pays. */
const fewestImages = 128;
/** Bytes of inner values alive at once that a batch to try may take. */
const mostBytes = 512 * 2 ** 20;
/** Milliseconds that opening sessions to try may take in all. */
const mostOpening = 2000;

type OpenEmbedder = (batch: number, shared?: EmbedderOptions['shared']) => Promise<ImageEmbedder>;

/** The batches measured, by the sizes of image and output. */
const measured = new WeakMap<Runtime, WeakMap<Model, Map<string, number>>>();

/**
 * An {@link ImageEmbedder} that measures which batch gives the most images a second: the first images of a set are
 * embedded in batches of several sizes, so that nothing is computed twice. The choice is kept as long as the runtime
 * and the model are. Embeddings by another batch differ by rounding alone.
 */
export class TunedEmbedder {
  readonly #open: OpenEmbedder;
  /** The first to be opened, whose weights the others share. */
  readonly #owner: ImageEmbedder;
  readonly #opened: Set<ImageEmbedder>;
  #current: ImageEmbedder;
  /** Undefined when nothing is to be measured. */
  readonly #search: BatchSearch | undefined;
  readonly #settle: (batch: number) => void;
  #opening = 0;

  /** @param options.images how many will be embedded */
  static async open(
    runtime: Runtime,
    vision: Model,
    { images, ...options }: Omit<EmbedderOptions, 'batch' | 'shared'> & { images: number },
  ): Promise<TunedEmbedder> {
    const models = measured.get(runtime) ?? new WeakMap<Model, Map<string, number>>();
    measured.set(runtime, models);
    const choices = models.get(vision) ?? new Map<string, number>();
    models.set(vision, choices);
    const key = `${options.imageSize}${options.tokens ? ' tokens' : ''}`;
    const known = choices.get(key);

    const open: OpenEmbedder = (batch, shared) =>
      ImageEmbedder.open(runtime, vision, { ...options, batch, ...(shared && { shared }) });
    if (known !== undefined || images < fewestImages) {
      return new TunedEmbedder(await open(Math.min(known ?? usualBatch, images)), open);
    }
    const owner = await open(1);
    const { peakBytes, largestBytes } = owner.memory;
    const limits = runtime.device?.device.limits;
    const bound = limits
      ? Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)
      : Number.POSITIVE_INFINITY;
    const search = new BatchSearch(
      (batch) => batch * peakBytes <= mostBytes && batch * largestBytes <= bound,
    );
    return new TunedEmbedder(owner, open, search, (batch) => choices.set(key, batch));
  }

  private constructor(
    owner: ImageEmbedder,
    open: OpenEmbedder,
    search?: BatchSearch,
    settle: (batch: number) => void = () => {},
  ) {
    this.#open = open;
    this.#owner = owner;
    this.#opened = new Set([owner]);
    this.#current = owner;
    this.#search = search;
    this.#settle = settle;
  }

  /** Images to hand over next; while it is being measured, another after each call. */
  get batch(): number {
    return this.#current.batch;
  }

  /** Elements of one embedding. */
  get width(): number {
    return this.#current.width;
  }

  /** As {@link ImageEmbedder.embed}. */
  embed(pixels: Float32Array): Promise<Float32Array> {
    return this.#timed(pixels, (embedder) => embedder.embed(pixels));
  }

  /** As {@link ImageEmbedder.reduceTokens}. */
  reduceTokens(
    pixels: Float32Array,
    reduce: (tokens: Float32Array, index: number) => Float32Array,
  ): Promise<Float32Array> {
    return this.#timed(pixels, (embedder) => embedder.reduceTokens(pixels, reduce));
  }

  async release(): Promise<void> {
    for (const embedder of this.#opened) if (embedder !== this.#owner) await embedder.release();
    await this.#owner.release();
  }

  async #timed(
    pixels: Float32Array,
    run: (embedder: ImageEmbedder) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const started = performance.now();
    const rows = await run(this.#current);
    const taken = performance.now() - started;
    // A rest of a set runs as long as a whole batch.
    const whole = pixels.length === this.batch * this.#current.elements;
    if (whole && this.#search && !this.#search.settled) await this.#record(this.#search, taken);
    return rows;
  }

  async #record(search: BatchSearch, milliseconds: number): Promise<void> {
    search.record(milliseconds);
    if (search.batch > this.batch && this.#opening >= mostOpening) search.settle();
    if (search.batch !== this.batch) this.#current = await this.#of(search.batch);
    if (search.settled) this.#settle(search.best);
    for (const embedder of this.#opened) {
      if (embedder === this.#owner || [search.best, search.batch].includes(embedder.batch)) continue;
      this.#opened.delete(embedder);
      await embedder.release();
    }
  }

  async #of(batch: number): Promise<ImageEmbedder> {
    for (const embedder of this.#opened) if (embedder.batch === batch) return embedder;
    const started = performance.now();
    const embedder = await this.#open(batch, (name) => this.#owner.weight(name));
    this.#opening += performance.now() - started;
    this.#opened.add(embedder);
    return embedder;
  }
}
