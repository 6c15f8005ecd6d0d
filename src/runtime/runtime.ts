import type { TensorType } from '../onnx/model.ts';
import { deviceProblem, type OpenDevice } from './device.ts';
import { RuntimeError } from './errors.ts';
import { queueOf, type SerialQueue } from './queue.ts';
import { Readback } from './readback.ts';
import {
  createSession,
  type OrtModule,
  type RuntimeProvider,
  type Session,
  type SessionHost,
  type SessionOptions,
} from './session.ts';
import {
  bufferSizeOf,
  byteLengthOf,
  bytesOf,
  checkBytes,
  cpuTensor,
  cpuTensorFrom,
  type DeviceTensor,
  describeType,
  type GpuTensor,
  isGpuTensor,
} from './tensor.ts';

export interface RuntimeOptions {
  /** The loaded module; for `webgpu` import `onnxruntime-web/webgpu`, whose provider is the native one. */
  ort: OrtModule;
  provider: RuntimeProvider;
  /** Needed by `webgpu`, which runs on this device and no other. */
  device?: OpenDevice;
  /**
   * Threads of the CPU kernels. onnxruntime-web fixes the count when its WebAssembly starts: the first runtime of a
   * worker decides, {@link Runtime.threads} tells. Default 1.
   */
  threads?: number;
  /** Folder or files of onnxruntime-web's `.mjs` and `.wasm` pair; by default they lie beside the module. */
  wasmPaths?: string | { mjs: string; wasm: string };
  /** Lets single nodes of a `webgpu` session run on the CPU. Off: such a session is refused. */
  allowCpuFallback?: boolean;
}

export type { OrtModule, RuntimeProvider } from './session.ts';

const startedThreads = new WeakMap<object, number>();

/** Opens a runtime: sessions and tensors on one provider. Several runtimes of one worker share the module's queue. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { ort, provider, device } = options;
  if (provider === 'webgpu' && !device) {
    throw new RuntimeError('The WebGPU provider needs a device: open one with openDevice() and pass it on');
  }
  const problem = provider === 'webgpu' && device && deviceProblem(device, 'The runtime cannot start');
  if (problem) throw problem;
  let threads = options.threads ?? 1;
  if (provider !== 'cpu') {
    threads = startedThreads.get(ort.env) ?? threads;
    startedThreads.set(ort.env, threads);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.proxy = false;
    if (options.wasmPaths !== undefined) ort.env.wasm.wasmPaths = options.wasmPaths;
  }
  return new Runtime(
    ort,
    provider,
    provider === 'webgpu' ? device! : null,
    threads,
    options.allowCpuFallback ?? false,
  );
}

/**
 * One provider of ONNX Runtime with the tensors that its sessions exchange. Tensors made here or handed back by a
 * session belong to the caller, who ends them with {@link Runtime.release}.
 */
export class Runtime implements SessionHost {
  readonly ort: OrtModule;
  readonly provider: RuntimeProvider;
  /** Null unless the provider is `webgpu`. */
  readonly device: OpenDevice | null;
  /** Threads that the CPU kernels really use. */
  readonly threads: number;
  readonly allowCpuFallback: boolean;
  /** Everything that calls ONNX Runtime, or submits GPU work that must keep its place between runs, goes through. */
  readonly queue: SerialQueue;
  readonly #sessions = new Set<Session>();
  readonly #readback: Readback | null;
  #gpuBytes = 0;

  constructor(
    ort: OrtModule,
    provider: RuntimeProvider,
    device: OpenDevice | null,
    threads: number,
    allowCpuFallback: boolean,
  ) {
    this.ort = ort;
    this.provider = provider;
    this.device = device;
    this.threads = threads;
    this.allowCpuFallback = allowCpuFallback;
    this.queue = queueOf(ort);
    this.#readback = device ? new Readback(device) : null;
  }

  /** Bytes of the GPU buffers made by {@link allocate} and not yet released. */
  get gpuBytes(): number {
    return this.#gpuBytes;
  }

