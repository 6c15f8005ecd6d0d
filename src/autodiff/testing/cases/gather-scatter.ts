import fc from 'fast-check';
import { sizeOf } from '../../../onnx/data-types.ts';
import { tensorOf } from '../../../onnx/tensors.ts';
import { axisIn, type CaseTable, labelOf, seeds, shapes } from '../arbitraries.ts';
import type { CaseInput, GradientCase } from '../case.ts';
import { randomFrom } from '../random.ts';
import { type Domain, distinct, integers } from '../values.ts';

const axisSize = (shape: readonly number[], axis: number): number => shape.at(axis)!;

/** Indices that the graph does not know: repeated and negative ones occur. */
const runtimeGather: fc.Arbitrary<GradientCase> = shapes(1, 3).chain((shape) =>
  fc.tuple(axisIn(shape.length), shapes(0, 2), seeds).map(([axis, indexShape, seed]) => {
    const size = axisSize(shape, axis);
    const indices: CaseInput = { shape: indexShape, domain: integers(-size, size), dtype: 'int64' };
    return {
      label: labelOf('Gather', [{ shape }, indices], { axis }),
      inputs: [{ shape }, indices],
      seed,
      build: (b, names) => b.op('Gather', names, { axis }),
    };
  }),
);

/** Constant indices: one, a run of neighbours, a permutation, evenly repeated, or anything. */
const constantGather: fc.Arbitrary<GradientCase> = shapes(1, 3, 2).chain((shape) =>
  axisIn(shape.length).chain((axis) => {
    const size = axisSize(shape, axis);
    const all = Array.from({ length: size }, (_, i) => i);
    const indices = fc.oneof(
      fc.integer({ min: -size, max: size - 1 }).map((index) => ({ shape: [], values: [index] })),
      fc
        .tuple(fc.nat(size - 1), fc.integer({ min: 1, max: size }))
        .map(([start, count]) => all.slice(start, start + count))
        .map((values) => ({ shape: [values.length], values })),
      fc.shuffledSubarray(all, { minLength: 1 }).map((values) => ({ shape: [values.length], values })),
      fc.constant(all.flatMap((i) => [i, i])).map((values) => ({ shape: [size, 2], values })),
      fc
        .array(fc.integer({ min: -size, max: size - 1 }), { minLength: 1, maxLength: 6 })
        .map((values) => ({ shape: [1, values.length], values })),
    );
    return fc.tuple(indices, seeds).map(([index, seed]) => ({
      label: labelOf('Gather', [{ shape }], { axis, index }),
      inputs: [{ shape }],
      seed,
      build: (b, [x]) =>
        b.op('Gather', [x!, b.shared(tensorOf('int64', index.shape, index.values))], { axis }),
    }));
  }),
);

const gatherElements: fc.Arbitrary<GradientCase> = shapes(1, 3).chain((shape) =>
  fc.tuple(axisIn(shape.length), fc.integer({ min: 1, max: 5 }), seeds).map(([axis, taken, seed]) => {
    const size = axisSize(shape, axis);
    const indexShape = shape.with(axis, taken);
    const indices: CaseInput = { shape: indexShape, domain: integers(-size, size), dtype: 'int64' };
    return {
      label: labelOf('GatherElements', [{ shape }, indices], { axis }),
      inputs: [{ shape }, indices],
      seed,
      build: (b, names) => b.op('GatherElements', names, { axis }),
    };
  }),
);

/** Index tuples into `shape`, of which each coordinate stays within its axis; all tuples differ when asked to. */
function tuplesInto(shape: readonly number[], depth: number, differ: boolean): Domain {
  return (random, count) => {
    const places = sizeOf(shape.slice(0, depth));
    const order = Array.from({ length: places }, (_, i) => i).sort(() => random() - 0.5);
    return Array.from({ length: count / depth }, (_, i) => {
      let place = differ ? order[i]! : Math.floor(random() * places);
      const tuple: number[] = [];
      for (const size of shape.slice(0, depth).toReversed()) {
        tuple.unshift(place % size);
        place = Math.floor(place / size);
      }
      return tuple;
    }).flat();
  };
}

/** Known only at run time; with batch axes one coordinate a tuple, as the rule asks. */
const runtimeGatherND: fc.Arbitrary<GradientCase> = tuplesOf((batchAxes) => (batchAxes > 0 ? 1 : 3)).map(
  ({ shape, batchAxes, indices, seed }) => ({
    label: labelOf('GatherND', [{ shape }, indices], { batchAxes }),
    inputs: [{ shape }, indices],
    seed,
    build: (b, names) => b.op('GatherND', names, { batch_dims: batchAxes }),
  }),
);

