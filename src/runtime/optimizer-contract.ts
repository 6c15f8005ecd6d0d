import type { OptimizerConfig } from '../method/config.ts';
import { RuntimeError } from './errors.ts';
import { type DeviceTensor, describeType, isGpuTensor } from './tensor.ts';

/** A weight to train. float32, where the runtime computes; changed in place. */
export interface Parameter {
  readonly name: string;
  readonly weight: DeviceTensor;
  /** Whether weight decay applies; by default to weights of two or more axes. */
  readonly decay?: boolean;
  /** The same weight before the run (a {@link WeightStore.clone}): the drift is measured against it. */
  readonly reference?: DeviceTensor;
}

/** The hyperparameters of the update itself; the learning rate comes with each step. */
export type UpdateConfig = Pick<
  OptimizerConfig,
  'kind' | 'momentum' | 'beta2' | 'epsilon' | 'weightDecay' | 'clipNorm'
>;

export interface OptimizerOptions {
  /** Passes that a step will average, usually; more than one needs memory for their sum. Default 1. */
  passes?: number;
}

export interface StepOptions {
  learningRate: number;
  /** What the gradients were multiplied by; they are divided by it before they are measured and clipped. Default 1. */
  gradientScale?: number;
}

/** What a step did. Gradients are those of the step, averaged over its passes, without their scale, before clipping. */
export interface StepReport {
  /** Global L2 norm of the gradient. */
  gradientNorm: number;
  /** False when a gradient held NaN or an infinity: the step then changed nothing. */
  finite: boolean;
  /** Every gradient was zero: the loss does not reach the weights. */
  allZero: boolean;
  /** Names of the parameters whose gradients were not finite, in order. */
  nonFinite: readonly string[];
  /** Names of the parameters whose gradients were zero throughout, in order. */
  zero: readonly string[];
  /** L2 norm of the change of all weights since their references; null when a parameter has none. */
  drift: number | null;
}

/** A step that has been submitted; reading its report waits for it without holding up the next one. */
export interface StepHandle {
  read(): Promise<StepReport>;
}

/** Bytes that, with the weights, continue a run exactly. Keys: `momentum/<name>`, and for AdamW `variance/<name>`. */
export interface OptimizerState {
  /** Steps done. */
  step: number;
  tensors: Map<string, Uint8Array<ArrayBuffer>>;
}

export interface Optimizer {
  /** Steps done: a step that changed nothing is taken back when its report has been read. */
  readonly steps: number;
  /**
   * Adds the gradients of one pass, by parameter name, to the coming step. When several passes were announced
   * ({@link OptimizerOptions}) they may be written again at once. Otherwise those of the first pass are used where they
   * are, until the second pass arrives or the step is taken.
   */
  accumulate(gradients: ReadonlyMap<string, DeviceTensor>): Promise<void>;
  /** Averages the passes, clips by the global norm and updates the weights. */
  step(options: StepOptions): Promise<StepHandle>;
  state(): Promise<OptimizerState>;
  restore(state: OptimizerState): Promise<void>;
  /** Frees the state; the weights stay. */
  release(): void;
}

/** The gradient of each parameter in order; throws a {@link RuntimeError} that names one missing or misshapen. */
export function gradientsOf(
  parameters: readonly Parameter[],
  gradients: ReadonlyMap<string, DeviceTensor>,
): DeviceTensor[] {
  return parameters.map(({ name, weight }) => {
    const gradient = gradients.get(name);
    if (!gradient) throw new RuntimeError(`The gradient of weight "${name}" is missing`);
    checkLike(`The gradient of weight "${name}"`, gradient, weight);
    return gradient;
  });
}

/** Throws a {@link RuntimeError} unless two tensors have the same type and place. */
export function checkLike(what: string, tensor: DeviceTensor, weight: DeviceTensor): void {
  if (describeType(tensor) !== describeType(weight) || isGpuTensor(tensor) !== isGpuTensor(weight)) {
    throw new RuntimeError(
      `${what} is ${describeType(tensor)}, expected ${describeType(weight)} in the same place`,
    );
  }
}

/** Weight decay leaves biases, norms and scalars alone unless the parameter says otherwise. */
export const decays = ({ decay, weight }: Parameter): boolean => decay ?? weight.shape.length >= 2;

/** The state tensors of a parameter with their keys in {@link OptimizerState}. */
export function stateKeys(
  { name }: Parameter,
  { kind }: UpdateConfig,
): [key: string, part: 'momentum' | 'variance'][] {
  return kind === 'adamw'
    ? [
        [`momentum/${name}`, 'momentum'],
        [`variance/${name}`, 'variance'],
      ]
    : [[`momentum/${name}`, 'momentum']];
}

/** The bytes stored under a key; throws a {@link RuntimeError} when they are missing or of another size. */
export function takeState(state: OptimizerState, key: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = state.tensors.get(key);
  if (bytes?.byteLength === length) return bytes;
  throw new RuntimeError(
    `The saved optimiser state "${key}" has ${bytes?.byteLength ?? 'no'} bytes instead of ${length}: it belongs to another model or optimiser`,
  );
}

/** Makes the report of a step from the sum of squares of each parameter's averaged gradient. */
export function reportOf(
  parameters: readonly Parameter[],
  squares: ArrayLike<number>,
  drift: number | null,
): StepReport {
  const nonFinite: string[] = [];
  const zero: string[] = [];
  let sum = 0;
  for (const [k, { name }] of parameters.entries()) {
    const square = squares[k]!;
    sum += square;
    if (!Number.isFinite(square)) nonFinite.push(name);
    if (square === 0) zero.push(name);
  }
  const gradientNorm = Math.sqrt(sum);
  return {
    gradientNorm,
    finite: Number.isFinite(gradientNorm),
    allZero: zero.length === parameters.length,
    nonFinite,
    zero,
    drift,
  };
}
