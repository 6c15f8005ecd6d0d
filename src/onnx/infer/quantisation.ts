import type { DataType, TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';
import { dataTypeAttribute } from './elementwise.ts';

function quantizeLinear(c: InferContext): TensorType[] {
  const dtype: DataType = c.has(2) ? c.dtype(2) : dataTypeAttribute(c, 'output_dtype', 'uint8');
  return [{ dtype, shape: c.shape(0) }];
}

const dequantizeLinear = (c: InferContext): TensorType[] => [
  { dtype: dataTypeAttribute(c, 'output_dtype', c.dtype(1)), shape: c.shape(0) },
];

const dynamicQuantizeLinear = (c: InferContext): TensorType[] => [
  { dtype: 'uint8', shape: c.shape(0) },
  { dtype: 'float32', shape: [] },
  { dtype: 'uint8', shape: [] },
];

export const quantisation: InferTable = {
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  QuantizeLinear: quantizeLinear,
};
