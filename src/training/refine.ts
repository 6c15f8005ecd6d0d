import { fillSelection } from '../method/condition.ts';
import type { RefineConfig } from '../method/config.ts';
import type { NoiseSchedule } from '../method/noise.ts';
import type { AffineMap } from '../method/text-inverse.ts';
import { anchorOutput, lossOutput, type TrainingGraph } from '../method/training-graph.ts';
import type { Tensor, TensorType } from '../onnx/model.ts';
import { tensorOf } from '../onnx/tensors.ts';
import { graphSession } from '../runtime/graph-session.ts';
import type { OptimizerState, StepReport } from '../runtime/optimizer.ts';
import { GpuRandom } from '../runtime/random-gpu.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Session } from '../runtime/session.ts';
import { byteLengthOf, type DeviceTensor, isGpuTensor } from '../runtime/tensor.ts';
import { WeightAverage } from '../runtime/weight-average.ts';
import { WeightStore } from '../runtime/weights.ts';
import { checkGradients } from './diagnosis.ts';
import { Draws } from './draws.ts';
import { LossScale } from './loss-scale.ts';
import { projections, Stages } from './stages.ts';
import { type View, type ViewParts, Views } from './views.ts';

/** What one optimiser step did. */
export interface RefineStep {
  /** From 1. */
  step: number;
  /** Mean over the passes of the step. */
  loss: number;
  /** Loss of the anchor, unweighted, likewise; absent in runs without one. */
  anchor?: number;
  /** Before clipping. */
  gradientNorm: number;
  learningRate: number;
  /**
   * L2 norm of the change of all trained weights since the run began: of the factors with LoRA. Absent where the run
   * does not measure it.
   */
  drift?: number;
  /** What the gradients were multiplied by on their way, in runs that compute in float16. */
  lossScale?: number;
  /** Updates skipped since the run began, because a gradient overflowed at the scale of the time; likewise. */
  skipped?: number;
  /** Wall-clock milliseconds. */
  ms: number;
}

export interface RefinementParts extends ViewParts {
  runtime: Runtime;
  network: TrainingGraph;
  /** For the steps in which the projection trains alone; without it they run the whole network. */
  projectionNetwork?: TrainingGraph;
  config: RefineConfig;
  latentShape: readonly [number, number, number];
  /** The layer between encoder and teacher, where the run does not train one of its own. */
  projection?: AffineMap;
  schedule: NoiseSchedule;
  /** The prompt's text context, [1, tokens, width]. */
  prompt: Float32Array;
  /** Told while weights are read, in bytes. */
  onProgress?: (done: number, total: number) => void;
  /** Ends the loading of weights. */
  signal?: AbortSignal | undefined;
}

/** Everything that, with the configuration, continues a run exactly. */
export interface RefinementState {
  /** Optimiser steps done. */
  step: number;
  /** Trained weights: the encoder's by their names in its file, and `visual_proj.weight`, `visual_proj.bias`. */
  weights: Map<string, Uint8Array<ArrayBuffer>>;
  optimizer: OptimizerState;
  /** The moving average of the weights, by the same names, in runs that keep one. */
  average?: Map<string, Uint8Array<ArrayBuffer>>;
  /** The loss scale with its counts, in runs that compute in float16. */
  lossScale?: Uint8Array<ArrayBuffer>;
}

/**
 * One DIVA refinement on one runtime: draws, passes, optimiser. Calls must not overlap; `step()` is one optimiser step.
 */
export class Refinement {
  readonly #parts: RefinementParts;
  /** The session of the stage in work. */
  #stage: { network: TrainingGraph; session: Session } | undefined;
  readonly #weights: WeightStore;
  readonly #start: WeightStore | undefined;
  readonly #stages: Stages;
  readonly #average: WeightAverage | undefined;
  /** Of runs that compute in float16. */
  readonly #lossScale: LossScale | undefined;
  readonly #draws: Draws;
  readonly #views: Views;
  readonly #gradients: ReadonlyMap<string, DeviceTensor>;
  readonly #loss: DeviceTensor;
  readonly #anchor: DeviceTensor | undefined;
  readonly #weightFeeds: Map<string, DeviceTensor>;
  readonly #prompt: DeviceTensor;
  #done = 0;
  #ahead: { step: number; views: Promise<View[]> } | undefined;

