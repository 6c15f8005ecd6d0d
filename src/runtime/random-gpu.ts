import { RuntimeError } from './errors.ts';
import { pipelineOf, uniformBuffer } from './kernel-groups.ts';
import type { RandomAddress } from './random.ts';
import { integersShader, normalShader, randomWorkgroup, wordsShader } from './random-wgsl.ts';

/** Where numbers are written: rows one after another, each for an image of its own. */
export interface RandomFill {
  /** The address of the first row; row r is that of image + r. */
  address: RandomAddress;
  /** Numbers in a row. */
  count: number;
  /** Default 1. */
  rows?: number;
  /** Element of the buffer at which the first row begins. Default 0. */
  offset?: number;
  /** Block of four words with which each row begins, to write a row in pieces. Default 0. */
  block?: number;
}

/**
 * The numbers of a {@link RandomStream} written straight into GPU buffers, in their place in the device's queue. Whole
 * numbers are those of the stream to the bit, on every adapter; normal numbers are within `normalUlps` of its.
 */
export class GpuRandom {
  readonly #device: GPUDevice;
  readonly #key: readonly [number, number];

  /** `key` is a stream's {@link RandomStream.key}. */
  constructor(device: GPUDevice, key: readonly [number, number]) {
    this.#device = device;
    this.#key = key;
  }

  /** The generator's 32-bit words. */
  words(target: GPUBuffer, fill: RandomFill): void {
    this.#perBlock(wordsShader, target, fill);
  }

  /** float32 numbers from the standard normal distribution. */
  normal(target: GPUBuffer, fill: RandomFill): void {
    this.#perBlock(normalShader, target, fill);
  }

  /** Whole numbers in [low, high), written as int32 or as float32. Throws a RangeError when there are none. */
  integers(
    target: GPUBuffer,
    fill: RandomFill & { low: number; high: number; as?: 'int32' | 'float32' },
  ): void {
    const { low, high, rows = 1 } = fill;
    const range = high - low;
    if (!Number.isInteger(low) || !Number.isInteger(high) || range < 1 || range > 2 ** 31) {
      throw new RangeError(`No whole numbers lie in [${low}, ${high})`);
    }
    const shader = integersShader(fill.as === 'float32' ? 'f32' : 'i32');
    this.#dispatch(shader, target, fill, [Math.ceil(rows / randomWorkgroup), 1], { low, range });
  }

  #perBlock(shader: string, target: GPUBuffer, fill: RandomFill): void {
    const most = this.#device.limits.maxComputeWorkgroupsPerDimension;
    const workgroups = Math.ceil(fill.count / 4 / randomWorkgroup);
    this.#dispatch(shader, target, fill, [Math.min(most, workgroups), Math.min(most, fill.rows ?? 1)]);
  }

  #dispatch(
    shader: string,
    target: GPUBuffer,
    { address: { step = 0, image = 0, draw = 0 }, count, rows = 1, offset = 0, block = 0 }: RandomFill,
    [x, y]: readonly [number, number],
    { low = 0, range = 1 } = {},
  ): void {
    if (4 * (offset + rows * count) > target.size) {
      throw new RuntimeError(
        `${rows} x ${count} random numbers from element ${offset} do not fit a buffer of ${target.size} bytes`,
      );
    }
    if (count === 0 || rows === 0) return;
    const uniform = uniformBuffer(this.#device, 48);
    const words = Uint32Array.of(
      ...[count, offset, block, step, image, draw, ...this.#key, rows],
      ...[low, range, 2 ** 32 % range],
    );
    this.#device.queue.writeBuffer(uniform, 0, words);
    const pipeline = pipelineOf(this.#device, shader);
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      this.#device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [target, uniform].map((buffer, binding) => ({ binding, resource: { buffer } })),
      }),
    );
    pass.dispatchWorkgroups(x, y);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
    // Work submitted keeps what it uses until it is done.
    uniform.destroy();
  }
}
