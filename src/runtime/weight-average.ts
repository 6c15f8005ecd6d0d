import { sizeOf } from '../onnx/data-types.ts';
import { KernelGroup, maxPerGroup } from './kernel-groups.ts';
import { averageShader } from './optimizer-wgsl.ts';
import type { Runtime } from './runtime.ts';
import { bytesOf, type DeviceTensor, isGpuTensor } from './tensor.ts';
import type { WeightStore } from './weights.ts';

/**
 * An exponential moving average of float32 weights, where the runtime computes: after each step
 * average = decay * average + (1 - decay) * weight, as `torch.optim.swa_utils.get_ema_multi_avg_fn` has it. It begins as
 * the weights are when it is made.
 */
export class WeightAverage {
  readonly #runtime: Runtime;
  readonly #averages: WeightStore;
  readonly #pairs: { average: DeviceTensor; weight: DeviceTensor }[];
  readonly #share: number;
  readonly #groups: KernelGroup[];

  /** @param decay share of the average that each step keeps, in [0, 1) */
  constructor(runtime: Runtime, weights: WeightStore, names: readonly string[], decay: number) {
    if (!(decay >= 0 && decay < 1)) throw new RangeError(`The decay must lie in [0, 1), not ${decay}`);
    this.#runtime = runtime;
    this.#averages = weights.clone(names);
    this.#pairs = names.map((name) => ({ average: this.#averages.get(name), weight: weights.get(name) }));
    this.#share = 1 - decay;
    this.#groups = runtime.device ? this.#kernels(runtime.device.device) : [];
  }

  /** Takes the weights as they are after a step; on the GPU it takes its place in the device's queue. */
  update(): void {
    if (this.#runtime.device) this.#submit(this.#runtime.device.device);
    else for (const { average, weight } of this.#pairs) move(average, weight, this.#share);
  }

  has(name: string): boolean {
    return this.#averages.has(name);
  }

  /** The average itself, which later updates change in place. */
  get(name: string): DeviceTensor {
    return this.#averages.get(name);
  }

  read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#averages.read(name);
  }

  write(name: string, bytes: Uint8Array): void {
    this.#averages.write(name, bytes);
  }

  release(): void {
    for (const group of this.#groups) group.release();
    this.#averages.release();
  }

  #kernels(device: GPUDevice): KernelGroup[] {
    const most = maxPerGroup(device, 2, 0);
    const members = this.#pairs
      .map(({ weight }, index) => ({ index, count: sizeOf(weight.shape), decay: this.#share }))
      .sort((a, b) => b.count - a.count);
    const groups: KernelGroup[] = [];
    for (let at = 0; at < members.length; at += most) {
      const some = members.slice(at, at + most);
      groups.push(new KernelGroup(device, averageShader(some.length), some));
    }
    return groups;
  }

  #submit(device: GPUDevice): void {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const averages = this.#pairs.map(({ average }) => bufferOf(average));
    const weights = this.#pairs.map(({ weight }) => bufferOf(weight));
    for (const group of this.#groups) group.dispatch(pass, [averages, weights], []);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }
}

function move(average: DeviceTensor, weight: DeviceTensor, share: number): void {
  const [to, from] = [floatsOf(average), floatsOf(weight)];
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + share * (from[i]! - to[i]!);
}

function floatsOf(tensor: DeviceTensor): Float32Array<ArrayBuffer> {
  if (isGpuTensor(tensor)) throw new TypeError('The weight is on the GPU');
  const bytes = bytesOf(tensor);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function bufferOf(tensor: DeviceTensor): GPUBuffer {
  if (isGpuTensor(tensor)) return tensor.buffer;
  throw new TypeError('The weight is in main memory');
}