  /** Loads the weights, makes the session and the optimiser. */
  static async open(parts: RefinementParts): Promise<Refinement> {
    const { runtime, network, config } = parts;
    const weights = new WeightStore(runtime);
    try {
      const draws = new Draws(config, parts.images.count);
      const initial = parts.projection ?? draws.projection(network.tokenWidth, network.contextWidth);
      const all = new Map<string, Tensor>([
        ...network.weights,
        [
          'visual_proj.weight',
          tensorOf('float32', [network.tokenWidth, network.contextWidth], initial.weight),
        ],
        ['visual_proj.bias', tensorOf('float32', [network.contextWidth], initial.bias)],
      ]);
      const total = [...all.values()].reduce((sum, tensor) => sum + byteLengthOf(tensor), 0);
      let done = 0;
      const onProgress = (bytes: number) => {
        done += bytes;
        parts.onProgress?.(done, total);
      };
      for (const [name, tensor] of all) {
        await weights.load(name, tensor, { onProgress, signal: parts.signal });
      }
      const refinement = new Refinement(parts, weights, draws);
      try {
        await refinement.#enter(0);
        parts.signal?.throwIfAborted();
      } catch (error) {
        await refinement.release();
        throw error;
      }
      return refinement;
    } catch (error) {
      weights.release();
      throw error;
    }
  }

  private constructor(parts: RefinementParts, weights: WeightStore, draws: Draws) {
    const { runtime, network, config } = parts;
    this.#parts = parts;
    this.#weights = weights;
    this.#draws = draws;
    this.#views = new Views(parts);
    const trained = [...network.gradients.keys()];
    this.#start = config.drift === 'unmeasured' ? undefined : weights.clone(trained);
    this.#stages = new Stages(runtime, config, trained, weights, this.#start);
    const decay = config.average ?? 0;
    this.#average = decay > 0 ? new WeightAverage(runtime, weights, trained, decay) : undefined;
    this.#lossScale = config.precision === 'float16' ? new LossScale() : undefined;
    this.#gradients = new Map(trained.map((name) => [name, runtime.allocate(weights.get(name))]));
    this.#loss = runtime.allocate(network.graph.types.get(lossOutput)!);
    this.#anchor = network.feeds.anchor
      ? runtime.allocate(network.graph.types.get(anchorOutput)!)
      : undefined;
    this.#weightFeeds = new Map(weights.names().map((name) => [name, weights.get(name)]));
    this.#prompt = this.#upload(network.feeds.prompt, parts.prompt);
  }

  /** Optimiser steps done. */
  get step(): number {
    return this.#done;
  }

  /** Names of the trained encoder weights, as in the encoder's file. */
  get trainable(): readonly string[] {
    return this.#parts.network.trainable;
  }