  /** Makes a session from the bytes of a model. Rejects with a {@link RuntimeError} that names it. */
  async session(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await createSession(this, model, options);
    this.#sessions.add(session);
    session.released.then(() => this.#sessions.delete(session));
    return session;
  }

  /** A tensor of zeros where this runtime computes. */
  allocate(type: TensorType): DeviceTensor {
    return this.device ? this.#gpuTensor(this.device, type) : cpuTensor(type);
  }

  /** A tensor with the given little-endian bytes where this runtime computes. */
  upload(type: TensorType, bytes: Uint8Array): DeviceTensor {
    if (!this.device) return cpuTensorFrom(type, bytes);
    checkBytes(type, bytes.byteLength);
    const tensor = this.#gpuTensor(this.device, type);
    this.write(tensor, 0, bytes);
    return tensor;
  }

  /** Overwrites bytes of a tensor from `offset`. On the GPU the write takes its place in the device's queue. */
  write(tensor: DeviceTensor, offset: number, bytes: Uint8Array): void {
    if (offset + bytes.byteLength > byteLengthOf(tensor)) {
      throw new RuntimeError(
        `A write of ${bytes.byteLength} bytes at ${offset} passes the end of the tensor`,
      );
    }
    if (isGpuTensor(tensor)) {
      if (offset % 4 !== 0)
        throw new RuntimeError(`Writes to the GPU start at multiples of 4 bytes, not at ${offset}`);
      this.#deviceOf(tensor, `${describeType(tensor)} cannot be written`).device.queue.writeBuffer(
        tensor.buffer,
        offset,
        padded(bytes),
      );
    } else bytesOf(tensor).set(bytes, offset);
  }

  /**
   * The bytes of a tensor as they are after the work submitted so far. On the GPU this waits for that work without
   * holding up what is submitted later.
   *
   * @param name of the tensor in the error of a lost or full GPU, such as `The loss`
   */
  async read(tensor: DeviceTensor, name = 'A result'): Promise<Uint8Array<ArrayBuffer>> {
    if (!isGpuTensor(tensor)) return bytesOf(tensor).slice();
    const what = `${name} cannot be read`;
    this.#deviceOf(tensor, what);
    return this.#readback!.read(tensor.buffer, byteLengthOf(tensor), what);
  }

  /**
   * Throws when nothing on the GPU can be used any more.
   *
   * @param what begins the message, such as `Weight "w" cannot be loaded`
   */
  check(what: string): void {
    const problem = this.device && deviceProblem(this.device, what, this.#gpuBytes);
    if (problem) throw problem;
  }

  /** Copies the elements of one tensor to another of the same type and place. */
  copy(from: DeviceTensor, to: DeviceTensor): void {
    checkBytes(to, byteLengthOf(from));
    if (isGpuTensor(from) && isGpuTensor(to)) {
      const { device } = this.#deviceOf(from, 'A tensor cannot be copied');
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(from.buffer, 0, to.buffer, 0, bufferSizeOf(byteLengthOf(from)));
      device.queue.submit([encoder.finish()]);
    } else if (!isGpuTensor(from) && !isGpuTensor(to)) bytesOf(to).set(bytesOf(from));
    else throw new RuntimeError('Tensors are copied within main memory or within the GPU, not across');
  }

  /** Frees a GPU tensor; main memory needs no call. Do not use the tensor afterwards. */
  release(tensor: DeviceTensor): void {
    if (!isGpuTensor(tensor)) return;
    this.#gpuBytes -= tensor.buffer.size;
    tensor.buffer.destroy();
  }

  /** Releases every session; the device stays open. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.release()));
    this.#readback?.release();
  }

  #gpuTensor({ device }: OpenDevice, { dtype, shape }: TensorType): GpuTensor {
    const size = bufferSizeOf(byteLengthOf({ dtype, shape }));
    const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    if (size > limit) {
      throw new RuntimeError(
        `A tensor of shape [${shape.join(', ')}] takes ${size} bytes, more than the ${limit} that this GPU binds at once: take a smaller batch or model, float16 or recomputation, or WebAssembly`,
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size, usage });
    this.#gpuBytes += size;
    return { dtype, shape: [...shape], buffer };
  }

  #deviceOf(_tensor: GpuTensor, what: string): OpenDevice {
    const device = this.device;
    if (!device) throw new RuntimeError(`A GPU tensor cannot be used on the ${this.provider} provider`);
    this.check(what);
    return device;
  }
}

/** Whole words, as `writeBuffer` demands; the buffer's own padding takes the rest. */
function padded(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength % 4 === 0 && bytes.buffer instanceof ArrayBuffer) {
    return bytes as Uint8Array<ArrayBuffer>;
  }
  const copy = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
  copy.set(bytes);
  return copy;
}
