import fc from 'fast-check';
import { float } from '../../../onnx/builder.ts';
import { axisIn, type CaseTable, labelOf, seeds, shapes, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';
import { uniform } from '../values.ts';

/** Large enough that a norm of few and close elements is still smooth on the scale of a finite difference. */
const epsilon = float(0.5);

/** These are defined in float32, whatever the type of their input. */
const inFloat32 = (c: GradientCase): GradientCase => ({ ...c, dtype: 'float32' });

const layerNormalization: fc.Arbitrary<GradientCase> = shapes(1, 3, 2).chain((shape) =>
  fc.tuple(axisIn(shape.length), fc.boolean(), seeds).map(([axis, bias, seed]) => {
    const side = { shape: shape.slice(axis) };
    const inputs = [{ shape }, side, ...(bias ? [side] : [])];
    return inFloat32(single('LayerNormalization', inputs, seed, { axis, epsilon }));
  }),
);

const rmsNormalization: fc.Arbitrary<GradientCase> = shapes(1, 3, 2).chain((shape) =>
  fc.tuple(axisIn(shape.length), seeds).map(([axis, seed]) => {
    const inputs = [{ shape }, { shape: shape.slice(axis) }];
    return inFloat32({ ...single('RMSNormalization', inputs, seed, { axis, epsilon }), opset: 23 });
  }),
);

const images = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 2 }),
  inGroup: fc.integer({ min: 1, max: 2 }),
  spatial: fc.array(fc.integer({ min: 2, max: 3 }), { minLength: 1, maxLength: 2 }),
  seed: seeds,
});

const groupNormalization: fc.Arbitrary<GradientCase> = images.map(
  ({ batch, groups, inGroup, spatial, seed }) => {
    const channels = groups * inGroup;
    const inputs = [{ shape: [batch, channels, ...spatial] }, { shape: [channels] }, { shape: [channels] }];
    return inFloat32(single('GroupNormalization', inputs, seed, { num_groups: groups, epsilon }));
  },
);

const instanceNormalization: fc.Arbitrary<GradientCase> = images.map(({ batch, groups, spatial, seed }) => {
  const inputs = [{ shape: [batch, groups, ...spatial] }, { shape: [groups] }, { shape: [groups] }];
  return inFloat32(single('InstanceNormalization', inputs, seed, { epsilon }));
});

const batchNormalization: fc.Arbitrary<GradientCase> = images.map(({ batch, groups, spatial, seed }) => {
  const vector = { shape: [groups] };
  const variance = { shape: [groups], domain: uniform(0.5, 2) };
  const inputs = [{ shape: [batch, groups, ...spatial] }, vector, vector, vector, variance];
  return single('BatchNormalization', inputs, seed, { epsilon });
});

const lpNormalization = (p: number): fc.Arbitrary<GradientCase> =>
  shapes(1).chain((shape) =>
    fc.tuple(axisIn(shape.length), seeds).map(([axis, seed]) => {
      const inputs = [{ shape, domain: uniform(-3, 3, [0, 0.25, -0.25]) }];
      return {
        ...single('LpNormalization', inputs, seed, { axis, p }),
        label: labelOf('LpNormalization', inputs, { axis, p }),
      };
    }),
  );

export const normalisationCases: CaseTable = {
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  BatchNormalization: batchNormalization,
  'LpNormalization 1': lpNormalization(1),
  'LpNormalization 2': lpNormalization(2),
};
