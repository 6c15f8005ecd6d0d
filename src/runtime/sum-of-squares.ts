import { KernelGroup, maxPerGroup, pipelineOf } from './kernel-groups.ts';
import { rowsShader, squaresShader, sumBlocks } from './optimizer-wgsl.ts';

/** For each of several tensors the sum of squares of its elements, or of its differences from a partner, on the GPU. */
export class SumOfSquares {
  /** One float32 for each tensor, in order. */
  readonly squares: GPUBuffer;
  readonly #partials: GPUBuffer;
  readonly #groups: KernelGroup[];
  readonly #rows: GPUComputePipeline;
  readonly #rowBindings: GPUBindGroup;
  readonly #count: number;

  constructor(device: GPUDevice, counts: readonly number[], pairs: boolean) {
    this.#count = counts.length;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    this.squares = device.createBuffer({ size: 4 * counts.length, usage });
    // Zero at first: small tensors never write the ends of their rows.
    this.#partials = device.createBuffer({ size: 4 * sumBlocks * counts.length, usage });
    const most = maxPerGroup(device, pairs ? 2 : 1, 1);
    const order = counts.map((_, index) => index).sort((a, b) => counts[b]! - counts[a]!);
    this.#groups = [];
    for (let start = 0; start < order.length; start += most) {
      const members = order
        .slice(start, start + most)
        .map((index) => ({ index, count: counts[index]!, row: index }));
      this.#groups.push(new KernelGroup(device, squaresShader(members.length, pairs), members, sumBlocks));
    }
    this.#rows = pipelineOf(device, rowsShader);
    this.#rowBindings = device.createBindGroup({
      layout: this.#rows.getBindGroupLayout(0),
      entries: [this.#partials, this.squares].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /** `lists` holds the tensors' buffers, and for pairs their partners'. */
  dispatch(pass: GPUComputePassEncoder, lists: readonly (readonly GPUBuffer[])[]): void {
    for (const group of this.#groups) group.dispatch(pass, lists, [this.#partials]);
    pass.setPipeline(this.#rows);
    pass.setBindGroup(0, this.#rowBindings);
    pass.dispatchWorkgroups(this.#count);
  }

  release(): void {
    for (const group of this.#groups) group.release();
    this.squares.destroy();
    this.#partials.destroy();
  }
}
