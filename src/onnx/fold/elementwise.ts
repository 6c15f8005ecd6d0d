import { isFloat } from '../data-types.ts';
import type { DataType, Tensor } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { broadcastIndices, reshaped, take } from './arrays.ts';
import type { EvaluateContext, Evaluator, EvaluatorTable } from './context.ts';
import { erf, roundToEven } from './functions.ts';

type Unary = (x: number, c: EvaluateContext) => number;
type Binary = (x: number, y: number, c: EvaluateContext) => number;

/** Elements beyond 2^53 are not held exactly: arithmetic on them is left to the runtime. */
function exact(dtype: DataType, values: readonly number[]): boolean {
  return (dtype !== 'int64' && dtype !== 'uint64') || values.every((x) => Number.isSafeInteger(x));
}

function result(c: EvaluateContext, values: readonly number[]): readonly Tensor[] | undefined {
  const { dtype, shape } = c.out();
  return exact(dtype, values) ? [tensorOf(dtype, shape, values)] : undefined;
}

const unary =
  (f: Unary): Evaluator =>
  (c) => {
    const values = c.numbers(0);
    return exact(c.dtype(0), values)
      ? result(
          c,
          values.map((x) => f(x, c)),
        )
      : undefined;
  };

/** The elements of an input, broadcast to the output. */
function operand(c: EvaluateContext, i: number): number[] {
  const values = c.numbers(i);
  return Array.from(broadcastIndices(c.shape(i), c.out().shape), (k) => values[k]!);
}

const binary =
  (f: Binary): Evaluator =>
  (c) => {
    const [x, y] = [operand(c, 0), operand(c, 1)];
    if (!exact(c.dtype(0), x) || !exact(c.dtype(1), y)) return undefined;
    return result(
      c,
      x.map((a, k) => f(a, y[k]!, c)),
    );
  };

/** Comparisons and the like: int64 elements beyond 2^53 stand for "without bound" and still order rightly. */
const ordering =
  (f: Binary): Evaluator =>
  (c) => {
    const [x, y] = [operand(c, 0), operand(c, 1)];
    return [
      tensorOf(
        'bool',
        c.out().shape,
        x.map((a, k) => f(a, y[k]!, c)),
      ),
    ];
  };

const extreme =
  (f: (a: number, b: number) => number): Evaluator =>
  (c) => {
    const { dtype, shape } = c.out();
    const values = operand(c, 0);
    for (let i = 1; i < c.count; i++)
      for (const [k, x] of operand(c, i).entries()) values[k] = f(values[k]!, x);
    return [tensorOf(dtype, shape, values)];
  };

const summing =
  (scale: (n: number) => number): Evaluator =>
  (c) => {
    const parts = Array.from({ length: c.count }, (_, i) => operand(c, i));
    return result(
      c,
      parts[0]!.map((_, k) => parts.reduce((sum, p) => sum + p[k]!, 0) * scale(c.count)),
    );
  };

/** Integer division truncates towards zero; division by zero has no integer result. */
const divide: Evaluator = (c) => {
  if (isFloat(c.dtype(0))) return binary((x, y) => x / y)(c);
  return c.numbers(1).includes(0) ? undefined : binary((x, y) => Math.trunc(x / y))(c);
};

/** `fmod` takes the dividend's sign, the integer form the divisor's. */
const modulo: Evaluator = (c) => {
  if (!isFloat(c.dtype(0)) && c.numbers(1).includes(0)) return undefined;
  const fmod = c.int('fmod', 0) !== 0;
  return binary((x, y) => (fmod ? x % y : x - Math.floor(x / y) * y))(c);
};

const where: Evaluator = (c) => {
  const shape = c.out().shape;
  const condition = operand(c, 0);
  const yes = take(c.tensor(1), shape, broadcastIndices(c.shape(1), shape));
  const no = broadcastIndices(c.shape(2), shape);
  const both = new Float64Array(no.length);
  const offset = condition.length;
  for (let k = 0; k < offset; k++) both[k] = condition[k] ? k : offset + no[k]!;
  return [take(joined(yes, c.tensor(2)), shape, both)];
};

/** Two tensors of one element type, one after the other. */
function joined(a: Tensor, b: Tensor): Tensor {
  if (a.data.kind !== 'bytes' || b.data.kind !== 'bytes') return a;
  const bytes = new Uint8Array(a.data.bytes.length + b.data.bytes.length);
  bytes.set(a.data.bytes);
  bytes.set(b.data.bytes, a.data.bytes.length);
  return { dtype: a.dtype, shape: [valuesCount(a) + valuesCount(b)], data: { kind: 'bytes', bytes } };
}

const valuesCount = (t: Tensor): number => t.shape.reduce((n, d) => n * d, 1);

