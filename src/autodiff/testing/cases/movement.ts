import fc from 'fast-check';
import { sizeOf } from '../../../onnx/data-types.ts';
import { axisIn, broadcastable, type CaseTable, labelOf, seeds, shapes, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';

const some = (count: number) => fc.array(fc.boolean(), { minLength: count, maxLength: count });

const reshapeTo: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.constantFrom('flat', 'reversed', 'inferred'), seeds)
  .map(([shape, form, seed]) => {
    const target =
      form === 'flat'
        ? [sizeOf(shape)]
        : form === 'reversed'
          ? [1, ...shape.toReversed()]
          : [-1, ...shape.slice(0, 1)];
    return {
      label: `Reshape [${shape.join(', ')}] to [${target.join(', ')}]`,
      inputs: [{ shape }],
      seed,
      build: (b, [x]) => b.op('Reshape', [x!, b.ints(target)]),
    };
  });

const flatten: fc.Arbitrary<GradientCase> = shapes().chain((shape) =>
  fc
    .tuple(fc.integer({ min: -shape.length, max: shape.length }), seeds)
    .map(([axis, seed]) => single('Flatten', [{ shape }], seed, { axis })),
);

const squeeze: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(1), fc.boolean(), seeds)
  .map(([shape, explicit, seed]) => {
    const wide = shape.flatMap((size) => [1, size]);
    return {
      label: `Squeeze [${wide.join(', ')}] ${explicit ? 'of the axes added' : 'of every axis of one'}`,
      inputs: [{ shape: wide }],
      seed,
      build: (b, [x]) =>
        b.op('Squeeze', explicit ? [x!, b.ints(shape.map((_, i) => 2 * i - wide.length))] : [x!]),
    };
  });

const unsqueeze: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(0, 3), fc.boolean(), seeds)
  .map(([shape, fromEnd, seed]) => ({
    label: `Unsqueeze [${shape.join(', ')}]`,
    inputs: [{ shape }],
    seed,
    build: (b, [x]) => b.op('Unsqueeze', [x!, b.ints(fromEnd ? [-1, 0] : [0])]),
  }));

const transpose: fc.Arbitrary<GradientCase> = shapes(1).chain((shape) => {
  const axes = shape.map((_, i) => i);
  return fc
    .tuple(fc.option(fc.shuffledSubarray(axes, { minLength: axes.length }), { nil: undefined }), seeds)
    .map(([perm, seed]) => single('Transpose', [{ shape }], seed, { perm }));
});

const expandTo: fc.Arbitrary<GradientCase> = fc
  .tuple(broadcastable(2), seeds)
  .map(([[shape, target], seed]) => ({
    label: `Expand [${shape!.join(', ')}] by [${target!.join(', ')}]`,
    inputs: [{ shape: shape! }],
    seed,
    build: (b, [x]) => b.op('Expand', [x!, b.ints(target!)]),
  }));

/** Up to ten parts, of which some or all are differentiated: few are split off, many or one are sliced out. */
const concat: fc.Arbitrary<GradientCase> = shapes(1, 3).chain((shape) =>
  fc
    .tuple(
      axisIn(shape.length),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 10 }),
      some(10),
      fc.boolean(),
      seeds,
    )
    .map(([axis, sizes, chosen, all, seed]) => {
      const inputs = sizes.map((size) => ({ shape: shape.with(axis, size) }));
      const targets = sizes.flatMap((_, i) => (all || i === 0 || chosen[i] ? [i] : []));
      return { ...single('Concat', inputs, seed, { axis }), targets };
    }),
);

/** By sizes or by a number of parts; the loss uses all of the parts or only some. */
const split: fc.Arbitrary<GradientCase> = shapes(1, 3).chain((shape) =>
  fc
    .tuple(
      axisIn(shape.length),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      some(5),
      seeds,
    )
    .map(([axis, parts, bySize, used, seed]) => {
      const total = parts.reduce((n, size) => n + size, 0);
      const count = bySize ? parts.length : Math.ceil(total / Math.ceil(total / parts.length));
      const inputs = [{ shape: shape.with(axis, total) }];
      return {
        label: labelOf(`Split into ${bySize ? parts.join(', ') : count}`, inputs, { axis, used }),
        inputs,
        seed,
        build: (b, [x]) => {
          const outputs = bySize
            ? b.ops('Split', [x!, b.ints(parts)], { axis }, count)
            : b.ops('Split', [x!], { axis, num_outputs: count }, count);
          const kept = outputs.filter((_, i) => used[i]);
          return kept.length > 0 ? kept : outputs;
        },
      };
    }),
);

/** What is taken of an axis, first as a start, a count and a step, then in the operator's own terms. */
const rangeOf = (size: number) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: size - 1 }),
      fc.integer({ min: 1, max: size }),
      fc.constantFrom(1, 1, 2, 3, -1, -2),
      fc.boolean(),
    )
    .map(([start, count, step, fromEnd]) => {
      const room = step > 0 ? size - start : start + 1;
      const taken = Math.min(count, Math.ceil(room / Math.abs(step)));
      const end = start + taken * step;
      return {
        start: fromEnd ? start - size : start,
        // A negative end would count from the end: before the first element lies -size - 1.
        end: end < 0 ? -size - 1 : end >= size ? 2 ** 63 : end,
        step,
      };
    });

