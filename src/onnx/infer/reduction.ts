import type { TensorType } from '../model.ts';
import type { InferContext, InferRule, InferTable } from './context.ts';
import { same } from './elementwise.ts';
import { axesOf, axisOf } from './shapes.ts';

/** The reductions take their axes as an attribute before opset `since` and as an input from then on. */
const reduce =
  (since: number): InferRule =>
  (c) => {
    const input = c.shape(0);
    const given = c.moved('axes', 1, since);
    const none = !given || given.length === 0;
    if (none && c.int('noop_with_empty_axes', 0) !== 0) return [c.type(0)];
    const axes = none ? input.map((_, i) => i) : axesOf(c, given, input.length);
    return [{ dtype: c.dtype(0), shape: reducedShape(input, axes, c.int('keepdims', 1) !== 0) }];
  };

/** The shape left when `axes` are reduced. */
function reducedShape(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  return keep ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
}

function argExtreme(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const axis = axisOf(c, c.int('axis', 0), input.length);
  return [{ dtype: 'int64', shape: reducedShape(input, [axis], c.int('keepdims', 1) !== 0) }];
}

const alongAxis =
  (otherwise: number): InferRule =>
  (c) => {
    const rank = c.shape(0).length;
    const axis = c.int('axis', otherwise);
    if (rank > 0) axisOf(c, axis, rank);
    return [c.type(0)];
  };

const softmax: InferRule = (c) => alongAxis(c.opset >= 13 ? -1 : 1)(c);

export const reduction: InferTable = {
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  CumProd: same,
  CumSum: same,
  Hardmax: softmax,
  LogSoftmax: softmax,
  ReduceL1: reduce(18),
  ReduceL2: reduce(18),
  ReduceLogSum: reduce(18),
  ReduceLogSumExp: reduce(18),
  ReduceMax: reduce(18),
  ReduceMean: reduce(18),
  ReduceMin: reduce(18),
  ReduceProd: reduce(18),
  ReduceSum: reduce(13),
  ReduceSumSquare: reduce(18),
  Softmax: softmax,
};