const constantGatherND: fc.Arbitrary<GradientCase> = tuplesOf(() => 3).map(
  ({ shape, batchAxes, indices, seed }) => {
    const values = indices.domain(randomFrom(seed), sizeOf(indices.shape));
    return {
      label: labelOf('GatherND constant', [{ shape }, indices], { batchAxes, values }),
      inputs: [{ shape }],
      seed,
      build: (b, [x]) =>
        b.op('GatherND', [x!, b.shared(tensorOf('int64', indices.shape, values))], { batch_dims: batchAxes }),
    };
  },
);

/** A shape, a number of batch axes and indices into the rest, repeated ones included. */
function tuplesOf(mostCoordinates: (batchAxes: number) => number) {
  return shapes(1, 3).chain((shape) =>
    fc
      .tuple(
        fc.nat(Math.min(2, shape.length - 1)),
        fc.integer({ min: 1, max: shape.length }),
        fc.integer({ min: 1, max: 4 }),
        seeds,
      )
      .map(([batchAxes, wanted, count, seed]) => {
        const inside = shape.slice(batchAxes);
        const depth = Math.min(wanted, inside.length, mostCoordinates(batchAxes));
        const indices = {
          shape: [...shape.slice(0, batchAxes), count, depth],
          domain: tuplesInto(inside, depth, false),
          dtype: 'int64' as const,
        };
        return { shape, batchAxes, indices, seed };
      }),
  );
}

const scatterND = (reduction: 'none' | 'add'): fc.Arbitrary<GradientCase> =>
  shapes(1, 3).chain((shape) =>
    fc
      .tuple(fc.integer({ min: 1, max: shape.length }), fc.integer({ min: 1, max: 4 }), seeds)
      .map(([depth, wanted, seed]) => {
        const count = Math.min(wanted, sizeOf(shape.slice(0, depth)));
        const indices: CaseInput = {
          shape: [count, depth],
          domain: tuplesInto(shape, depth, reduction === 'none'),
          dtype: 'int64',
        };
        const inputs = [{ shape }, indices, { shape: [count, ...shape.slice(depth)] }];
        return {
          label: labelOf('ScatterND', inputs, { reduction }),
          inputs,
          seed,
          build: (b, names) => b.op('ScatterND', names, { reduction }),
        };
      }),
  );

/** Along an axis every line gets different indices, as `none` demands. */
const differentAlong =
  (shape: readonly number[], axis: number, size: number): Domain =>
  (random, count) => {
    const at = axis < 0 ? axis + shape.length : axis;
    const inner = sizeOf(shape.slice(at + 1));
    const shift = Array.from({ length: count }, () => Math.floor(random() * size));
    return Array.from({ length: count }, (_, i) => {
      const along = Math.floor(i / inner) % shape[at]!;
      const line = Math.floor(i / inner / shape[at]!) * inner + (i % inner);
      return (along + shift[line]!) % size;
    });
  };

const scatterElements = (reduction: 'none' | 'add'): fc.Arbitrary<GradientCase> =>
  shapes(1, 3).chain((shape) =>
    fc.tuple(axisIn(shape.length), fc.integer({ min: 1, max: 4 }), seeds).map(([axis, wanted, seed]) => {
      const size = axisSize(shape, axis);
      const indexShape = shape.with(axis, Math.min(wanted, size));
      const domain = reduction === 'none' ? differentAlong(indexShape, axis, size) : integers(-size, size);
      const inputs = [
        { shape },
        { shape: indexShape, domain, dtype: 'int64' as const },
        { shape: indexShape },
      ];
      return {
        label: labelOf('ScatterElements', inputs, { axis, reduction }),
        inputs,
        seed,
        build: (b, names) => b.op('ScatterElements', names, { axis, reduction }),
      };
    }),
  );

const topK: fc.Arbitrary<GradientCase> = shapes(1, 3).chain((shape) =>
  fc
    .tuple(axisIn(shape.length), fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 1), seeds)
    .map(([axis, wanted, largest, seed]) => {
      const k = Math.min(wanted, axisSize(shape, axis));
      const inputs = [{ shape, domain: distinct }];
      return {
        label: labelOf('TopK', inputs, { axis, k, largest }),
        inputs,
        seed,
        build: (b, [x]) => b.ops('TopK', [x!, b.ints([k])], { axis, largest }, 2)[0]!,
      };
    }),
);

export const gatherScatterCases: CaseTable = {
  'Gather runtime': runtimeGather,
  'Gather constant': constantGather,
  GatherElements: gatherElements,
  'GatherND runtime': runtimeGatherND,
  'GatherND constant': constantGatherND,
  'ScatterElements none': scatterElements('none'),
  'ScatterElements add': scatterElements('add'),
  'ScatterND none': scatterND('none'),
  'ScatterND add': scatterND('add'),
  TopK: topK,
};
