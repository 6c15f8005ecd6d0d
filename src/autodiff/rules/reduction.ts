import { sizeOf } from '../../onnx/data-types.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { signed } from './elementwise.ts';
import { axisOf, cast, div, equal, exp, expand, mul, neg, sub, sum, where } from './expressions.ts';

/** A reduction seen with its reduced axes kept at size one, so that everything broadcasts against the input. */
interface Reduction {
  x: string;
  /** Output and its gradient. */
  y: string;
  g: string;
  axes: readonly number[];
  /** Elements that meet in one output. */
  count: number;
}

/**
 * A rule for a reduction. `derivative` returns the gradient of the input, or anything that broadcasts to it.
 * Without axes the operator is either over all axes or, by its attribute, the identity.
 */
const reduce =
  (derivative: (c: RuleContext, r: Reduction) => string): Rule =>
  (c) => {
    const shape = c.shape(0);
    const axes = reducedAxes(c, shape.length);
    if (axes === 'none') return [identity(c)];
    const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const g = reshape(c.b, c.grad, kept);
    // The output is reshaped only when the rule reads it.
    const r: Reduction = {
      x: c.inputs[0]!,
      get y() {
        return reshape(c.b, c.outputs[0]!, kept);
      },
      g,
      axes,
      count: sizeOf(axes.map((axis) => shape[axis]!)),
    };
    return [expand(c.b, derivative(c, r), shape)];
  };

export const reduction: RuleTable = {
  ReduceSum: reduce((_, { g }) => g),
  ReduceMean: reduce(({ b }, { g, count }) => mul(b, g, 1 / count)),
  ReduceSumSquare: reduce(({ b }, { g, x }) => mul(b, mul(b, g, 2), x)),
  ReduceMax: reduce(shared),
  ReduceMin: reduce(shared),
  ReduceProd: reduce(othersProduct),
  ReduceL1: reduce(({ b }, { g, x }) => signed(b, g, x)),

  // At the origin the gradient is zero, as in PyTorch's norm.
  ReduceL2: reduce(({ b }, { g, x, y }) => {
    const norm = y;
    return mul(b, where(b, equal(b, norm, 0), 0, div(b, g, norm)), x);
  }),

  // 1 / sum(x), and the output is the sum's logarithm.
  ReduceLogSum: reduce(({ b }, { g, y }) => mul(b, g, exp(b, neg(b, y)))),
  ReduceLogSumExp: reduce(({ b }, { g, x, y }) => mul(b, exp(b, sub(b, x, y)), g)),

  CumSum: (c) => [
    c.b.op('CumSum', [c.grad, c.inputs[1]!], {
      exclusive: c.int('exclusive', 0),
      reverse: 1 - c.int('reverse', 0),
    }),
  ],
};

/** Elements that tie for the extremum share its gradient equally (PyTorch's amax and amin). */
function shared({ b }: RuleContext, { x, y, g, axes }: Reduction): string {
  const mask = equal(b, x, y);
  const count = sum(b, cast(b, mask, b.dtype(g)), axes);
  return where(b, mask, div(b, g, count), 0);
}

/**
 * The product of all the other elements, exact where some are zero: with one zero in a group only that element has
 * a gradient, with two or more none has.
 */
function othersProduct({ b }: RuleContext, { x, g, axes }: Reduction): string {
  const zero = equal(b, x, 0);
  const zeros = sum(b, cast(b, zero, b.dtype(x)), axes);
  const safe = where(b, zero, 1, x);
  const product = mul(b, g, b.op('ReduceProd', [safe, b.ints(axes)], { keepdims: 1 }));
  const atZero = where(b, equal(b, zeros, 1), product, 0);
  const elsewhere = where(b, equal(b, zeros, 0), product, 0);
  return where(b, zero, atZero, div(b, elsewhere, safe));
}

const keepsValues = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'];

/** noop_with_empty_axes: nothing is reduced. The definition leaves open what the others do to single elements. */
function identity(c: RuleContext): string {
  if (keepsValues.includes(c.node.op)) return c.grad;
  return c.refuse(
    `${c.node.op} with noop_with_empty_axes and no axes is not defined alike by all runtimes`,
    'Give the axes, or replace it by the elementwise function',
  );
}

function reducedAxes(c: RuleContext, rank: number): readonly number[] | 'none' {
  const all = Array.from({ length: rank }, (_, i) => i);
  const given = c.inputs[1] ? c.ints(1) : (c.intList('axes') ?? []);
  if (given.length > 0) return given.map((axis) => axisOf(axis, rank));
  return c.int('noop_with_empty_axes', 0) === 1 ? 'none' : all;
}
