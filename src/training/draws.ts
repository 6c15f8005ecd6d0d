import { numbersPerCrop } from '../data/training-crop.ts';
import type { RefineConfig } from '../method/config.ts';
import { RandomStream } from '../runtime/random.ts';

/**
 * Every random choice of a run, addressed by what it belongs to: a run resumed at any step, on any machine, draws
 * what it would have drawn. `slot` numbers the images of a step, accumulation included; `draw` the noise draws.
 */
export class Draws {
  readonly #config: RefineConfig;
  readonly #images: number;
  readonly #streams: Record<'order' | 'crop' | 'timestep' | 'noise' | 'patch' | 'projection', RandomStream>;
  #epoch = -1;
  #order: Int32Array = new Int32Array();

  /** @param images number of images in the set */
  constructor(config: RefineConfig, images: number) {
    this.#config = config;
    this.#images = images;
    const stream = (name: string) => new RandomStream(config.seed, name);
    this.#streams = {
      order: stream('order'),
      crop: stream('crop'),
      timestep: stream('timestep'),
      noise: stream('noise'),
      patch: stream('patch'),
      projection: stream('projection'),
    };
  }

  /** Index of the image in a slot: every image once an epoch, in an order of the epoch's own. */
  image(step: number, slot: number): number {
    const position = this.#position(step, slot);
    const epoch = Math.floor(position / this.#images);
    if (epoch !== this.#epoch) {
      this.#order = this.#streams.order.permutation({ step: epoch }, this.#images);
      this.#epoch = epoch;
    }
    return this.#order[position % this.#images]!;
  }

  #position(step: number, slot: number): number {
    return step * this.#config.batchSize * this.#config.accumulate + slot;
  }

  /** Uniform numbers that decide a crop: one of the image's own where the configuration counts them. */
  crop(step: number, slot: number): Float32Array {
    const { crops = 0 } = this.#config;
    if (crops > 0) {
      const turn = Math.floor(this.#position(step, slot) / this.#images) % crops;
      return this.#streams.crop.uniform(
        { step: turn, image: this.image(step, slot), draw: 1 },
        numbersPerCrop,
      );
    }
    return this.#streams.crop.uniform({ step, image: slot }, numbersPerCrop);
  }

  /**
   * A timestep of [min, max). Logit-normal: the share of the range passed is the sigmoid of a normal number with the
   * configured mean and standard deviation (Esser et al., arXiv 2403.03206, section 3.1; GenHancer uses it).
   */
  timestep(step: number, slot: number, draw: number): number {
    const { min, max, sampling = 'uniform', mean = 0, std = 1 } = this.#config.timesteps;
    if (sampling === 'logit-normal') {
      const [normal] = this.#streams.timestep.normal({ step, image: slot, draw }, 1);
      const share = 1 / (1 + Math.exp(-(mean + std * normal!)));
      // Far out the sigmoid rounds to 1, which would be the first timestep beyond the range.
      return Math.min(max - 1, min + Math.floor(share * (max - min)));
    }
    return this.#streams.timestep.integers({ step, image: slot, draw }, 1, min, max)[0]!;
  }

  /** The noise stream's key, for the generator on the GPU. */
  get noiseKey(): readonly [number, number] {
    return this.#streams.noise.key;
  }

  /** `count` standard normal numbers. */
  noise(step: number, slot: number, draw: number, count: number): Float32Array {
    return this.#streams.noise.normal({ step, image: slot, draw }, count);
  }

  /** Patches drawn with replacement. */
  patches(step: number, slot: number, draw: number, count: number, patches: number): Int32Array {
    return this.#streams.patch.integers({ step, image: slot, draw }, count, 0, patches);
  }

  /** Initial weight [inputs, outputs] and bias of `visual_proj`, as torch.nn.Linear draws them. */
  projection(inputs: number, outputs: number): { weight: Float32Array; bias: Float32Array } {
    const bound = 1 / Math.sqrt(inputs);
    const spread = (values: Float32Array) => values.map((u) => (2 * u - 1) * bound);
    return {
      weight: spread(this.#streams.projection.uniform({ image: 0 }, inputs * outputs)),
      bias: spread(this.#streams.projection.uniform({ image: 1 }, outputs)),
    };
  }
}

/** Initial elements of a first LoRA factor, [inputs, rank]: uniform within 1 / sqrt(inputs), as PEFT draws them. */
export function loraFactor(seed: number, weight: string, inputs: number, rank: number): Float32Array {
  const bound = 1 / Math.sqrt(inputs);
  return new RandomStream(seed, `lora/${weight}`).uniform({}, inputs * rank).map((u) => (2 * u - 1) * bound);
}
