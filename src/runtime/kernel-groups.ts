import { workgroupSize } from './optimizer-wgsl.ts';

/** A tensor's place in a dispatch that works on several. */
export interface Member {
  /** Position in the lists of buffers given to {@link KernelGroup.dispatch}. */
  readonly index: number;
  /** Elements. */
  readonly count: number;
  /** First element in a buffer that the group shares. */
  readonly offset?: number;
  /** Row of the partial sums. */
  readonly row?: number;
  readonly decay?: number;
}

/** Elements that one thread handles before more workgroups are asked for. */
const perThread = 4;

/** How many tensors one dispatch can take when each brings `perTensor` storage buffers and the group `shared` more. */
export function maxPerGroup({ limits }: GPUDevice, perTensor: number, shared: number): number {
  return Math.max(1, Math.floor((limits.maxStorageBuffersPerShaderStage - shared) / perTensor));
}

/** One compute shader over several tensors; bind groups are kept while the same buffers come again. */
export class KernelGroup {
  readonly #device: GPUDevice;
  readonly #pipeline: GPUComputePipeline;
  readonly #members: readonly Member[];
  readonly #uniform: GPUBuffer;
  readonly #workgroups: number;
  #bound: { buffers: readonly GPUBuffer[]; group: GPUBindGroup } | null = null;

  /** `maxWorkgroups` caps the grid's x axis, over which threads stride. */
  constructor(device: GPUDevice, shader: string, members: readonly Member[], maxWorkgroups = 65535) {
    this.#device = device;
    this.#pipeline = pipelineOf(device, shader);
    this.#members = members;
    this.#uniform = uniformBuffer(device, 16 * members.length);
    device.queue.writeBuffer(this.#uniform, 0, packed(members));
    const largest = Math.max(...members.map(({ count }) => count));
    const cap = Math.min(maxWorkgroups, device.limits.maxComputeWorkgroupsPerDimension);
    this.#workgroups = Math.min(cap, Math.ceil(largest / (workgroupSize * perThread)) || 1);
  }

  /**
   * Bindings in order: the members' buffers out of each list, the `shared` storage buffers, the members' uniform, then
   * `uniforms`.
   */
  dispatch(
    pass: GPUComputePassEncoder,
    lists: readonly (readonly GPUBuffer[])[],
    shared: readonly GPUBuffer[],
    uniforms: readonly GPUBuffer[] = [],
  ): void {
    const tensors = lists.flatMap((list) => this.#members.map(({ index }) => list[index]!));
    const buffers = [...tensors, ...shared, this.#uniform, ...uniforms];
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#bindGroup(buffers));
    pass.dispatchWorkgroups(this.#workgroups, this.#members.length);
  }

  release(): void {
    this.#uniform.destroy();
    this.#bound = null;
  }

  #bindGroup(buffers: readonly GPUBuffer[]): GPUBindGroup {
    const bound = this.#bound;
    if (bound?.buffers.every((buffer, i) => buffer === buffers[i])) return bound.group;
    const group = this.#device.createBindGroup({
      layout: this.#pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    this.#bound = { buffers, group };
    return group;
  }
}

export function uniformBuffer(device: GPUDevice, bytes: number): GPUBuffer {
  return device.createBuffer({
    size: Math.ceil(bytes / 16) * 16,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
}

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

/** Compiles a shader once for each device. */
export function pipelineOf(device: GPUDevice, shader: string): GPUComputePipeline {
  const known = pipelines.get(device) ?? new Map<string, GPUComputePipeline>();
  pipelines.set(device, known);
  let pipeline = known.get(shader);
  if (!pipeline) {
    pipeline = device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: shader }), entryPoint: 'main' },
    });
    known.set(shader, pipeline);
  }
  return pipeline;
}

/** The members as the shaders' `Member` struct. */
function packed(members: readonly Member[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(16 * members.length));
  for (const [k, { count, offset = 0, row = 0, decay = 0 }] of members.entries()) {
    view.setUint32(16 * k, count, true);
    view.setUint32(16 * k + 4, offset, true);
    view.setUint32(16 * k + 8, row, true);
    view.setFloat32(16 * k + 12, decay, true);
  }
  return new Uint8Array(view.buffer);
}