const slice: fc.Arbitrary<GradientCase> = shapes(1, 4).chain((shape) =>
  fc
    .tuple(fc.tuple(...shape.map(rangeOf)), some(shape.length), fc.boolean(), seeds)
    .map(([ranges, chosen, plain, seed]) => {
      const axes = shape.flatMap((_, i) => (plain || i === 0 || chosen[i] ? [i] : []));
      const taken = axes.map((axis) => ranges[axis]!);
      const inputs = [{ shape }];
      return {
        label: labelOf('Slice', inputs, { axes, taken }),
        inputs,
        seed,
        build: (b, [x]) =>
          b.op('Slice', [
            x!,
            b.ints(taken.map(({ start }) => start)),
            b.ints(taken.map(({ end }) => end)),
            b.ints(axes.map((axis) => (plain ? axis : axis - shape.length))),
            b.ints(taken.map(({ step }) => step)),
          ]),
      };
    }),
);

const padConstant: fc.Arbitrary<GradientCase> = shapes(1, 3, 2).chain((shape) =>
  fc
    .tuple(
      fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 2 * shape.length, maxLength: 2 * shape.length }),
      fc.boolean(),
      seeds,
    )
    .map(([drawn, filled, seed]) => {
      // A negative amount takes an element away: at most one, so that some are left.
      const amounts = drawn.map((amount, i) =>
        i >= shape.length && drawn[i - shape.length]! < 0 ? 1 : amount,
      );
      const inputs = [{ shape }, ...(filled ? [{ shape: [] }] : [])];
      return {
        label: labelOf('Pad', inputs, amounts),
        inputs,
        seed,
        build: (b, [x, fill]) => b.op('Pad', [x!, b.ints(amounts), ...(fill ? [fill] : [])]),
      };
    }),
);

const padCopying = (mode: 'reflect' | 'edge' | 'wrap'): fc.Arbitrary<GradientCase> =>
  shapes(1, 3, 2).chain((shape) =>
    fc
      .tuple(
        fc.integer({ min: 0, max: shape.length - 1 }),
        fc.tuple(...shape.flatMap((size) => [fc.nat(size - 1), fc.nat(size - 1)])),
        seeds,
      )
      .map(([from, amounts, seed]) => {
        const axes = shape.flatMap((_, axis) => (axis >= from ? [axis] : []));
        const before = axes.map((axis) => amounts[2 * axis]!);
        const after = axes.map((axis) => amounts[2 * axis + 1]!);
        const inputs = [{ shape }];
        return {
          label: labelOf(`Pad ${mode}`, inputs, { axes, before, after }),
          inputs,
          seed,
          build: (b, [x]) => b.op('Pad', [x!, b.ints([...before, ...after]), '', b.ints(axes)], { mode }),
        };
      }),
  );

const tile: fc.Arbitrary<GradientCase> = shapes(1, 4).chain((shape) =>
  fc
    .tuple(
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: shape.length, maxLength: shape.length }),
      seeds,
    )
    .map(([repeats, seed]) => ({
      label: `Tile [${shape.join(', ')}] by [${repeats.join(', ')}]`,
      inputs: [{ shape }],
      seed,
      build: (b, [x]) => b.op('Tile', [x!, b.ints(repeats)]),
    })),
);

const small = fc.integer({ min: 1, max: 2 });

const depthToSpace: fc.Arbitrary<GradientCase> = fc
  .tuple(small, small, small, small, fc.constantFrom('DCR', 'CRD'), seeds)
  .map(([n, c, h, w, mode, seed]) =>
    single('DepthToSpace', [{ shape: [n, 4 * c, h, w] }], seed, { blocksize: 2, mode }),
  );

const spaceToDepth: fc.Arbitrary<GradientCase> = fc
  .tuple(small, small, small, small, seeds)
  .map(([n, c, h, w, seed]) =>
    single('SpaceToDepth', [{ shape: [n, c, 2 * h, 2 * w] }], seed, { blocksize: 2 }),
  );

const trilu: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(2, 4), fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined }), fc.boolean(), seeds)
  .map(([shape, diagonal, upper, seed]) => ({
    label: `Trilu [${shape.join(', ')}] ${upper ? 'upper' : 'lower'} from ${diagonal ?? 'the diagonal'}`,
    inputs: [{ shape }],
    seed,
    build: (b, [x]) =>
      b.op('Trilu', diagonal === undefined ? [x!] : [x!, b.scalar(diagonal, 'int64')], {
        upper: upper ? 1 : 0,
      }),
  }));

export const movementCases: CaseTable = {
  Reshape: reshapeTo,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expandTo,
  Concat: concat,
  Split: split,
  Slice: slice,
  'Pad constant': padConstant,
  'Pad reflect': padCopying('reflect'),
  'Pad edge': padCopying('edge'),
  'Pad wrap': padCopying('wrap'),
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Trilu: trilu,
};
