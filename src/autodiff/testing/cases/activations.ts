import fc from 'fast-check';
import { float, type PlainAttributes } from '../../../onnx/builder.ts';
import { type CaseTable, seeds, shapes, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';
import { type Domain, uniform } from '../values.ts';

const smooth = uniform(-3, 3);
const kinkAtZero = uniform(-3, 3, [0]);

/** Attributes are left at their defaults, or drawn from the given ranges. */
const activation = (
  op: string,
  domain: Domain = smooth,
  ranges: Record<string, [low: number, high: number]> = {},
): fc.Arbitrary<GradientCase> =>
  fc
    .tuple(shapes(), attributesIn(ranges), seeds)
    .map(([shape, attributes, seed]) => single(op, [{ shape, domain }], seed, attributes));

function attributesIn(ranges: Record<string, [number, number]>): fc.Arbitrary<PlainAttributes> {
  const drawn = Object.entries(ranges).map(([name, [low, high]]) =>
    fc
      .float({ min: Math.fround(low), max: Math.fround(high), noNaN: true })
      .map((value) => [name, float(value)] as const),
  );
  return fc.oneof(
    fc.constant({}),
    fc.tuple(...drawn).map((entries) => Object.fromEntries(entries)),
  );
}

/** The slope is of the input's shape, or broadcasts to it. */
const prelu: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), seeds)
  .map(([shape, ones, dropped, seed]) => {
    const slope = shape.map((size, i) => (ones[i] ? 1 : size)).slice(Math.min(dropped, shape.length));
    return single('PRelu', [{ shape, domain: kinkAtZero }, { shape: slope }], seed);
  });

/** Kinks move with alpha and beta, so these attributes are drawn from a few values. */
const hardSigmoid: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.constantFrom([0.2, 0.5], [0.25, 0.25], [0.5, 0.75]), seeds)
  .map(([shape, [alpha, beta], seed]) => {
    const kinks = [-beta! / alpha!, (1 - beta!) / alpha!];
    const attributes = { alpha: float(alpha!), beta: float(beta!) };
    return single('HardSigmoid', [{ shape, domain: uniform(-4, 4, kinks) }], seed, attributes);
  });

const thresholded: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.constantFrom(1, 0.5, -0.5), seeds)
  .map(([shape, alpha, seed]) =>
    single('ThresholdedRelu', [{ shape, domain: uniform(-3, 3, [alpha]) }], seed, { alpha: float(alpha) }),
  );

const shrink: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.constantFrom(0.5, 1), fc.constantFrom(0, 0.5), seeds)
  .map(([shape, lambd, bias, seed]) =>
    single('Shrink', [{ shape, domain: uniform(-3, 3, [-lambd, lambd]) }], seed, {
      lambd: float(lambd),
      bias: float(bias),
    }),
  );

const exactGelu: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), seeds)
  .map(([shape, seed]) => single('Gelu', [{ shape, domain: smooth }], seed, { approximate: 'none' }));

/** onnxruntime expands it with constants of float32 whatever the type. */
const tanhGelu: fc.Arbitrary<GradientCase> = fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
  ...single('Gelu', [{ shape, domain: smooth }], seed, { approximate: 'tanh' }),
  dtype: 'float32',
}));

/** Defined for float32 alone. */
const celu: fc.Arbitrary<GradientCase> = activation('Celu', kinkAtZero, { alpha: [0.5, 2] }).map((c) => ({
  ...c,
  dtype: 'float32',
}));

/** Swish is younger than the operator set that graphs are written in: it is checked in its own. */
const swish: fc.Arbitrary<GradientCase> = activation('Swish', smooth, { alpha: [0.5, 2] }).map((c) => ({
  ...c,
  opset: 24,
}));

export const activationCases: CaseTable = {
  Sigmoid: activation('Sigmoid'),
  Tanh: activation('Tanh'),
  Relu: activation('Relu', kinkAtZero),
  LeakyRelu: activation('LeakyRelu', kinkAtZero, { alpha: [0.05, 0.5] }),
  ThresholdedRelu: thresholded,
  PRelu: prelu,
  Elu: activation('Elu', kinkAtZero, { alpha: [0.25, 2] }),
  Selu: activation('Selu', kinkAtZero, { alpha: [0.5, 2], gamma: [0.5, 2] }),
  Celu: celu,
  HardSigmoid: hardSigmoid,
  HardSwish: activation('HardSwish', uniform(-5, 5, [-3, 3])),
  Shrink: shrink,
  Softplus: activation('Softplus'),
  Softsign: activation('Softsign', kinkAtZero),
  'Gelu none': exactGelu,
  'Gelu tanh': tanhGelu,
  Swish: swish,
  'com.microsoft::QuickGelu': activation('com.microsoft::QuickGelu', smooth, { alpha: [0.5, 2] }),
  Mish: activation('Mish'),
};
