import type { DataType } from './model.ts';

/** TensorProto.DataType codes (onnx.proto, enum TensorProto.DataType) and element widths in bytes. */
const table = {
  float32: [1, 4],
  uint8: [2, 1],
  int8: [3, 1],
  uint16: [4, 2],
  int16: [5, 2],
  int32: [6, 4],
  int64: [7, 8],
  string: [8, 0],
  bool: [9, 1],
  float16: [10, 2],
  float64: [11, 8],
  uint32: [12, 4],
  uint64: [13, 8],
  bfloat16: [16, 2],
} as const satisfies Record<DataType, readonly [code: number, width: number]>;

const byCode = new Map<number, DataType>(
  Object.entries(table).map(([dtype, [code]]) => [code, dtype as DataType]),
);

/** The TensorProto.DataType code of an element type. */
export const codeOf = (dtype: DataType): number => table[dtype][0];

/** The element type of a TensorProto.DataType code, or undefined for kinds that no graph here may hold. */
export const dataTypeOf = (code: number): DataType | undefined => byCode.get(code);

/** Bytes an element takes; 0 for strings. */
export const widthOf = (dtype: DataType): number => table[dtype][1];

export const isFloat = (dtype: DataType): boolean =>
  dtype === 'float32' || dtype === 'float16' || dtype === 'float64' || dtype === 'bfloat16';

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
