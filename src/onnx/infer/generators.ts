import { attributeOf } from '../attributes.ts';
import type { TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';
import { dataTypeAttribute } from './elementwise.ts';

function constant(c: InferContext): TensorType[] {
  const { node } = c;
  const tensor = attributeOf(node, 'value', 'tensor')?.value;
  if (tensor) return [{ dtype: tensor.dtype, shape: tensor.shape }];
  if (attributeOf(node, 'value_float', 'float')) return [{ dtype: 'float32', shape: [] }];
  if (attributeOf(node, 'value_int', 'int')) return [{ dtype: 'int64', shape: [] }];
  if (attributeOf(node, 'value_string', 'string')) return [{ dtype: 'string', shape: [] }];
  const floats = attributeOf(node, 'value_floats', 'floats')?.value;
  if (floats) return [{ dtype: 'float32', shape: [floats.length] }];
  const ints = attributeOf(node, 'value_ints', 'ints')?.value;
  if (ints) return [{ dtype: 'int64', shape: [ints.length] }];
  const strings = attributeOf(node, 'value_strings', 'strings')?.value;
  if (strings) return [{ dtype: 'string', shape: [strings.length] }];
  return c.fail('The constant has no value');
}

function constantOfShape(c: InferContext): TensorType[] {
  const dtype = attributeOf(c.node, 'value', 'tensor')?.value.dtype ?? 'float32';
  const shape = c.values(0, 'shape');
  c.check(
    shape.every((d) => d >= 0),
    `The wanted shape [${shape.join(', ')}] has a negative size`,
  );
  return [{ dtype, shape }];
}

function shapeOf(c: InferContext): TensorType[] {
  const rank = c.shape(0).length;
  const { start, end } = shapeRange(c, rank);
  return [{ dtype: 'int64', shape: [Math.max(0, end - start)] }];
}

/** The axes that a Shape node reports (attributes `start` and `end`, opset 15), clamped to the rank. */
export function shapeRange(c: InferContext, rank: number): { start: number; end: number } {
  const clamp = (axis: number) => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  return { start: clamp(c.int('start', 0)), end: clamp(c.int('end', rank)) };
}

function range(c: InferContext): TensorType[] {
  const [start, limit, delta] = [0, 1, 2].map((i) => c.values(i, ['start', 'limit', 'delta'][i]!)[0]);
  if (start === undefined || limit === undefined || !delta)
    return c.fail('start, limit and a non-zero delta are needed');
  return [{ dtype: c.dtype(0), shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
}

function random(c: InferContext): TensorType[] {
  const shape = c.ints('shape') ?? c.fail('Attribute "shape" is required and missing');
  return [{ dtype: dataTypeAttribute(c, 'dtype', 'float32'), shape }];
}

const like = (c: InferContext): TensorType[] => [
  { dtype: dataTypeAttribute(c, 'dtype', c.dtype(0)), shape: c.shape(0) },
];

/** Blackman, Hamming and Hann windows. */
function window(c: InferContext): TensorType[] {
  const size = c.values(0, 'size')[0] ?? c.fail('The size is missing');
  return [{ dtype: dataTypeAttribute(c, 'output_datatype', 'float32'), shape: [size] }];
}

export const generators: InferTable = {
  Bernoulli: like,
  BlackmanWindow: window,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  EyeLike: like,
  HammingWindow: window,
  HannWindow: window,
  RandomNormal: random,
  RandomNormalLike: like,
  RandomUniform: random,
  RandomUniformLike: like,
  Range: range,
  Shape: shapeOf,
  Size: () => [{ dtype: 'int64', shape: [] }],
};
