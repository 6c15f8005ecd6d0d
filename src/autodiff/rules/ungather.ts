import type { GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import type { Tensor } from '../../onnx/model.ts';
import { intsOf, tensorOf } from '../../onnx/tensors.ts';
import type { RuleContext } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { cast, expand, filled } from './expressions.ts';

/**
 * The gradient of a Gather whose rows are taken in any order and number: they are added up at their places.
 *
 * @param indices the rows, where they are known before the graph runs
 */
export function ungather(c: RuleContext, axis: number, indices?: readonly number[]): string {
  const count = sizeOf(c.shape(1));
  const rows = indices
    ? c.b.shared(tensorOf('int32', [1, count, 1], indices))
    : reshape(c.b, movable(c.b, c.inputs[1]!, c.shape(0)[axis]!), [1, count, 1]);
  return addAlong(c, axis, rows);
}

/**
 * The gradient of GatherND with batch axes, which ScatterND lacks. Constant indices get the batch's coordinates in
 * front; those known only at run time must have depth one, and are then rows of one axis.
 */
export function ungatherBatches(c: RuleContext, batchAxes: number): string {
  const { b } = c;
  const constant = c.constant(1);
  if (constant) {
    const indices = b.shared(withBatchCoordinates(constant, batchAxes));
    return accumulated(b, c.grad, c.shape(0), (zeros, updates) =>
      b.op('ScatterND', [zeros, indices, updates], { reduction: 'add' }),
    );
  }
  if (c.shape(1).at(-1) !== 1) {
    c.refuse(
      'GatherND with batch axes and indices of several coordinates known only at run time has no derivative rule',
      'Make its indices constant, or gather along one axis',
    );
  }
  const batches = sizeOf(c.shape(0).slice(0, batchAxes));
  const rows = movable(b, c.inputs[1]!, c.shape(0)[batchAxes]!);
  return addAlong(c, batchAxes, reshape(b, rows, [batches, sizeOf(c.shape(1)) / batches, 1]));
}

/** Adds up into zeros, in f32 for f16 gradients: the WebGPU provider has no f16 atomics. */
export function accumulated(
  b: GraphBuilder,
  grad: string,
  shape: readonly number[],
  scatter: (zeros: string, updates: string) => string,
): string {
  const dtype = b.dtype(grad);
  const wide = dtype === 'float16' ? 'float32' : dtype;
  return cast(b, scatter(filled(b, 0, wide, shape), cast(b, grad, wide)), dtype);
}

/**
 * Adds the gradient's rows up along one axis of the first input, everything seen as [before, axis, after].
 *
 * @param rows int32 places, [before or 1, count, 1]
 */
function addAlong(c: RuleContext, axis: number, rows: string): string {
  const { b } = c;
  const shape = c.shape(0);
  const before = sizeOf(shape.slice(0, axis));
  const after = sizeOf(shape.slice(axis + 1));
  const lines = [before, b.shape(rows)[1]!, after];
  const places = expand(b, rows, lines);
  const sums = accumulated(b, reshape(b, c.grad, lines), [before, shape[axis]!, after], (zeros, updates) =>
    b.op('ScatterElements', [zeros, places, updates], { axis: 1, reduction: 'add' }),
  );
  return reshape(b, sums, shape);
}

/**
 * Indices into an axis of `size` elements, as int32 and counted from the start. The WebGPU provider takes int64 as
 * indices but neither reshapes nor casts it: reading a table of 0, 1, 2, ... at these indices does.
 */
function movable(b: GraphBuilder, indices: string, size: number): string {
  if (b.dtype(indices) === 'int32') return indices;
  const table = b.shared(
    tensorOf(
      'int32',
      [size],
      Array.from({ length: size }, (_, i) => i),
    ),
  );
  return b.op('Gather', [table, indices], { axis: 0 });
}

/** Index tuples with the coordinates of their batch in front. */
function withBatchCoordinates(indices: Tensor, batchAxes: number): Tensor {
  const depth = indices.shape.at(-1)!;
  const batch = indices.shape.slice(0, batchAxes);
  const inside = sizeOf(indices.shape.slice(batchAxes, -1));
  const values = intsOf(indices);
  const tuples = Array.from({ length: values.length / depth }, (_, tuple) => {
    const place = Math.floor(tuple / inside);
    const coordinates = batch.map((size, axis) => Math.floor(place / sizeOf(batch.slice(axis + 1))) % size);
    return [...coordinates, ...values.slice(tuple * depth, (tuple + 1) * depth)];
  });
  return tensorOf('int64', indices.shape.with(-1, batchAxes + depth), tuples.flat());
}
