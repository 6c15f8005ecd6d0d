import type * as Ort from 'onnxruntime-web';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import type { TensorType } from '../onnx/model.ts';
import { deviceProblem, type OpenDevice } from './device.ts';
import { messageOf, RuntimeError } from './errors.ts';
import type { Priority, SerialQueue } from './queue.ts';
import {
  bytesOf,
  type CpuTensor,
  type DeviceTensor,
  describeType,
  type ElementArray,
  isGpuTensor,
  runtimeDataType,
} from './tensor.ts';

/** What is used of an ONNX Runtime module: `onnxruntime-web` (any variant) or `onnxruntime-node`. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;

/** `cpu` is onnxruntime-node's own provider; `wasm` is the same kernels compiled for the browser. */
export type RuntimeProvider = 'webgpu' | 'wasm' | 'cpu';

/** What a session needs of its {@link Runtime}. */
export interface SessionHost {
  readonly ort: OrtModule;
  readonly provider: RuntimeProvider;
  readonly device: OpenDevice | null;
  readonly threads: number;
  readonly allowCpuFallback: boolean;
  readonly queue: SerialQueue;
  /** Bytes of tensors on the GPU. */
  readonly gpuBytes: number;
  allocate(type: TensorType): DeviceTensor;
  copy(from: DeviceTensor, to: DeviceTensor): void;
  release(tensor: DeviceTensor): void;
}

export interface SessionOptions {
  /** Shown in errors, such as `training`. */
  name: string;
  /** Outputs handed back in main memory even on the GPU, where `run()` then waits for them. */
  hostOutputs?: readonly string[];
  /** ONNX Runtime's own graph optimisation; `all` unless a test wants the graph as written. */
  optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Layout in which the WebGPU provider runs convolutions; NHWC unless told. */
  layout?: 'NCHW' | 'NHWC';
  /** Turn of everything the session does, its release included, among others that wait. Default `step`, the first. */
  priority?: Priority;
}

