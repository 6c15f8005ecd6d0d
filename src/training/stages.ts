import type { RefineConfig } from '../method/config.ts';
import {
  createOptimizer,
  type Optimizer,
  type OptimizerState,
  type StepHandle,
} from '../runtime/optimizer.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { learningRateAt } from '../runtime/schedule.ts';
import type { DeviceTensor } from '../runtime/tensor.ts';
import type { WeightStore } from '../runtime/weights.ts';

/** Weights of the layer between encoder and teacher, which the run itself makes. */
export const projections: readonly string[] = ['visual_proj.weight', 'visual_proj.bias'];

/**
 * The two stages of a run (GenHancer, arXiv 2503.19480, section 3.2): for `projectorWarmup` steps only the projection
 * trains, at a rate of its own, and the encoder stays as it was; then everything trains, with a fresh optimiser and a
 * learning rate whose schedule covers the remaining steps.
 */
export class Stages {
  readonly #config: RefineConfig;
  readonly #warmup: number;
  /** Of the projection alone; null without a first stage. */
  readonly #first: Optimizer | null;
  readonly #second: Optimizer;

  /**
   * @param trained names of all trained weights
   * @param start the same weights before the run, where the drift is to be measured against them
   */
  constructor(
    runtime: Runtime,
    config: RefineConfig,
    trained: readonly string[],
    weights: WeightStore,
    start?: WeightStore,
  ) {
    this.#config = config;
    // A fixed projection leaves the first stage nothing to train.
    this.#warmup = config.projection === 'text-inverse' ? 0 : (config.projectorWarmup ?? 0);
    const optimizer = (names: readonly string[]) =>
      createOptimizer(
        runtime,
        names.map((name) => ({
          name,
          weight: weights.get(name),
          ...(start && { reference: start.get(name) }),
        })),
        config.optimizer,
        { passes: config.accumulate * config.drawsPerImage },
      );
    this.#first = this.#warmup > 0 ? optimizer(trained.filter((name) => projections.includes(name))) : null;
    this.#second = optimizer(trained);
  }

  /** Learning rate of a step, counted from 0. */
  learningRate(step: number): number {
    const { optimizer, projectorLearningRate, steps } = this.#config;
    if (step < this.#warmup) return projectorLearningRate ?? optimizer.learningRate;
    return learningRateAt(optimizer, step - this.#warmup, steps - this.#warmup);
  }

  /** Adds the gradients of one pass, by name, to a step; those that its stage does not train are left out. */
  accumulate(step: number, gradients: ReadonlyMap<string, DeviceTensor>): Promise<void> {
    return this.#at(step).accumulate(gradients);
  }

  /** Updates what the step's stage trains, by gradients that come multiplied by a loss scale. */
  update(step: number, lossScale: number): Promise<StepHandle> {
    return this.#at(step).step({ learningRate: this.learningRate(step), gradientScale: lossScale });
  }

  /** State of the optimiser that takes the coming step. */
  state(step: number): Promise<OptimizerState> {
    return this.#at(step).state();
  }

  /** Puts back the state of the optimiser that takes the coming step. */
  async restore(step: number, { tensors }: OptimizerState): Promise<void> {
    const done = step < this.#warmup ? step : step - this.#warmup;
    await this.#at(step).restore({ step: done, tensors });
  }

  release(): void {
    this.#first?.release();
    this.#second.release();
  }

  #at(step: number): Optimizer {
    return this.#first && step < this.#warmup ? this.#first : this.#second;
  }
}
