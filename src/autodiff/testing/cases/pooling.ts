import fc from 'fast-check';
import { type CaseTable, seeds, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';
import { distinct } from '../values.ts';

const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    before: fc.integer({ min: 0, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
    extra: fc.integer({ min: 0, max: 2 }),
  })
  // A window may start or end in the padding, but not lie in it.
  .map((a) => ({ ...a, before: Math.min(a.before, a.kernel - 1), after: Math.min(a.after, a.kernel - 1) }));

const pool = (op: 'AveragePool' | 'MaxPool', rank: number): fc.Arbitrary<GradientCase> =>
  fc
    .record({
      planes: fc.constantFrom([1, 1], [1, 2], [2, 1]),
      axes: fc.array(axis, { minLength: rank, maxLength: rank }),
      ceil: fc.boolean(),
      counted: fc.constantFrom(0, 1),
      seed: seeds,
    })
    .map(({ planes, axes, ceil, counted, seed }) => {
      const image = axes.map(({ kernel, dilation, extra }) => (kernel - 1) * dilation + 1 + extra);
      const input = { shape: [...planes, ...image], ...(op === 'MaxPool' ? { domain: distinct } : {}) };
      return single(op, [input], seed, {
        kernel_shape: axes.map(({ kernel }) => kernel),
        strides: axes.map(({ stride }) => stride),
        dilations: axes.map(({ dilation }) => dilation),
        pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
        ceil_mode: ceil ? 1 : 0,
        ...(op === 'AveragePool' ? { count_include_pad: counted } : {}),
      });
    });

const global = (op: string): fc.Arbitrary<GradientCase> =>
  fc
    .tuple(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 4 }), seeds)
    .map(([shape, seed]) => single(op, [{ shape, domain: distinct }], seed));

export const poolingCases: CaseTable = {
  'AveragePool line': pool('AveragePool', 1),
  'AveragePool image': pool('AveragePool', 2),
  'MaxPool line': pool('MaxPool', 1),
  'MaxPool image': pool('MaxPool', 2),
  GlobalAveragePool: global('GlobalAveragePool'),
  GlobalMaxPool: global('GlobalMaxPool'),
};
