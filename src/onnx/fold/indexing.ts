import { axisOf, productOf } from '../infer/shapes.ts';
import type { Tensor } from '../model.ts';
import { tensorOf, valuesOf } from '../tensors.ts';
import { bytesOf, count, stridesOf, sums, take } from './arrays.ts';
import type { EvaluateContext, Evaluator, EvaluatorTable } from './context.ts';

/** An index as a position from the start; refuses one out of range. */
function position(c: EvaluateContext, index: number, size: number): number {
  const at = index < 0 ? index + size : index;
  return at >= 0 && at < size ? at : c.fail(`Index ${index} is out of range for ${size} elements`);
}

const gather: Evaluator = (c) => {
  const data = c.shape(0);
  const axis = axisOf(c, c.int('axis', 0), data.length);
  const size = data[axis]!;
  const inner = productOf(data, axis + 1);
  const rows = c.numbers(1).map((i) => position(c, i, size) * inner);
  const outer = count(productOf(data, 0, axis)).map((i) => i * size * inner);
  return [take(c.tensor(0), c.out().shape, sums([outer, rows, count(inner)]))];
};

/** For each element of the indices: the element of the data at the same place but, along `axis`, at the index. */
function elementIndices(c: EvaluateContext, axis: number): Float64Array {
  const data = c.shape(0);
  const strides = stridesOf(data);
  const indices = c.numbers(1);
  const places = sums(c.shape(1).map((d, k) => count(d).map((i) => (k === axis ? 0 : i * strides[k]!))));
  return places.map((base, k) => base + position(c, indices[k]!, data[axis]!) * strides[axis]!);
}

const gatherElements: Evaluator = (c) => {
  const axis = axisOf(c, c.int('axis', 0), c.shape(0).length);
  return [take(c.tensor(0), c.out().shape, elementIndices(c, axis))];
};

/** The first element of the data that each index tuple names. */
function tupleStarts(c: EvaluateContext, batch: number): number[] {
  const [data, shape] = [c.shape(0), c.shape(1)];
  const strides = stridesOf(data);
  const depth = shape.at(-1)!;
  const indices = c.numbers(1);
  const tuples = productOf(shape, 0, shape.length - 1);
  const perBatch = tuples / productOf(shape, 0, batch);
  const batchSize = productOf(data, batch);
  return count(tuples).map((t) => {
    let at = Math.floor(t / perBatch) * (batch > 0 ? batchSize : 0);
    for (let j = 0; j < depth; j++)
      at += position(c, indices[t * depth + j]!, data[batch + j]!) * strides[batch + j]!;
    return at;
  });
}

const gatherND: Evaluator = (c) => {
  const batch = c.int('batch_dims', 0);
  const inner = productOf(c.shape(0), batch + c.shape(1).at(-1)!);
  return [take(c.tensor(0), c.out().shape, sums([tupleStarts(c, batch), count(inner)]))];
};

type Combine = (old: number, update: number) => number;

const combiners: Readonly<Record<string, Combine>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
};

/** Writes the updates over a copy of the data, exactly, or combines them as attribute `reduction` says. */
function scatter(c: EvaluateContext, targets: ArrayLike<number>): readonly Tensor[] | undefined {
  const data = c.tensor(0);
  const reduction = c.string('reduction', 'none');
  if (reduction === 'none') {
    const bytes = bytesOf(data).slice();
    const updates = bytesOf(c.tensor(2));
    const width = targets.length > 0 ? updates.length / targets.length : 0;
    for (let k = 0; k < targets.length; k++) {
      bytes.set(updates.subarray(k * width, (k + 1) * width), targets[k]! * width);
    }
    return [{ dtype: data.dtype, shape: data.shape, data: { kind: 'bytes', bytes } }];
  }
  const combine = combiners[reduction] ?? c.fail(`Reduction "${reduction}" is not known`);
  const values = valuesOf(data);
  const updates = c.numbers(2);
  for (let k = 0; k < targets.length; k++) {
    values[targets[k]!] = combine(values[targets[k]!]!, updates[k]!);
  }
  return [tensorOf(data.dtype, data.shape, values)];
}

const scatterElements: Evaluator = (c) =>
  scatter(c, elementIndices(c, axisOf(c, c.int('axis', 0), c.shape(0).length)));

const scatterND: Evaluator = (c) => {
  const inner = productOf(c.shape(0), c.shape(1).at(-1)!);
  return scatter(c, sums([tupleStarts(c, 0), count(inner)]));
};

const oneHot: Evaluator = (c) => {
  const { shape } = c.out();
  const axis = axisOf(c, c.int('axis', -1), shape.length);
  const depth = shape[axis]!;
  const inner = productOf(shape, axis + 1);
  const values = c.tensor(2);
  const indices = c.numbers(0);
  const wanted = sums([count(productOf(shape, 0, axis)), count(depth), count(inner)]).map((_, k) => {
    const i = Math.floor(k / (depth * inner)) * inner + (k % inner);
    const index = Math.trunc(indices[i]!);
    const at = index < 0 ? index + depth : index;
    return at === Math.floor(k / inner) % depth ? 1 : 0;
  });
  return [take(values, shape, wanted)];
};

const nonZero: Evaluator = (c) => {
  const shape = c.shape(0);
  const strides = stridesOf(shape);
  const found = c.numbers(0).flatMap((x, i) => (x === 0 ? [] : [i]));
  const rows = shape.flatMap((d, k) => found.map((i) => Math.floor(i / strides[k]!) % d));
  return [tensorOf('int64', c.out().shape, rows)];
};

export const indexing: EvaluatorTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  NonZero: nonZero,
  OneHot: oneHot,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
};