/** An input or output as the model declares it; strings are axes whose size is free. */
export interface Slot {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

export type Feeds = ReadonlyMap<string, DeviceTensor>;

/** Outputs wanted, by name: a tensor to write into, or null for a new one. */
export type Fetches = ReadonlyMap<string, DeviceTensor | null>;

/** Used by {@link Runtime.session}. */
export async function createSession(
  host: SessionHost,
  model: Uint8Array,
  options: SessionOptions,
): Promise<Session> {
  const { ort, provider, device } = host;
  const inner = await host.queue.run(async () => {
    try {
      // A fresh object each time: onnxruntime-web writes into the options it is given.
      return await ort.InferenceSession.create(model, sessionOptions(host, options));
    } catch (error) {
      await settle(device);
      const problem =
        device && deviceProblem(device, `Session "${options.name}" cannot be made`, host.gpuBytes);
      if (problem) throw problem;
      throw new RuntimeError(
        `Session "${options.name}" cannot be made on the ${provider} provider: ${explain(messageOf(error))}`,
        { cause: error },
      );
    }
  }, options.priority);
  return new Session(host, inner, options);
}

/** A lost device fails what it was doing first and is reported lost a moment later. */
async function settle(device: OpenDevice | null): Promise<void> {
  if (!device || device.loss || device.fault) return;
  await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
}

function sessionOptions(host: SessionHost, options: SessionOptions): InferenceSession.SessionOptions {
  const common: InferenceSession.SessionOptions = {
    graphOptimizationLevel: options.optimization ?? 'all',
    // Errors arrive as exceptions; the library need not print them as well.
    logSeverityLevel: 4,
  };
  switch (host.provider) {
    case 'cpu':
      return { ...common, executionProviders: ['cpu'], intraOpNumThreads: host.threads };
    case 'wasm':
      return { ...common, executionProviders: ['wasm'] };
    case 'webgpu':
      return {
        ...common,
        executionProviders: [
          { name: 'webgpu', device: host.device!.device, preferredLayout: options.layout ?? 'NHWC' },
        ],
        preferredOutputLocation: outputLocations(options.hostOutputs ?? []),
        ...(host.allowCpuFallback ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
      };
  }
}

type Location = 'cpu' | 'gpu-buffer';

/** onnxruntime-web asks for each output by name, and the names are not known before the session exists. */
function outputLocations(host: readonly string[]): Readonly<Record<string, Location>> | Location {
  if (host.length === 0) return 'gpu-buffer';
  return new Proxy<Record<string, Location>>(
    {},
    { get: (_, name) => (host.includes(String(name)) ? 'cpu' : 'gpu-buffer') },
  );
}

function explain(message: string): string {
  return message.includes('fallback to CPU EP has been explicitly disabled')
    ? `some of its operators have no kernel on the GPU (${message})`
    : message;
}

/** A loaded model. Runs never overlap; each takes its turn in the runtime's queue. */
export class Session {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Slot>;
  readonly outputs: ReadonlyMap<string, Slot>;
  /** Resolves once {@link release} has been carried out. */
  readonly released: Promise<void>;
  readonly #host: SessionHost;
  readonly #inner: InferenceSession;
  readonly #inMemory: ReadonlySet<string>;
  /** One for runs and release, so that the queue keeps their order. */
  readonly #priority: Priority | undefined;
  #end: () => void = () => {};
  #releasing: Promise<void> | null = null;
  /** Why no further run is possible. */
  #broken: string | null = null;

  constructor(host: SessionHost, inner: InferenceSession, options: SessionOptions) {
    this.name = options.name;
    this.#host = host;
    this.#inner = inner;
    this.#inMemory = new Set(options.hostOutputs);
    this.#priority = options.priority;
    this.inputs = slots(inner.inputMetadata);
    this.outputs = slots(inner.outputMetadata);
    this.released = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Runs the model. `feeds` must name every input. `fetches` chooses outputs: a map whose tensors are written in place
   * (GPU buffers directly; main memory by a copy) and whose nulls ask for new tensors, a list of names, or nothing for
   * all. New tensors belong to the caller ({@link Runtime.release}). No output may be a tensor that is also fed.
   */
  async run(feeds: Feeds, fetches?: Fetches | readonly string[]): Promise<Map<string, DeviceTensor>> {
    if (this.#releasing) throw new RuntimeError(`Session "${this.name}" has been released`);
    const wanted = this.#wanted(fetches);
    this.#checkFeeds(feeds);
    for (const [name, tensor] of wanted) if (tensor) this.#checkFetch(name, tensor, feeds);
    return this.#host.queue.run(() => this.#run(feeds, wanted), this.#priority);
  }

  /** Ends the session after the runs already asked for. Calling it twice is harmless. */
  release(): Promise<void> {
    this.#releasing ??= this.#host.queue.run(async () => {
      try {
        await this.#inner.release();
      } catch (error) {
        // A lost device takes the session's memory with it; there is nothing left to free.
        if (!this.#host.device?.loss) throw error;
      } finally {
        this.#end();
      }
    }, this.#priority);
    return this.#releasing;
  }

  async #run(feeds: Feeds, wanted: Fetches): Promise<Map<string, DeviceTensor>> {
    this.#checkUsable();
    const made: DeviceTensor[] = [];
    const targets = new Map<string, DeviceTensor | null>();
    for (const [name, given] of wanted) {
      const fresh = given ? null : this.#allocateOutput(name);
      if (fresh) made.push(fresh);
      targets.set(name, given ?? fresh);
    }
    try {
      const ortFeeds = Object.fromEntries([...feeds].map(([name, tensor]) => [name, this.#toOrt(tensor)]));
      const ortFetches = Object.fromEntries(
        [...targets].map(([name, target]) => [
          name,
          target && isGpuTensor(target) ? this.#toOrt(target) : null,
        ]),
      );
      const results = await this.#inner.run(ortFeeds, ortFetches);
      return new Map([...targets].map(([name, target]) => [name, this.#fromOrt(results[name]!, target)]));
    } catch (error) {
      for (const tensor of made) this.#host.release(tensor);
      throw await this.#failure(error);
    }
  }

  async #failure(error: unknown): Promise<RuntimeError> {
    const { device } = this.#host;
    // After a failed run onnxruntime-web keeps the old bindings, whose tensors are freed: never run it again.
    if (device) this.#broken = messageOf(error);
    await settle(device);
    const problem =
      device && deviceProblem(device, `Session "${this.name}" was interrupted`, this.#host.gpuBytes);
    if (problem) return problem;
    return new RuntimeError(`Session "${this.name}" failed: ${messageOf(error)}`, { cause: error });
  }

  #checkUsable(): void {
    const { device } = this.#host;
    const problem = device && deviceProblem(device, `Session "${this.name}" cannot run`, this.#host.gpuBytes);
    if (problem) throw problem;
    if (this.#broken !== null) {
      throw new RuntimeError(`Session "${this.name}" failed before (${this.#broken}): make it again`);
    }
  }

  #wanted(fetches?: Fetches | readonly string[]): Fetches {
    const wanted: Fetches =
      fetches instanceof Map
        ? fetches
        : new Map(
            [...((fetches as readonly string[] | undefined) ?? this.outputs.keys())].map((name) => [
              name,
              null,
            ]),
          );
    for (const name of wanted.keys()) {
      if (!this.outputs.has(name)) {
        throw new RuntimeError(
          `Session "${this.name}" has no output "${name}". It has ${[...this.outputs.keys()].join(', ')}`,
        );
      }
    }
    return wanted;
  }

  #checkFeeds(feeds: Feeds): void {
    for (const [name, slot] of this.inputs) {
      const tensor = feeds.get(name);
      if (!tensor)
        throw new RuntimeError(`Session "${this.name}" lacks its input "${name}" (${describeType(slot)})`);
      this.#checkSlot('input', slot, tensor);
    }
    for (const name of feeds.keys()) {
      if (!this.inputs.has(name)) throw new RuntimeError(`Session "${this.name}" has no input "${name}"`);
    }
  }

  #checkFetch(name: string, tensor: DeviceTensor, feeds: Feeds): void {
    this.#checkSlot('output', this.outputs.get(name)!, tensor);
    if (this.#host.device && isGpuTensor(tensor) === this.#inMemory.has(name)) {
      throw new RuntimeError(
        `Output "${name}" of session "${this.name}" lies ${this.#inMemory.has(name) ? 'in main memory' : 'on the GPU'}; the tensor to write does not`,
      );
    }
    for (const [input, fed] of feeds) {
      if (isGpuTensor(fed) && isGpuTensor(tensor) && fed.buffer === tensor.buffer) {
        throw new RuntimeError(
          `Session "${this.name}": output "${name}" would overwrite input "${input}" while it is read`,
        );
      }
    }
  }

  #checkSlot(kind: 'input' | 'output', slot: Slot, tensor: DeviceTensor): void {
    const fits =
      slot.dtype === tensor.dtype &&
      slot.shape.length === tensor.shape.length &&
      slot.shape.every((size, axis) => typeof size === 'string' || size === tensor.shape[axis]);
    if (!fits) {
      throw new RuntimeError(
        `Session "${this.name}": ${kind} "${slot.name}" is ${describeType(slot)}, got ${describeType(tensor)}`,
      );
    }
    if (isGpuTensor(tensor) && !this.#host.device) {
      throw new RuntimeError(
        `Session "${this.name}": ${kind} "${slot.name}" is in GPU memory, which the ${this.#host.provider} provider cannot read`,
      );
    }
  }

  /** A GPU buffer of our own for an output of known size, so that its owner is plain; null leaves it to the library. */
  #allocateOutput(name: string): DeviceTensor | null {
    const { dtype, shape } = this.outputs.get(name)!;
    if (!this.#host.device || this.#inMemory.has(name)) return null;
    if (!shape.every((size): size is number => typeof size === 'number')) return null;
    return this.#host.allocate({ dtype: asDataType(dtype, name), shape });
  }

  #toOrt(tensor: DeviceTensor): OrtTensor {
    const { Tensor } = this.#host.ort;
    const dataType = runtimeDataType(tensor.dtype, 'A tensor');
    return isGpuTensor(tensor)
      ? Tensor.fromGpuBuffer(tensor.buffer, { dataType, dims: [...tensor.shape] })
      : new Tensor(dataType, tensor.data, [...tensor.shape]);
  }

  #fromOrt(result: OrtTensor, target: DeviceTensor | null): DeviceTensor {
    if (target && isGpuTensor(target)) return target;
    if (result.location === 'gpu-buffer') return this.#adopt(result);
    const tensor: CpuTensor = { ...typeOf(result), data: elementsOf(result.data) };
    if (!target) return tensor;
    bytesOf(target).set(bytesOf(tensor));
    return target;
  }

  /** Copies an output whose size was not known beforehand out of the library's memory, which is then given back. */
  #adopt(result: OrtTensor): DeviceTensor {
    const type = typeOf(result);
    const own = this.#host.allocate(type);
    this.#host.copy({ ...type, buffer: result.gpuBuffer }, own);
    result.dispose();
    return own;
  }
}

function slots(metadata: readonly InferenceSession.ValueMetadata[]): Map<string, Slot> {
  return new Map(
    metadata.map((value) => [
      value.name,
      value.isTensor
        ? { name: value.name, dtype: value.type, shape: value.shape }
        : { name: value.name, dtype: 'not a tensor', shape: [] },
    ]),
  );
}

const asDataType = (dtype: string, owner: string) => runtimeDataType(dtype as TensorType['dtype'], owner);

const typeOf = ({ type, dims }: OrtTensor): TensorType => ({
  dtype: asDataType(type, 'An output'),
  shape: [...dims],
});

/** Newer engines hand float16 over as Float16Array; here it always travels as bits. */
function elementsOf(data: OrtTensor['data']): ElementArray {
  if (
    data instanceof Float32Array ||
    data instanceof BigInt64Array ||
    data instanceof Int32Array ||
    data instanceof Uint8Array ||
    data instanceof Uint16Array
  ) {
    return data as ElementArray;
  }
  if (ArrayBuffer.isView(data))
    return new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2);
  throw new RuntimeError('ONNX Runtime returned strings where numbers were expected');
}
