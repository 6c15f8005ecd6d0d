import fc from 'fast-check';
import type { PlainAttributes } from '../../../onnx/builder.ts';
import { axisIn, type CaseTable, labelOf, seeds, shapes } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';
import { type Domain, distinct, uniform } from '../values.ts';

/** Any subset of the axes from either end, no axes at all, with and without keepdims. */
const reduction = (op: string, domain: Domain = uniform(-2, 2)): fc.Arbitrary<GradientCase> =>
  shapes(1).chain((shape) =>
    fc
      .tuple(
        fc.option(
          fc.subarray(
            shape.map((_, axis) => axis),
            { minLength: 1 },
          ),
          { nil: undefined },
        ),
        fc.boolean(),
        fc.constantFrom(0, 1),
        seeds,
      )
      .map(([axes, fromEnd, keepdims, seed]) => {
        const given = axes?.map((axis) => (fromEnd ? axis - shape.length : axis));
        const inputs = [{ shape, domain }];
        return {
          label: labelOf(op, inputs, { axes: given, keepdims }),
          inputs,
          seed,
          build: (b, [x]) => b.op(op, given ? [x!, b.ints(given)] : [x!], { keepdims }),
        };
      }),
  );

/** noop_with_empty_axes. */
const identity: fc.Arbitrary<GradientCase> = fc.tuple(shapes(1), seeds).map(([shape, seed]) => ({
  label: `ReduceSum [${shape.join(', ')}] over no axes`,
  inputs: [{ shape }],
  seed,
  build: (b, [x]) => b.op('ReduceSum', [x!], { noop_with_empty_axes: 1 }),
}));

/** A few of the elements are zero: one in a group, or several. */
const withZeros: Domain = (random, count) =>
  uniform(0.5, 2)(random, count).map((value) => (random() < 0.2 ? 0 : random() < 0.5 ? value : -value));

const cumulative: fc.Arbitrary<GradientCase> = shapes(1, 3).chain((shape) =>
  fc
    .tuple(axisIn(shape.length), fc.constantFrom(0, 1), fc.constantFrom(0, 1), seeds)
    .map(([axis, exclusive, reverse, seed]) => {
      const attributes: PlainAttributes = { exclusive, reverse };
      const inputs = [{ shape }];
      return {
        label: labelOf('CumSum', inputs, { axis, ...attributes }),
        inputs,
        seed,
        build: (b, [x]) => b.op('CumSum', [x!, b.scalar(axis, 'int64')], attributes),
      };
    }),
);

export const reductionCases: CaseTable = {
  ReduceSum: reduction('ReduceSum'),
  'ReduceSum identity': identity,
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax', distinct),
  ReduceMin: reduction('ReduceMin', distinct),
  ReduceProd: reduction('ReduceProd', withZeros),
  ReduceL1: reduction('ReduceL1', uniform(-2, 2, [0])),
  ReduceL2: reduction('ReduceL2', uniform(-2, 2, [0, 0.25, -0.25])),
  ReduceLogSum: reduction('ReduceLogSum', uniform(0.5, 3)),
  ReduceLogSumExp: reduction('ReduceLogSumExp'),
  ReduceSumSquare: reduction('ReduceSumSquare'),
  CumSum: cumulative,
};
