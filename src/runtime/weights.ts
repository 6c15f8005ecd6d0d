import { widthOf } from '../onnx/data-types.ts';
import type { DataType, Tensor, TensorType } from '../onnx/model.ts';
import { floatsToHalves } from '../onnx/narrow.ts';
import { bfloatsToFloat32, halvesToFloat32 } from './convert.ts';
import { RuntimeError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import { bufferSizeOf, byteLengthOf, type DeviceTensor } from './tensor.ts';

export interface LoadOptions {
  /** Converts 16-bit and 32-bit floats on the way; what has the type already stays as it is. */
  as?: 'float32' | 'float16';
  /** Told after each chunk how many bytes of the source were read since the last call. */
  onProgress?: (bytes: number) => void;
  /** Ends the loading between two chunks; what was allocated goes back. */
  signal?: AbortSignal | undefined;
}

/** A multiple of every element width. */
const chunkBytes = 8 * 2 ** 20;
/** Bytes on their way to the GPU before the source is made to wait. */
const flightBytes = 64 * 2 ** 20;

/**
 * Weights by name where the runtime computes: one copy that training, evaluation and export share and that the
 * optimiser changes in place. Sessions take them as ordinary inputs.
 */
export class WeightStore {
  readonly #runtime: Runtime;
  readonly #tensors = new Map<string, DeviceTensor>();
  #inFlight = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  names(): string[] {
    return [...this.#tensors.keys()];
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The weight itself, for feeds and optimisers. Throws a {@link RuntimeError} for an unknown name. */
  get(name: string): DeviceTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new RuntimeError(`There is no weight "${name}"`);
    return tensor;
  }

  /** Bytes that the weights take where they are, padding included. */
  get bytes(): number {
    let sum = 0;
    for (const tensor of this.#tensors.values()) sum += bufferSizeOf(byteLengthOf(tensor));
    return sum;
  }

  /** Streams a tensor from its source in chunks, so that no second whole copy ever exists in main memory. */
  async load(name: string, tensor: Tensor, options: LoadOptions = {}): Promise<DeviceTensor> {
    if (this.#tensors.has(name))
      throw new RuntimeError(`Weight "${name}" is already loaded: release it first`);
    const convert = converterFor(name, tensor.dtype, options.as);
    const type: TensorType = { dtype: convert ? options.as! : tensor.dtype, shape: tensor.shape };
    const total = byteLengthOf(tensor);
    const target = this.#runtime.allocate(type);
    try {
      for (let start = 0; start < total; start += chunkBytes) {
        options.signal?.throwIfAborted();
        const length = Math.min(chunkBytes, total - start);
        const source = await chunkOf(name, tensor, start, length, total);
        const bytes = convert ? convert(source) : source;
        this.#runtime.check(`Weight "${name}" cannot be loaded`);
        this.#runtime.write(
          target,
          convert ? (start / widthOf(tensor.dtype)) * widthOf(type.dtype) : start,
          bytes,
        );
        await this.#pace(bytes.byteLength);
        options.onProgress?.(length);
      }
    } catch (error) {
      this.#runtime.release(target);
      throw error;
    }
    this.#tensors.set(name, target);
    return target;
  }

  /** The bytes of a weight as they are after the work submitted so far. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#runtime.read(this.get(name), `Weight "${name}"`);
  }

  /** Overwrites a whole weight, such as from a checkpoint. */
  write(name: string, bytes: Uint8Array): void {
    const tensor = this.get(name);
    if (bytes.byteLength !== byteLengthOf(tensor)) {
      throw new RuntimeError(`Weight "${name}" takes ${byteLengthOf(tensor)} bytes, not ${bytes.byteLength}`);
    }
    this.#runtime.write(tensor, 0, bytes);
  }

  /** A snapshot of some or all weights in the same place, with its own memory. */
  clone(names: readonly string[] = this.names()): WeightStore {
    const copy = new WeightStore(this.#runtime);
    for (const name of names) {
      const from = this.get(name);
      const to = this.#runtime.allocate(from);
      this.#runtime.copy(from, to);
      copy.#tensors.set(name, to);
    }
    return copy;
  }

  /** Gives the memory of some or all weights back. */
  release(names: readonly string[] = this.names()): void {
    for (const name of names) {
      this.#runtime.release(this.get(name));
      this.#tensors.delete(name);
    }
  }

  /** `writeBuffer` copies into staging memory that only finished work frees. */
  async #pace(bytes: number): Promise<void> {
    this.#inFlight += bytes;
    if (!this.#runtime.device || this.#inFlight < flightBytes) return;
    this.#inFlight = 0;
    await this.#runtime.device.device.queue.onSubmittedWorkDone();
  }
}

async function chunkOf(name: string, { data }: Tensor, start: number, length: number, total: number) {
  if (data.kind === 'strings') throw new RuntimeError(`Weight "${name}" holds strings`);
  const given = data.kind === 'bytes' ? data.bytes.byteLength : data.length;
  if (given !== total) throw new RuntimeError(`Weight "${name}" has ${given} bytes instead of ${total}`);
  return data.kind === 'bytes'
    ? data.bytes.subarray(start, start + length)
    : data.source.read(data.offset + start, length);
}

function converterFor(
  name: string,
  from: DataType,
  to?: LoadOptions['as'],
): ((bytes: Uint8Array) => Uint8Array) | null {
  if (to === undefined || from === to) return null;
  if (to === 'float16') {
    if (from === 'float32') return floatsToHalves;
    if (from === 'bfloat16') return (bytes) => floatsToHalves(bfloatsToFloat32(bytes));
  } else {
    if (from === 'float16') return halvesToFloat32;
    if (from === 'bfloat16') return bfloatsToFloat32;
  }
  throw new RuntimeError(`Weight "${name}" is ${from}, which is not converted to ${to} on loading`);
}
