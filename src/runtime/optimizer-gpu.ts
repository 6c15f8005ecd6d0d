import { sizeOf } from '../onnx/data-types.ts';
import type { OpenDevice } from './device.ts';
import { RuntimeError } from './errors.ts';
import { KernelGroup, type Member, maxPerGroup, pipelineOf, uniformBuffer } from './kernel-groups.ts';
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
import { addShader, clipShader, updateShader } from './optimizer-wgsl.ts';
import type { Runtime } from './runtime.ts';
import { SumOfSquares } from './sum-of-squares.ts';
import { bytesOf, type DeviceTensor, type GpuTensor, isGpuTensor } from './tensor.ts';

/** Weights that one dispatch updates, with their state side by side in one buffer for each moment. */
interface UpdateGroup {
  kernel: KernelGroup;
  indices: number[];
  offsets: number[];
  momentum: GPUBuffer;
  variance: GPUBuffer | null;
}

/**
 * The optimisers as WGSL on the device that the sessions use. A step is one submission: the global norm is reduced and
 * applied on the GPU, and its report is copied out for reading whenever the GPU gets there.
 */
export class GpuOptimizer implements Optimizer {
  readonly #runtime: Runtime;
  readonly #opened: OpenDevice;
  readonly #parameters: readonly Parameter[];
  readonly #config: UpdateConfig;
  readonly #groups: UpdateGroup[];
  readonly #norm: SumOfSquares;
  readonly #drift: SumOfSquares | null;
  /** Scalars of the coming step, as `optimizer-wgsl.ts` lays them out. */
  readonly #step: GPUBuffer;
  /** The factor on the gradients and whether to apply them. */
  readonly #outcome: GPUBuffer;
  /** Whether the first pass of a step is copied at once, as the caller writes the same tensors again. */
  readonly #copies: boolean;
  #gradients: GpuTensor[] | null = null;
  #sums: { tensors: GpuTensor[]; groups: KernelGroup[] } | null = null;
  #passes = 0;
  #steps = 0;

