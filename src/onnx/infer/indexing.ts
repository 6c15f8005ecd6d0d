import { sizeOf } from '../data-types.ts';
import type { TensorType } from '../model.ts';
import { valuesOf } from '../tensors.ts';
import type { InferContext, InferTable } from './context.ts';
import { axisOf, withSizes } from './shapes.ts';

function gather(c: InferContext): TensorType[] {
  const data = c.shape(0);
  const axis = axisOf(c, c.int('axis', 0), data.length);
  return [{ dtype: c.dtype(0), shape: [...data.slice(0, axis), ...c.shape(1), ...data.slice(axis + 1)] }];
}

function gatherElements(c: InferContext): TensorType[] {
  c.check(c.shape(0).length === c.shape(1).length, 'Data and indices differ in rank');
  axisOf(c, c.int('axis', 0), c.shape(0).length);
  return [{ dtype: c.dtype(0), shape: c.shape(1) }];
}

function gatherND(c: InferContext): TensorType[] {
  const data = c.shape(0);
  const indices = c.shape(1);
  const batch = c.int('batch_dims', 0);
  const depth = indices.at(-1) ?? c.fail('The indices are a scalar');
  c.check(batch >= 0 && batch < indices.length, `batch_dims ${batch} does not fit the rank of the indices`);
  c.check(batch + depth <= data.length, 'An index has more entries than the data has axes');
  const equal = data.slice(0, batch).join() === indices.slice(0, batch).join();
  c.check(equal, 'Data and indices differ in the batch axes');
  return [{ dtype: c.dtype(0), shape: [...indices.slice(0, -1), ...data.slice(batch + depth)] }];
}

function scatterElements(c: InferContext): TensorType[] {
  c.check(c.shape(0).length === c.shape(1).length, 'Data and indices differ in rank');
  c.check(c.shape(1).join() === c.shape(2).join(), 'Indices and updates differ in shape');
  axisOf(c, c.int('axis', 0), c.shape(0).length);
  return [c.type(0)];
}

function scatterND(c: InferContext): TensorType[] {
  const data = c.shape(0);
  const indices = c.shape(1);
  const depth = indices.at(-1) ?? c.fail('The indices are a scalar');
  c.check(depth <= data.length, 'An index has more entries than the data has axes');
  const want = [...indices.slice(0, -1), ...data.slice(depth)];
  c.check(want.join() === c.shape(2).join(), `The updates should have shape [${want.join(', ')}]`);
  return [c.type(0)];
}

function topK(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const axis = axisOf(c, c.int('axis', -1), input.length);
  const k = c.opset >= 10 ? c.values(1, 'k')[0] : c.requiredInt('k');
  if (k === undefined || k < 0 || k > input[axis]!) return c.fail(`k is ${k} for ${input[axis]} elements`);
  const shape = withSizes(input, { [axis]: k });
  return [
    { dtype: c.dtype(0), shape },
    { dtype: 'int64', shape },
  ];
}

function oneHot(c: InferContext): TensorType[] {
  const indices = c.shape(0);
  const depth = c.values(1, 'depth')[0] ?? c.fail('The depth is missing');
  const axis = axisOf(c, c.int('axis', -1), indices.length + 1);
  return [
    { dtype: c.dtype(2), shape: [...indices.slice(0, axis), Math.trunc(depth), ...indices.slice(axis)] },
  ];
}

function nonZero(c: InferContext): TensorType[] {
  const count = c.values(0, 'X', Number.POSITIVE_INFINITY).filter((x) => x !== 0).length;
  return [{ dtype: 'int64', shape: [c.shape(0).length, count] }];
}

function compress(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const kept = c.values(1, 'condition', Number.POSITIVE_INFINITY).filter((x) => x !== 0).length;
  const given = c.ints('axis') ?? c.int('axis', Number.NaN);
  if (typeof given !== 'number' || Number.isNaN(given)) return [{ dtype: c.dtype(0), shape: [kept] }];
  return [{ dtype: c.dtype(0), shape: withSizes(input, { [axisOf(c, given, input.length)]: kept }) }];
}

/** Unique elements can be counted only when the input is constant and flattened. */
function unique(c: InferContext): TensorType[] {
  const tensor = c.constant(0);
  if (!tensor || c.int('axis', Number.NaN) === c.int('axis', 0)) {
    return c.fail('The number of unique elements is not known before the graph runs');
  }
  const shape = [new Set(valuesOf(tensor)).size];
  const indices: TensorType = { dtype: 'int64', shape };
  return [{ dtype: c.dtype(0), shape }, indices, { dtype: 'int64', shape: [sizeOf(c.shape(0))] }, indices];
}

export const indexing: InferTable = {
  Compress: compress,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  NonZero: nonZero,
  OneHot: oneHot,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TensorScatter: (c) => [c.type(0)],
  TopK: topK,
  Unique: unique,
};
