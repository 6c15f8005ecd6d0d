import fc from 'fast-check';
import { type CaseTable, seeds, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';

interface Geometry {
  batch: number;
  groups: number;
  inGroup: number;
  outGroup: number;
  bias: boolean;
  seed: number;
  axes: { kernel: number; stride: number; dilation: number; before: number; after: number; extra: number }[];
}

const geometry = (rank: number): fc.Arbitrary<Geometry> =>
  fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    groups: fc.constantFrom(1, 1, 2),
    inGroup: fc.integer({ min: 1, max: 2 }),
    outGroup: fc.integer({ min: 1, max: 2 }),
    bias: fc.boolean(),
    seed: seeds,
    axes: fc.array(
      fc.record({
        kernel: fc.integer({ min: 1, max: rank > 2 ? 2 : 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        before: fc.integer({ min: 0, max: 2 }),
        after: fc.integer({ min: 0, max: 2 }),
        extra: fc.integer({ min: 0, max: rank > 2 ? 1 : 3 }),
      }),
      { minLength: rank, maxLength: rank },
    ),
  });

const conv = (rank: number): fc.Arbitrary<GradientCase> =>
  geometry(rank).map(({ batch, groups, inGroup, outGroup, bias, seed, axes }) => {
    const image = axes.map(({ kernel, dilation, before, after, extra }) =>
      Math.max(1, (kernel - 1) * dilation + 1 + extra - before - after),
    );
    const kernel = axes.map((axis) => axis.kernel);
    const shapes = [
      [batch, groups * inGroup, ...image],
      [groups * outGroup, inGroup, ...kernel],
    ];
    if (bias) shapes.push([groups * outGroup]);
    return single(
      'Conv',
      shapes.map((shape) => ({ shape })),
      seed,
      {
        strides: axes.map(({ stride }) => stride),
        dilations: axes.map(({ dilation }) => dilation),
        pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
        group: groups,
      },
    );
  });

/** Side-by-side windows and single points have shorter derivatives of their own. */
const tiles: fc.Arbitrary<GradientCase> = fc
  .tuple(geometry(2), fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }))
  .map(([{ batch, inGroup, outGroup, bias, seed, axes }, down, across]) => {
    const kernel = axes.map((axis) => axis.kernel);
    const shapes = [
      [batch, inGroup, kernel[0]! * down, kernel[1]! * across],
      [outGroup, inGroup, ...kernel],
    ];
    if (bias) shapes.push([outGroup]);
    return single(
      'Conv',
      shapes.map((shape) => ({ shape })),
      seed,
      { strides: kernel },
    );
  });

const automatic: fc.Arbitrary<GradientCase> = fc
  .tuple(geometry(2), fc.constantFrom('SAME_UPPER', 'SAME_LOWER', 'VALID'))
  .map(([{ batch, inGroup, outGroup, seed, axes }, autoPad]) => {
    const kernel = axes.map((axis) => axis.kernel);
    const image = axes.map((axis) => axis.kernel + axis.extra);
    const inputs = [{ shape: [batch, inGroup, ...image] }, { shape: [outGroup, inGroup, ...kernel] }];
    return single('Conv', inputs, seed, { auto_pad: autoPad, strides: axes.map(({ stride }) => stride) });
  });

const convTranspose = (rank: number): fc.Arbitrary<GradientCase> =>
  geometry(rank)
    .map(({ batch, groups, inGroup, outGroup, bias, seed, axes }) => {
      const kernel = axes.map((axis) => axis.kernel);
      const positions = axes.map(({ extra }) => extra + 1);
      const shapes = [
        [batch, groups * inGroup, ...positions],
        [groups * inGroup, outGroup, ...kernel],
      ];
      if (bias) shapes.push([groups * outGroup]);
      const attributes = {
        strides: axes.map(({ stride }) => stride),
        dilations: axes.map(({ dilation }) => dilation),
        pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
        output_padding: axes.map(({ stride, extra }) => Math.min(stride - 1, extra)),
        group: groups,
      };
      const full = axes.map(
        ({ kernel, dilation, stride, before, after }, i) =>
          (positions[i]! - 1) * stride +
          (kernel - 1) * dilation +
          1 +
          attributes.output_padding[i]! -
          before -
          after,
      );
      return {
        full,
        made: single(
          'ConvTranspose',
          shapes.map((shape) => ({ shape })),
          seed,
          attributes,
        ),
      };
    })
    .filter(({ full }) => full.every((size) => size > 0))
    .map(({ made }) => made);

export const convolutionCases: CaseTable = {
  'Conv line': conv(1),
  'Conv image': conv(2),
  'Conv volume': conv(3),
  'Conv tiles': tiles,
  'Conv automatic padding': automatic,
  'ConvTranspose line': convTranspose(1),
  'ConvTranspose image': convTranspose(2),
};