  constructor(
    runtime: Runtime,
    opened: OpenDevice,
    parameters: readonly Parameter[],
    config: UpdateConfig,
    passes: number,
  ) {
    this.#runtime = runtime;
    this.#opened = opened;
    this.#parameters = parameters;
    this.#config = config;
    this.#copies = passes > 1;
    const { device } = opened;
    this.#step = uniformBuffer(device, stepScalars * 4);
    this.#outcome = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM });
    this.#norm = new SumOfSquares(device, this.#counts(), false);
    this.#drift = parameters.every(({ reference }) => reference)
      ? new SumOfSquares(device, this.#counts(), true)
      : null;
    this.#groups = this.#updateGroups();
  }

  get steps(): number {
    return this.#steps;
  }

  accumulate(gradients: ReadonlyMap<string, DeviceTensor>): Promise<void> {
    const next = gradientsOf(this.#parameters, gradients).map(onGpu);
    return this.#runtime.queue.run(() => this.#accumulate(next));
  }

  step(options: StepOptions): Promise<StepHandle> {
    return this.#runtime.queue.run(() => this.#takeStep(options));
  }

  async state(): Promise<OptimizerState> {
    const tensors = new Map<string, Uint8Array<ArrayBuffer>>();
    // Both copies of every group are queued before the first is awaited: the state is that of one moment.
    const step = this.#steps;
    const parts = this.#groups.map((group) => ({
      group,
      momentum: this.#read(group.momentum),
      variance: group.variance && this.#read(group.variance),
    }));
    for (const { group, ...reads } of parts) {
      const bytes = { momentum: await reads.momentum, variance: await reads.variance };
      for (const [k, index] of group.indices.entries()) {
        const parameter = this.#parameters[index]!;
        const start = 4 * group.offsets[k]!;
        const end = start + 4 * sizeOf(parameter.weight.shape);
        for (const [key, part] of stateKeys(parameter, this.#config))
          tensors.set(key, bytes[part]!.slice(start, end));
      }
    }
    return { step, tensors };
  }

  async restore(state: OptimizerState): Promise<void> {
    const { queue } = this.#opened.device;
    for (const group of this.#groups) {
      for (const [k, index] of group.indices.entries()) {
        const parameter = this.#parameters[index]!;
        for (const [key, part] of stateKeys(parameter, this.#config)) {
          queue.writeBuffer(
            group[part]!,
            4 * group.offsets[k]!,
            takeState(state, key, 4 * sizeOf(parameter.weight.shape)),
          );
        }
      }
    }
    this.#steps = state.step;
    this.#gradients = null;
    this.#passes = 0;
  }

  release(): void {
    for (const { kernel, momentum, variance } of this.#groups) {
      kernel.release();
      momentum.destroy();
      variance?.destroy();
    }
    this.#norm.release();
    this.#drift?.release();
    this.#step.destroy();
    this.#outcome.destroy();
    for (const tensor of this.#sums?.tensors ?? []) this.#runtime.release(tensor);
    for (const group of this.#sums?.groups ?? []) group.release();
    this.#groups.length = 0;
    this.#sums = null;
  }

  #accumulate(next: GpuTensor[]): void {
    if (this.#passes === 0) this.#gradients = this.#copies ? this.#copied(next) : next;
    else {
      if (this.#gradients !== this.#sums?.tensors) this.#gradients = this.#copied(this.#gradients!);
      const { device } = this.#opened;
      const { tensors, groups } = this.#sums!;
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const group of groups) group.dispatch(pass, [buffersOf(tensors), buffersOf(next)], []);
      pass.end();
      device.queue.submit([encoder.finish()]);
    }
    this.#passes++;
  }

  /** Moves a pass's gradients to own memory. */
  #copied(gradients: readonly GpuTensor[]): GpuTensor[] {
    this.#sums ??= this.#makeSums();
    const { tensors } = this.#sums;
    const { device } = this.#opened;
    const encoder = device.createCommandEncoder();
    for (const [k, { buffer }] of tensors.entries()) {
      encoder.copyBufferToBuffer(gradients[k]!.buffer, 0, buffer, 0, buffer.size);
    }
    device.queue.submit([encoder.finish()]);
    return tensors;
  }

  #takeStep({ learningRate, gradientScale = 1 }: StepOptions): StepHandle {
    const gradients = this.#gradients;
    if (!gradients) throw new RuntimeError('A step needs gradients: call accumulate() first');
    const share = 1 / (this.#passes * gradientScale);
    this.#gradients = null;
    this.#passes = 0;
    this.#steps++;
    const { device } = this.#opened;
    device.queue.writeBuffer(this.#step, 0, this.#scalars(learningRate, share));
    const weights = this.#parameters.map(({ weight }) => onGpu(weight));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const grads = buffersOf(gradients);
    this.#norm.dispatch(pass, [grads]);
    this.#clip(pass);
    for (const group of this.#groups) {
      const state = group.variance ? [group.momentum, group.variance] : [group.momentum];
      group.kernel.dispatch(pass, [buffersOf(weights), grads], state, [this.#step, this.#outcome]);
    }
    this.#drift?.dispatch(pass, [
      buffersOf(weights),
      this.#parameters.map(({ reference }) => onGpu(reference!).buffer),
    ]);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const report = this.#report(share);
    // A report that nobody reads must not end the program when the device is lost.
    report.catch(() => {});
    return { read: () => report };
  }

  async #report(share: number) {
    const norm = this.#read(this.#norm.squares);
    const drift = this.#drift && this.#read(this.#drift.squares);
    const squares = floats(await norm).map((square) => square * share * share);
    const moved = drift ? Math.sqrt(floats(await drift).reduce((sum, square) => sum + square, 0)) : null;
    const report = reportOf(this.#parameters, squares, moved);
    if (!report.finite) this.#steps--;
    return report;
  }

  #clip(pass: GPUComputePassEncoder): void {
    const { device } = this.#opened;
    const pipeline = pipelineOf(device, clipShader);
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [this.#norm.squares, this.#outcome, this.#step].map((buffer, binding) => ({
          binding,
          resource: { buffer },
        })),
      }),
    );
    pass.dispatchWorkgroups(1);
  }

  #scalars(rate: number, share: number): Float32Array<ArrayBuffer> {
    const { momentum, beta2, epsilon, clipNorm } = this.#config;
    const t = this.#steps;
    const size = rate / (1 - momentum ** t);
    const correction = Math.sqrt(1 - beta2 ** t);
    return Float32Array.of(
      share,
      clipNorm,
      rate,
      momentum,
      beta2,
      epsilon,
      size,
      correction,
      1 - momentum,
      1 - beta2,
      0,
      0,
    );
  }

  #counts(): number[] {
    return this.#parameters.map(({ weight }) => sizeOf(weight.shape));
  }

  #updateGroups(): UpdateGroup[] {
    const { device } = this.#opened;
    const { kind, weightDecay } = this.#config;
    const states = kind === 'adamw' ? 2 : 1;
    const counts = this.#counts();
    const stateBuffer = (elements: number) =>
      device.createBuffer({
        size: 4 * elements,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
    return groupsOf(device, counts, maxPerGroup(device, 2, states)).map((indices) => {
      let elements = 0;
      const offsets: number[] = [];
      const members = indices.map((index): Member => {
        const offset = elements;
        offsets.push(offset);
        elements += aligned(counts[index]!);
        return {
          index,
          count: counts[index]!,
          offset,
          decay: decays(this.#parameters[index]!) ? weightDecay : 0,
        };
      });
      return {
        kernel: new KernelGroup(device, updateShader(kind, indices.length), members),
        indices,
        offsets,
        momentum: stateBuffer(elements),
        variance: kind === 'adamw' ? stateBuffer(elements) : null,
      };
    });
  }

  #makeSums(): { tensors: GpuTensor[]; groups: KernelGroup[] } {
    const { device } = this.#opened;
    const counts = this.#counts();
    const groups = groupsOf(device, counts, maxPerGroup(device, 2, 0)).map(
      (indices) =>
        new KernelGroup(
          device,
          addShader(indices.length),
          indices.map((index): Member => ({ index, count: counts[index]! })),
        ),
    );
    return { tensors: this.#parameters.map(({ weight }) => onGpu(this.#runtime.allocate(weight))), groups };
  }

  #read(buffer: GPUBuffer): Promise<Uint8Array<ArrayBuffer>> {
    return this.#runtime.read({ dtype: 'float32', shape: [buffer.size / 4], buffer });
  }
}

