import { sizeOf, widthOf } from './data-types.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import type { DataType, Tensor } from './model.ts';

/** Makes an in-memory tensor from plain numbers; int64 values saturate at the type's ends. */
export function tensorOf(dtype: DataType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const count = sizeOf(shape);
  if (values.length !== count) {
    throw new MalformedModelError(`${values.length} values for a tensor of ${count} elements`, {
      shapes: [shape],
    });
  }
  const bytes = new Uint8Array(count * widthOf(dtype));
  const put = putterOf(dtype, new DataView(bytes.buffer));
  for (let i = 0; i < count; i++) put(i, values[i]!);
  return { dtype, shape: [...shape], data: { kind: 'bytes', bytes } };
}

/** The elements of an in-memory tensor as numbers. int64 values beyond 2^53 lose their last digits. */
export function valuesOf(tensor: Tensor): number[] {
  const view = viewOf(tensor);
  const get = getterOf(tensor.dtype, view);
  return Array.from({ length: sizeOf(tensor.shape) }, (_, i) => get(i));
}

/** The elements of an integer or bool tensor in memory. */
export const intsOf = (tensor: Tensor): number[] => valuesOf(tensor);

function viewOf(tensor: Tensor): DataView {
  if (tensor.data.kind !== 'bytes') {
    throw new UnsupportedModelError(
      tensor.data.kind === 'range'
        ? 'The elements of this tensor are not in memory'
        : 'A string tensor has no numbers',
      { shapes: [tensor.shape] },
    );
  }
  const { bytes } = tensor.data;
  const want = sizeOf(tensor.shape) * widthOf(tensor.dtype);
  if (bytes.byteLength !== want) {
    throw new MalformedModelError(
      `A ${tensor.dtype} tensor holds ${bytes.byteLength} bytes instead of ${want}`,
      {
        shapes: [tensor.shape],
      },
    );
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function getterOf(dtype: DataType, v: DataView): (i: number) => number {
  switch (dtype) {
    case 'float32':
      return (i) => v.getFloat32(4 * i, true);
    case 'float64':
      return (i) => v.getFloat64(8 * i, true);
    case 'float16':
      return (i) => halfToNumber(v.getUint16(2 * i, true));
    case 'bfloat16':
      return (i) => bitsToFloat(v.getUint16(2 * i, true) << 16);
    case 'int8':
      return (i) => v.getInt8(i);
    case 'int16':
      return (i) => v.getInt16(2 * i, true);
    case 'int32':
      return (i) => v.getInt32(4 * i, true);
    case 'int64':
      return (i) => Number(v.getBigInt64(8 * i, true));
    case 'uint8':
    case 'bool':
      return (i) => v.getUint8(i);
    case 'uint16':
      return (i) => v.getUint16(2 * i, true);
    case 'uint32':
      return (i) => v.getUint32(4 * i, true);
    case 'uint64':
      return (i) => Number(v.getBigUint64(8 * i, true));
    case 'string':
      throw new UnsupportedModelError('A string tensor has no numbers');
  }
}

function putterOf(dtype: DataType, v: DataView): (i: number, value: number) => void {
  switch (dtype) {
    case 'float32':
      return (i, x) => v.setFloat32(4 * i, x, true);
    case 'float64':
      return (i, x) => v.setFloat64(8 * i, x, true);
    case 'float16':
      return (i, x) => v.setUint16(2 * i, numberToHalf(x), true);
    case 'bfloat16':
      return (i, x) => v.setUint16(2 * i, numberToBfloat(x), true);
    case 'int8':
      return (i, x) => v.setInt8(i, x);
    case 'int16':
      return (i, x) => v.setInt16(2 * i, x, true);
    case 'int32':
      return (i, x) => v.setInt32(4 * i, x, true);
    case 'int64':
      return (i, x) => v.setBigInt64(8 * i, toInt64(x), true);
    case 'uint8':
      return (i, x) => v.setUint8(i, x);
    case 'bool':
      return (i, x) => v.setUint8(i, x === 0 ? 0 : 1);
    case 'uint16':
      return (i, x) => v.setUint16(2 * i, x, true);
    case 'uint32':
      return (i, x) => v.setUint32(4 * i, x, true);
    case 'uint64':
      return (i, x) => v.setBigUint64(8 * i, BigInt(x), true);
    case 'string':
      throw new UnsupportedModelError('A string tensor takes no numbers');
  }
}

const int64Max = (1n << 63n) - 1n;
const int64Min = -(1n << 63n);

/** A number as int64, saturating: 2^63 as a double stands for INT64_MAX. */
export function toInt64(x: number): bigint {
  if (Number.isNaN(x)) return 0n;
  if (x >= 2 ** 63) return int64Max;
  if (x < -(2 ** 63)) return int64Min;
  return BigInt(Math.trunc(x));
}

const scratch = new DataView(new ArrayBuffer(8));

function bitsToFloat(bits: number): number {
  scratch.setUint32(0, bits >>> 0);
  return scratch.getFloat32(0);
}

function floatToBits(x: number): number {
  scratch.setFloat32(0, x);
  return scratch.getUint32(0);
}

/** IEEE 754 binary16 bits to a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16 bits, rounding to nearest, ties to even. */
export function numberToHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (Number.isNaN(a)) return 0x7e00;
  if (a >= 65520) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | roundToEven(a * 2 ** 24);
  const exponent = Math.floor(Math.log2(a));
  const e = a < 2 ** exponent ? exponent - 1 : a >= 2 ** (exponent + 1) ? exponent + 1 : exponent;
  return sign | (((e + 15) << 10) + roundToEven((a / 2 ** e - 1) * 1024));
}

/** A number to bfloat16 bits, rounding the float32 to nearest, ties to even. */
function numberToBfloat(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  const bits = floatToBits(x);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest > 0.5) return floor + 1;
  if (rest < 0.5) return floor;
  return floor % 2 === 0 ? floor : floor + 1;
}
