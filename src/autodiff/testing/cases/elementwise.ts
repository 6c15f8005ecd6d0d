import fc from 'fast-check';
import { codeOf } from '../../../onnx/data-types.ts';
import { tensorOf } from '../../../onnx/tensors.ts';
import { broadcastable, type CaseTable, labelOf, seeds, shapes, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';
import { bits, type Domain, distinct, exactly, uniform } from '../values.ts';

const positive = uniform(0.5, 3);
const awayFromZero = uniform(-3, 3, [0, 0.25, -0.25]);

const unary = (op: string, domain?: Domain): fc.Arbitrary<GradientCase> =>
  fc
    .tuple(shapes(), seeds)
    .map(([shape, seed]) => single(op, [domain ? { shape, domain } : { shape }], seed));

const binary = (op: string, left?: Domain, right?: Domain): fc.Arbitrary<GradientCase> =>
  fc.tuple(broadcastable(2), seeds).map(([[x, y], seed]) => {
    const inputs = [
      { shape: x!, ...(left ? { domain: left } : {}) },
      { shape: y!, ...(right ? { domain: right } : {}) },
    ];
    return single(op, inputs, seed);
  });

const variadic = (op: string): fc.Arbitrary<GradientCase> =>
  fc
    .integer({ min: 1, max: 3 })
    .chain((count) => fc.tuple(broadcastable(count), seeds))
    .map(([all, seed]) =>
      single(
        op,
        all.map((shape) => ({ shape })),
        seed,
      ),
    );

/** Operands whose elements never meet: each takes its values from rows of its own. */
const extremum = (op: string): fc.Arbitrary<GradientCase> =>
  fc
    .integer({ min: 1, max: 3 })
    .chain((count) => fc.tuple(broadcastable(count), seeds))
    .map(([all, seed]) =>
      single(
        op,
        all.map((shape, i) => {
          const domain: Domain = (random, count) => distinct(random, count).map((value) => 3 * value + i / 4);
          return { shape, domain };
        }),
        seed,
      ),
    );

const constantExponent = fc.constantFrom(2, 3, 4, 1, 0, 0.5, 1.5, -1, -0.5, -2);

/** Integer exponents also take negative bases. */
const powerOfNumber: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), constantExponent, fc.constantFrom([], [1]), seeds)
  .map(([shape, exponent, exponentShape, seed]) => {
    const domain = Number.isInteger(exponent) ? awayFromZero : positive;
    return {
      label: `Pow [${shape.join(', ')}] to ${exponent}`,
      inputs: [{ shape, domain }],
      seed,
      build: (b, [x]) => b.op('Pow', [x!, b.shared(tensorOf(b.dtype(x!), exponentShape, [exponent]))]),
    };
  });

const clip: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.constantFrom('both', 'low', 'high'), seeds)
  .map(([shape, bounds, seed]) => {
    const inputs = [
      { shape, domain: uniform(-2, 2, [-0.5, 0.75]) },
      ...(bounds === 'high' ? [] : [{ shape: [], domain: exactly([-0.5]) }]),
      ...(bounds === 'low' ? [] : [{ shape: [], domain: exactly([0.75]) }]),
    ];
    return {
      label: labelOf(`Clip ${bounds}`, inputs),
      inputs,
      seed,
      build: (b, names) => b.op('Clip', bounds === 'high' ? [names[0]!, '', names[1]!] : names),
    };
  });

const choose: fc.Arbitrary<GradientCase> = fc
  .tuple(broadcastable(3), seeds)
  .map(([[condition, x, y], seed]) =>
    single(
      'Where',
      [{ shape: condition!, domain: bits, dtype: 'bool' as const }, { shape: x! }, { shape: y! }],
      seed,
    ),
  );

/** Quotients stay clear of whole numbers, where fmod jumps. */
const remainder: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.boolean(), seeds)
  .map(([shape, wide, seed]) =>
    single(
      'Mod',
      [
        { shape, domain: uniform(-5, 5, [-4, -2, 0, 2, 4]) },
        { shape: wide ? shape : [], domain: (_, count) => Array.from({ length: count }, () => 2) },
      ],
      seed,
      { fmod: 1 },
    ),
  );

/** To float16 and back: exact below 2 on the grid of values and incoming gradients, so any error is the rule's. */
const castBetween = (op: 'Cast' | 'CastLike'): fc.Arbitrary<GradientCase> =>
  fc.tuple(shapes(), seeds).map(([shape, seed]) => ({
    label: `${op} [${shape.join(', ')}] to float16 and back`,
    inputs: [{ shape, domain: uniform(-1.9, 1.9) }],
    dtype: 'float32',
    seed,
    build: (b, [x]) => {
      const to = (value: string, dtype: 'float16' | 'float32') =>
        op === 'Cast'
          ? b.op('Cast', [value], { to: codeOf(dtype) })
          : b.op('CastLike', [value, b.scalar(0, dtype)]);
      return to(to(x!, 'float16'), 'float32');
    },
  }));

/** Inference: no ratio, a ratio, or an explicit training_mode of false. */
const dropout: fc.Arbitrary<GradientCase> = fc
  .tuple(shapes(), fc.integer({ min: 1, max: 3 }), seeds)
  .map(([shape, given, seed]) => ({
    label: `Dropout [${shape.join(', ')}] with ${given} inputs`,
    inputs: [{ shape }],
    seed,
    build: (b, [x]) => b.op('Dropout', [x!, b.scalar(0.5, b.dtype(x!)), b.scalar(0, 'bool')].slice(0, given)),
  }));

export const elementwiseCases: CaseTable = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: binary('Div', undefined, awayFromZero),
  Neg: unary('Neg'),
  Abs: unary('Abs', uniform(-2, 2, [0])),
  'Pow constant': powerOfNumber,
  'Pow tensor': binary('Pow', positive, uniform(-2, 3)),
  Mod: remainder,
  Sum: variadic('Sum'),
  Mean: variadic('Mean'),
  Sqrt: unary('Sqrt', positive),
  Reciprocal: unary('Reciprocal', awayFromZero),
  Exp: unary('Exp'),
  Log: unary('Log', positive),
  Sin: unary('Sin'),
  Cos: unary('Cos'),
  Tan: unary('Tan', uniform(-1, 1)),
  Asin: unary('Asin', uniform(-0.75, 0.75)),
  Acos: unary('Acos', uniform(-0.75, 0.75)),
  Atan: unary('Atan'),
  Sinh: unary('Sinh'),
  Cosh: unary('Cosh'),
  Asinh: unary('Asinh'),
  Acosh: unary('Acosh', uniform(1.5, 4)),
  Atanh: unary('Atanh', uniform(-0.75, 0.75)),
  Erf: unary('Erf'),
  Max: extremum('Max'),
  Min: extremum('Min'),
  Clip: clip,
  Where: choose,
  Identity: unary('Identity'),
  Cast: castBetween('Cast'),
  CastLike: castBetween('CastLike'),
  Dropout: dropout,
};
