import { sizeOf, widthOf } from '../onnx/data-types.ts';
import type { DataType, TensorType } from '../onnx/model.ts';
import { RuntimeError } from './errors.ts';

/** Elements in main memory. float16 travels as its bits, bool as 0 and 1. */
export type ElementArray =
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A tensor in main memory. */
export interface CpuTensor extends TensorType {
  readonly data: ElementArray;
}

/** A tensor in a GPU buffer of the runtime's own device; the buffer's size is rounded up to 16 bytes. */
export interface GpuTensor extends TensorType {
  readonly buffer: GPUBuffer;
}

export type DeviceTensor = CpuTensor | GpuTensor;

export const isGpuTensor = (tensor: DeviceTensor): tensor is GpuTensor => 'buffer' in tensor;

/** The element types that sessions exchange. */
export type RuntimeDataType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<RuntimeDataType, unknown>;

/** Narrows an element type to those that sessions exchange; throws a {@link RuntimeError} that names `owner`. */
export function runtimeDataType(dtype: DataType, owner: string): RuntimeDataType {
  if (Object.hasOwn(arrays, dtype)) return dtype as RuntimeDataType;
  throw new RuntimeError(
    `${owner} is ${dtype}, which sessions do not exchange. Use ${Object.keys(arrays).join(', ')}`,
  );
}

/** Bytes of a tensor's elements, without padding. */
export const byteLengthOf = ({ dtype, shape }: TensorType): number => sizeOf(shape) * widthOf(dtype);

/** Bytes of the GPU buffer that holds `bytes`: ONNX Runtime binds multiples of 16, and never nothing. */
export const bufferSizeOf = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

/** Zeros in main memory. */
export function cpuTensor({ dtype, shape }: TensorType): CpuTensor {
  return { dtype, shape, data: new arrays[runtimeDataType(dtype, 'A tensor')](sizeOf(shape)) };
}

/** A tensor in main memory from its little-endian bytes, which are copied. */
export function cpuTensorFrom(type: TensorType, bytes: Uint8Array): CpuTensor {
  const tensor = cpuTensor(type);
  checkBytes(type, bytes.byteLength);
  bytesOf(tensor).set(bytes);
  return tensor;
}

/** The bytes of a tensor in main memory, as a view. */
export const bytesOf = ({ data }: CpuTensor): Uint8Array<ArrayBuffer> =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export function checkBytes(type: TensorType, got: number): void {
  const want = byteLengthOf(type);
  if (got !== want)
    throw new RuntimeError(`${got} bytes given for ${describeType(type)}, which takes ${want}`);
}

/** Such as `float32[4, 77, 64]`. */
export const describeType = ({
  dtype,
  shape,
}: {
  dtype: string;
  shape: readonly (number | string)[];
}): string => `${dtype}[${shape.join(', ')}]`;