  /**
   * One optimiser step: every image of the effective batch, every noise draw, one update.
   * Throws a GradientFault that names the block where it began when the gradient is zero or not finite, in float16 at
   * any loss scale; the weights are then as they were.
   *
   * @param inspect is given the gradients of each pass before the optimiser sees them
   */
  async next(inspect?: (gradients: ReadonlyMap<string, DeviceTensor>) => Promise<void>): Promise<RefineStep> {
    const started = performance.now();
    const step = this.#done;
    await this.#enter(step);
    let taken = await this.#attempt(step, inspect);
    // The update changed nothing; what is drawn for a step depends on its number alone.
    while (Number.isFinite(taken.loss) && !taken.report.finite && this.#lossScale?.lower())
      taken = await this.#attempt(step, inspect);
    const { loss, anchor, report } = taken;
    checkGradients({ step: step + 1, loss, report, blockOf: this.#parts.network.blockOf });
    this.#average?.update();
    this.#lossScale?.succeed();
    this.#done = step + 1;
    return {
      step: this.#done,
      loss,
      ...(this.#anchor ? { anchor } : {}),
      gradientNorm: report.gradientNorm,
      learningRate: this.#stages.learningRate(step),
      ...(report.drift === null ? {} : { drift: report.drift }),
      ...(this.#lossScale && { lossScale: taken.scale, skipped: this.#lossScale.skipped }),
      ms: performance.now() - started,
    };
  }

  /** Takes a step with the present loss scale; an update by gradients that are not finite changes nothing. */
  async #attempt(
    step: number,
    inspect?: (gradients: ReadonlyMap<string, DeviceTensor>) => Promise<void>,
  ): Promise<Losses & { report: StepReport; scale: number }> {
    const { config } = this.#parts;
    const scale = this.#lossScale?.value ?? 1;
    const reads: Promise<Losses>[] = [];
    for (let part = 0; part < config.accumulate; part++) {
      const images = await this.#take(step, part);
      for (let draw = 0; draw < config.drawsPerImage; draw++) {
        reads.push((await this.#pass(step, part, draw, images)).losses);
        await inspect?.(this.#written());
        await this.#stages.accumulate(step, this.#written());
      }
    }
    const update = await this.#stages.update(step, scale);
    // The step is on its way: images and latents of the next one are made while the GPU works.
    if (step + 1 < config.steps) this.#prepare(step + 1);
    const losses = await Promise.all(reads);
    return {
      loss: mean(losses.map((each) => each.loss)),
      anchor: mean(losses.map((each) => each.anchor)),
      report: await update.read(),
      scale,
    };
  }

  /** The weights and the optimiser as they are between two steps. */
  async state(): Promise<RefinementState> {
    const weights = await this.#read(this.#weights);
    const optimizer = await this.#stages.state(this.#done);
    const average = this.#average ? { average: await this.#read(this.#average) } : {};
    const lossScale = this.#lossScale ? { lossScale: this.#lossScale.bytes() } : {};
    return { step: this.#done, weights, optimizer, ...average, ...lossScale };
  }

  /**
   * The trained weights as they are between two steps, by their names in checkpoints: what scoring takes. Their moving
   * average in runs that keep one.
   */
  weights(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    return this.#read(this.#average ?? this.#weights);
  }

  /**
   * An encoder weight where the run computes, for sessions beside the training: its owner stays the run, which changes
   * it in place.
   *
   * @param name as in the encoder's file
   * @param when as it came, or as {@link weights} tells it
   * @returns undefined where it stays inside the training model, or where the run keeps no such copy of it
   */
  encoderWeight(name: string, when: 'start' | 'now'): DeviceTensor | undefined {
    const inner = `encoder/${name}`;
    const trained = this.#parts.network.gradients.has(inner);
    const store = !trained
      ? this.#weights
      : when === 'start'
        ? this.#start
        : (this.#average ?? this.#weights);
    return store?.has(inner) ? store.get(inner) : undefined;
  }

  async #read(from: Pick<WeightStore, 'read'>): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    const weights = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const name of this.#parts.network.gradients.keys()) {
      weights.set(fileName(name), await from.read(name));
    }
    return weights;
  }

  /** Goes back (or on) to a saved state. */
  async restore(state: RefinementState): Promise<void> {
    for (const name of this.#parts.network.gradients.keys()) {
      const bytes = state.weights.get(fileName(name));
      if (!bytes)
        throw new Error(`The checkpoint lacks the weight "${fileName(name)}": it belongs to another encoder`);
      this.#weights.write(name, bytes);
      this.#average?.write(name, state.average?.get(fileName(name)) ?? bytes);
    }
    this.#ahead = undefined;
    if (state.lossScale) this.#lossScale?.restore(state.lossScale);
    await this.#stages.restore(state.step, state.optimizer);
    this.#done = state.step;
  }

  async release(): Promise<void> {
    await this.#ahead?.views.catch(() => undefined);
    await this.#stage?.session.release();
    this.#stages.release();
    this.#weights.release();
    this.#start?.release();
    this.#average?.release();
    this.#parts.runtime.release(this.#prompt);
    for (const tensor of [this.#loss, ...(this.#anchor ? [this.#anchor] : []), ...this.#gradients.values()])
      this.#parts.runtime.release(tensor);
  }

  #batch(step: number, part: number): Promise<View[]> {
    const { batchSize } = this.#parts.config;
    const slots = Array.from({ length: batchSize }, (_, i) => part * batchSize + i);
    return this.#views.batch(
      slots.map((slot) => ({
        image: this.#draws.image(step, slot),
        uniforms: [...this.#draws.crop(step, slot)],
      })),
    );
  }

  /** Makes the session of the stage that a step belongs to, and ends that of the stage before. */
  async #enter(step: number): Promise<void> {
    const { runtime, config, projectionNetwork, network: whole } = this.#parts;
    const network = step < (config.projectorWarmup ?? 0) ? (projectionNetwork ?? whole) : whole;
    if (this.#stage?.network === network) return;
    await this.#stage?.session.release();
    this.#stage = undefined;
    const session = await graphSession(runtime, network.graph, { name: 'training' });
    this.#stage = { network, session };
  }

  /** The gradients that the stage in work computes. */
  #written(): Map<string, DeviceTensor> {
    const { gradients } = this.#stage!.network;
    return new Map([...gradients.keys()].map((name) => [name, this.#gradients.get(name)!]));
  }

  /** Images of the first part of a coming step. */
  #prepare(step: number): void {
    const views = this.#batch(step, 0);
    // Whoever takes them hears of a failure.
    views.catch(() => undefined);
    this.#ahead = { step, views };
  }

  #take(step: number, part: number): Promise<View[]> {
    const ahead = this.#ahead;
    if (part > 0 || ahead?.step !== step) return this.#batch(step, part);
    this.#ahead = undefined;
    return ahead.views;
  }

  /**
   * Submits one run of the training graph: its gradients are written in place. The losses, copied out behind it in the
   * device's queue, are promised: nothing waits for them within the step.
   */
  async #pass(
    step: number,
    part: number,
    draw: number,
    images: readonly View[],
  ): Promise<{ losses: Promise<Losses> }> {
    const { runtime } = this.#parts;
    const { network, session } = this.#stage!;
    const feeds = new Map([...this.#weightFeeds].filter(([name]) => session.inputs.has(name)));
    feeds.set(network.feeds.prompt, this.#prompt);
    const values = this.#feedsOf(step, part, draw, images);
    const made = new Map<string, DeviceTensor>();
    for (const [name, data] of Object.entries(values)) made.set(name, this.#upload(name, data));
    made.set(network.feeds.noise, this.#noise(step, part, draw));
    for (const [name, tensor] of made) feeds.set(name, tensor);
    const fetches = new Map<string, DeviceTensor>([[lossOutput, this.#loss]]);
    if (this.#anchor) fetches.set(anchorOutput, this.#anchor);
    for (const [name, output] of network.gradients) fetches.set(output, this.#gradients.get(name)!);
    try {
      await session.run(feeds, fetches);
      const losses = this.#losses();
      // A step that fails elsewhere leaves them unread.
      losses.catch(() => undefined);
      return { losses };
    } finally {
      for (const tensor of made.values()) runtime.release(tensor);
    }
  }

  async #losses(): Promise<Losses> {
    const { runtime } = this.#parts;
    const floats = async (scalar: DeviceTensor) =>
      new Float32Array((await runtime.read(scalar, 'The loss')).buffer)[0]!;
    const reads = [floats(this.#loss), ...(this.#anchor ? [floats(this.#anchor)] : [])] as const;
    const [loss, anchor = 0] = await Promise.all(reads);
    return { loss: loss!, anchor };
  }

  /** The noise of one pass: on a GPU drawn there, by the same generator with the same addresses. */
  #noise(step: number, part: number, draw: number): DeviceTensor {
    const { config, runtime, network, latentShape } = this.#parts;
    const name = network.feeds.noise;
    const count = latentShape[0] * latentShape[1] * latentShape[2];
    const first = part * config.batchSize;
    if (runtime.device) {
      const { shape } = network.graph.types.get(name)!;
      const tensor = runtime.allocate({ dtype: 'float32', shape });
      if (isGpuTensor(tensor)) {
        const random = new GpuRandom(runtime.device.device, this.#draws.noiseKey);
        random.normal(tensor.buffer, {
          address: { step, image: first, draw },
          count,
          rows: config.batchSize,
        });
      }
      return tensor;
    }
    const noise = new Float32Array(config.batchSize * count);
    for (let i = 0; i < config.batchSize; i++)
      noise.set(this.#draws.noise(step, first + i, draw, count), i * count);
    return this.#upload(name, noise);
  }

  /** Elements of the other inputs of one pass, by input name. */
  #feedsOf(step: number, part: number, draw: number, images: readonly View[]): Record<string, Float32Array> {
    const { config, network, encoder, schedule, latentShape } = this.#parts;
    const batch = config.batchSize;
    const latentSize = latentShape[0] * latentShape[1] * latentShape[2];
    const pixels = new Float32Array(batch * 3 * encoder.size ** 2);
    const latents = new Float32Array(batch * latentSize);
    const signalScale = new Float32Array(batch);
    const noiseScale = new Float32Array(batch);
    const selection = new Float32Array(batch * network.rows * network.tokens);
    const timesteps = new Float32Array(batch);
    const shared = network.timestepShape.reduce((n, d) => n * d, 1) === 1;
    for (const [i, image] of images.entries()) {
      const slot = part * batch + i;
      pixels.set(image.pixels, i * image.pixels.length);
      latents.set(image.latent, i * latentSize);
      // A denoiser with one timestep for its whole batch takes that of the batch's first image.
      const t = this.#draws.timestep(step, shared ? part * batch : slot, draw);
      timesteps[i] = t;
      signalScale[i] = schedule.signal[t]!;
      noiseScale[i] = schedule.noise[t]!;
      const drawn = this.#draws.patches(step, slot, draw, Math.max(0, network.rows - 1), network.tokens - 1);
      const cells = network.rows * network.tokens;
      const row = selection.subarray(i * cells, (i + 1) * cells);
      fillSelection(row, config.condition, network.rows, network.tokens, (k) => drawn[k]!);
    }
    const { feeds } = network;
    const originals = feeds.anchor
      ? { [feeds.anchor]: Float32Array.from(images.flatMap(({ original }) => [...original])) }
      : {};
    return {
      ...originals,
      [feeds.pixels]: pixels,
      [feeds.latents]: latents,
      [feeds.signalScale]: signalScale,
      [feeds.noiseScale]: noiseScale,
      [feeds.timestep]: shared ? timesteps.slice(0, 1) : timesteps,
      [feeds.selection]: selection,
      [feeds.lossScale]: Float32Array.of(drawWeight(config, draw) * (this.#lossScale?.value ?? 1)),
    };
  }

  #upload(input: string, values: Float32Array): DeviceTensor {
    const { shape }: TensorType = this.#parts.network.graph.types.get(input)!;
    return this.#parts.runtime.upload(
      { dtype: 'float32', shape },
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
  }
}

interface Losses {
  loss: number;
  anchor: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** The official code's accumulation wrapper divides every draw after the first by 5 (diva.md, inferred). */
function drawWeight(config: RefineConfig, draw: number): number {
  return config.fidelity === 'faithful' && draw > 0 ? 1 / 5 : 1;
}

/** Name of a trained weight in checkpoints: an encoder weight's own name in its file. */
function fileName(name: string): string {
  return projections.includes(name) ? name : name.replace(/^encoder\//, '');
}