/** Floats in the step's uniform, rounded up to 16 bytes. */
const stepScalars = 12;

/** Elements rounded up so that each weight's state starts at a multiple of 16 bytes. */
const aligned = (elements: number): number => Math.ceil(elements / 4) * 4;

const buffersOf = (tensors: readonly GpuTensor[]): GPUBuffer[] => tensors.map(({ buffer }) => buffer);

const floats = (bytes: Uint8Array<ArrayBuffer>): Float64Array =>
  Float64Array.from(new Float32Array(bytes.buffer));

function onGpu(tensor: DeviceTensor): GpuTensor {
  if (!isGpuTensor(tensor))
    throw new RuntimeError(`${bytesOf(tensor).byteLength} bytes lie in main memory, not on the GPU`);
  return tensor;
}

/** Indices in groups of at most `most`, alike in size, whose elements together fit one binding. */
function groupsOf(device: GPUDevice, counts: readonly number[], most: number): number[][] {
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const order = counts.map((_, index) => index).sort((a, b) => counts[b]! - counts[a]!);
  const groups: number[][] = [];
  let bytes = 0;
  for (const index of order) {
    const size = 4 * aligned(counts[index]!);
    const last = groups.at(-1);
    if (last && last.length < most && bytes + size <= limit) {
      last.push(index);
      bytes += size;
    } else {
      groups.push([index]);
      bytes = size;
    }
  }
  return groups;
}
