import { RuntimeError } from './errors.ts';
import {
  decays,
  gradientsOf,
  type Optimizer,
  type OptimizerState,
  type Parameter,
  reportOf,
  type StepHandle,
  type StepOptions,
  stateKeys,
  takeState,
  type UpdateConfig,
} from './optimizer-contract.ts';
import { type DeviceTensor, isGpuTensor } from './tensor.ts';

type Floats = Float32Array<ArrayBuffer>;

interface Slot {
  weight: Floats;
  reference: Floats | null;
  decay: number;
  momentum: Floats;
  /** AdamW's second moment; empty for SGD. */
  variance: Floats;
}

/** The optimisers as loops over typed arrays; sums are kept in double precision, arrays in single. */
export class CpuOptimizer implements Optimizer {
  readonly #parameters: readonly Parameter[];
  readonly #config: UpdateConfig;
  readonly #slots: Slot[];
  #gradients: Floats[] | null = null;
  /** Whether the first pass of a step is copied at once, as the caller writes the same tensors again. */
  readonly #copies: boolean;
  /** Own memory for sums over passes. */
  #sums: Floats[] | null = null;
  #passes = 0;
  #steps = 0;

  constructor(parameters: readonly Parameter[], config: UpdateConfig, passes: number) {
    this.#copies = passes > 1;
    this.#parameters = parameters;
    this.#config = config;
    this.#slots = parameters.map((parameter) => {
      const weight = floatsOf(parameter.weight);
      return {
        weight,
        reference: parameter.reference ? floatsOf(parameter.reference) : null,
        decay: decays(parameter) ? config.weightDecay : 0,
        momentum: new Float32Array(weight.length),
        variance: new Float32Array(config.kind === 'adamw' ? weight.length : 0),
      };
    });
  }

  get steps(): number {
    return this.#steps;
  }

  async accumulate(gradients: ReadonlyMap<string, DeviceTensor>): Promise<void> {
    const next = gradientsOf(this.#parameters, gradients).map(floatsOf);
    if (this.#passes === 0) this.#gradients = this.#copies ? this.#copied(next) : next;
    else {
      if (this.#gradients !== this.#sums) this.#gradients = this.#copied(this.#gradients!);
      for (const [k, sum] of this.#gradients!.entries()) add(sum, next[k]!);
    }
    this.#passes++;
  }

  async step({ learningRate, gradientScale = 1 }: StepOptions): Promise<StepHandle> {
    const gradients = this.#gradients;
    if (!gradients) throw new RuntimeError('A step needs gradients: call accumulate() first');
    const share = 1 / (this.#passes * gradientScale);
    const squares = gradients.map((gradient) => sumOfSquares(gradient) * share * share);
    const norm = Math.sqrt(squares.reduce((sum, x) => sum + x, 0));
    this.#gradients = null;
    this.#passes = 0;
    if (Number.isFinite(norm)) {
      this.#steps++;
      const { clipNorm } = this.#config;
      const scale = share * (clipNorm > 0 ? Math.min(1, clipNorm / (norm + 1e-6)) : 1);
      for (const [k, slot] of this.#slots.entries()) this.#update(slot, gradients[k]!, scale, learningRate);
    }
    const report = reportOf(this.#parameters, squares, this.#drift());
    return { read: async () => report };
  }

  async state(): Promise<OptimizerState> {
    const tensors = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const [k, slot] of this.#slots.entries()) {
      for (const [key, part] of stateKeys(this.#parameters[k]!, this.#config)) {
        tensors.set(key, new Uint8Array(slot[part].slice().buffer));
      }
    }
    return { step: this.#steps, tensors };
  }

  async restore(state: OptimizerState): Promise<void> {
    for (const [k, slot] of this.#slots.entries()) {
      for (const [key, part] of stateKeys(this.#parameters[k]!, this.#config)) {
        const target = slot[part];
        new Uint8Array(target.buffer).set(takeState(state, key, target.byteLength));
      }
    }
    this.#steps = state.step;
    this.#gradients = null;
    this.#passes = 0;
  }

  release(): void {
    this.#slots.length = 0;
    this.#gradients = null;
    this.#sums = null;
  }

  /** Moves a pass's gradients to own memory. */
  #copied(gradients: Floats[]): Floats[] {
    this.#sums ??= this.#slots.map(({ weight }) => new Float32Array(weight.length));
    for (const [k, sum] of this.#sums.entries()) sum.set(gradients[k]!);
    return this.#sums;
  }

  #update(slot: Slot, gradient: Floats, scale: number, learningRate: number): void {
    if (this.#config.kind === 'sgd') sgd(slot, gradient, scale, learningRate, this.#config.momentum);
    else adamw(slot, gradient, scale, learningRate, this.#config, this.#steps);
  }

  #drift(): number | null {
    let sum = 0;
    for (const { weight, reference } of this.#slots) {
      if (!reference) return null;
      for (let i = 0; i < weight.length; i++) sum += (weight[i]! - reference[i]!) ** 2;
    }
    return Math.sqrt(sum);
  }
}

function sgd(
  { weight, momentum, decay }: Slot,
  gradient: Floats,
  scale: number,
  rate: number,
  mu: number,
): void {
  for (let i = 0; i < weight.length; i++) {
    const velocity = mu * momentum[i]! + scale * gradient[i]! + decay * weight[i]!;
    momentum[i] = velocity;
    weight[i] = weight[i]! - rate * velocity;
  }
}

function adamw(
  { weight, momentum, variance, decay }: Slot,
  gradient: Floats,
  scale: number,
  rate: number,
  { momentum: beta1, beta2, epsilon }: UpdateConfig,
  step: number,
): void {
  // The second moment's correction is taken out of the denominator: one division an element instead of two.
  const correction = Math.sqrt(1 - beta2 ** step);
  const size = (rate * correction) / (1 - beta1 ** step);
  const least = epsilon * correction;
  const keep = 1 - rate * decay;
  for (let i = 0; i < weight.length; i++) {
    const g = scale * gradient[i]!;
    const before = momentum[i]!;
    const m = before + (1 - beta1) * (g - before);
    const v = beta2 * variance[i]! + (1 - beta2) * g * g;
    momentum[i] = m;
    variance[i] = v;
    weight[i] = weight[i]! * keep - (size * m) / (Math.sqrt(v) + least);
  }
}

function add(sum: Floats, more: Floats): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + more[i]!;
}

/** Four sums side by side: each addition of a single one would wait for the last. */
function sumOfSquares(values: Floats): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * values[i]!;
    b += values[i + 1]! * values[i + 1]!;
    c += values[i + 2]! * values[i + 2]!;
    d += values[i + 3]! * values[i + 3]!;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * values[i]!;
  return a + b + (c + d);
}

function floatsOf(tensor: DeviceTensor): Floats {
  if (isGpuTensor(tensor) || !(tensor.data instanceof Float32Array)) {
    throw new RuntimeError('The optimiser works on float32 tensors in main memory here');
  }
  return tensor.data;
}