const cast: Evaluator = (c) => {
  const { dtype, shape } = c.out();
  if (dtype === c.dtype(0)) return [c.tensor(0)];
  const values = c.numbers(0);
  if (!isFloat(dtype) && dtype !== 'bool' && !values.every(Number.isFinite)) return undefined;
  return [tensorOf(dtype, shape, isFloat(dtype) || dtype === 'bool' ? values : values.map(Math.trunc))];
};

const clip: Evaluator = (c) => {
  const bound = (name: string, i: number, otherwise: number): number => {
    if (c.opset < 11) return c.float(name, otherwise);
    return c.has(i) ? (c.numbers(i)[0] ?? otherwise) : otherwise;
  };
  const low = bound('min', 1, Number.NEGATIVE_INFINITY);
  const high = bound('max', 2, Number.POSITIVE_INFINITY);
  return [
    tensorOf(
      c.out().dtype,
      c.out().shape,
      c.numbers(0).map((x) => Math.min(Math.max(x, low), high)),
    ),
  ];
};

const isInf: Unary = (x, c) =>
  Number(
    (x === Infinity && c.int('detect_positive', 1) !== 0) ||
      (x === -Infinity && c.int('detect_negative', 1) !== 0),
  );

const gelu: Unary = (x, c) =>
  c.string('approximate', 'none') === 'tanh'
    ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : 0.5 * x * (1 + erf(x / Math.SQRT2));

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const hardSigmoid = (x: number, alpha: number, beta: number) => Math.max(0, Math.min(1, alpha * x + beta));

export const elementwise: EvaluatorTable = {
  Abs: unary(Math.abs),
  Acos: unary(Math.acos),
  Acosh: unary(Math.acosh),
  Asin: unary(Math.asin),
  Asinh: unary(Math.asinh),
  Atan: unary(Math.atan),
  Atanh: unary(Math.atanh),
  Ceil: unary(Math.ceil),
  Celu: unary(
    (x, c) => Math.max(0, x) + Math.min(0, c.float('alpha', 1) * Math.expm1(x / c.float('alpha', 1))),
  ),
  Cos: unary(Math.cos),
  Cosh: unary(Math.cosh),
  Elu: unary((x, c) => (x >= 0 ? x : c.float('alpha', 1) * Math.expm1(x))),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Floor: unary(Math.floor),
  Gelu: unary(gelu),
  HardSigmoid: unary((x, c) => hardSigmoid(x, c.float('alpha', 0.2), c.float('beta', 0.5))),
  HardSwish: unary((x) => x * hardSigmoid(x, 1 / 6, 0.5)),
  IsInf: unary(isInf),
  IsNaN: unary((x) => Number(Number.isNaN(x))),
  LeakyRelu: unary((x, c) => (x >= 0 ? x : c.float('alpha', 0.01) * x)),
  Log: unary(Math.log),
  Mish: unary((x) => x * Math.tanh(softplus(x))),
  Neg: unary((x) => -x),
  Not: unary((x) => Number(x === 0)),
  Reciprocal: unary((x) => 1 / x),
  Relu: unary((x) => Math.max(0, x)),
  Round: unary(roundToEven),
  Selu: unary(
    (x, c) =>
      c.float('gamma', 1.0507009873554805) *
      (x > 0 ? x : c.float('alpha', 1.6732632423543772) * Math.expm1(x)),
  ),
  Sigmoid: unary(sigmoid),
  Sign: unary(Math.sign),
  Sin: unary(Math.sin),
  Sinh: unary(Math.sinh),
  Softplus: unary(softplus),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  Sqrt: unary(Math.sqrt),
  Swish: unary((x, c) => x * sigmoid(c.float('alpha', 1) * x)),
  Tan: unary(Math.tan),
  Tanh: unary(Math.tanh),
  ThresholdedRelu: unary((x, c) => (x > c.float('alpha', 1) ? x : 0)),

  Add: binary((x, y) => x + y),
  Sub: binary((x, y) => x - y),
  Mul: binary((x, y) => x * y),
  Div: divide,
  Mod: modulo,
  Pow: binary((x, y) => x ** y),
  PRelu: binary((x, slope) => (x >= 0 ? x : slope * x)),
  Max: extreme(Math.max),
  Min: extreme(Math.min),
  Sum: summing(() => 1),
  Mean: summing((n) => 1 / n),

  Equal: ordering((x, y) => Number(x === y)),
  Greater: ordering((x, y) => Number(x > y)),
  GreaterOrEqual: ordering((x, y) => Number(x >= y)),
  Less: ordering((x, y) => Number(x < y)),
  LessOrEqual: ordering((x, y) => Number(x <= y)),
  And: ordering((x, y) => Number(x !== 0 && y !== 0)),
  Or: ordering((x, y) => Number(x !== 0 || y !== 0)),
  Xor: ordering((x, y) => Number((x !== 0) !== (y !== 0))),

  Where: where,
  Cast: cast,
  CastLike: cast,
  Clip: clip,
  Identity: (c) => [reshaped(c.tensor(0), c.shape(0))],
};
