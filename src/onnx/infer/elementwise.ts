import { dataTypeOf, isFloat } from '../data-types.ts';
import type { DataType, TensorType } from '../model.ts';
import type { InferContext, InferRule, InferTable } from './context.ts';
import { broadcast } from './shapes.ts';

/** The output is like the first input. */
export const same: InferRule = (c) => [c.type(0)];

const floatOnly: InferRule = (c) => {
  c.check(isFloat(c.dtype(0)), `The input is ${c.dtype(0)}, not floating point`);
  return [c.type(0)];
};

/** All operands of one element type, broadcast. */
const arithmetic: InferRule = (c) => {
  const operands = c.rest(0);
  c.check(operands.length > 0, 'No inputs');
  const { dtype } = operands[0]!;
  for (const operand of operands) {
    c.check(operand.dtype === dtype, `The inputs differ in element type: ${dtype} and ${operand.dtype}`);
  }
  return [
    {
      dtype,
      shape: broadcast(
        c,
        operands.map((o) => o.shape),
      ),
    },
  ];
};

const binary: InferRule = (c) => {
  c.check(c.count === 2, `${c.count} inputs instead of 2`);
  return arithmetic(c);
};

const comparison: InferRule = (c) => [{ dtype: 'bool', shape: binary(c)[0]!.shape }];

const logical: InferRule = (c) => {
  c.check(c.dtype(0) === 'bool', `The inputs are ${c.dtype(0)}, not bool`);
  return comparison(c);
};

const predicate: InferRule = (c) => [{ dtype: 'bool', shape: c.shape(0) }];

/** The element type that attribute `to` (or `dtype`) names. */
export function dataTypeAttribute(c: InferContext, name: string, otherwise?: DataType): DataType {
  const code = c.int(name, 0);
  if (code === 0 && otherwise) return otherwise;
  return dataTypeOf(code) ?? c.fail(`Attribute "${name}" names element type ${code}, which is not supported`);
}

function pow(c: InferContext): TensorType[] {
  c.check(c.count === 2, `${c.count} inputs instead of 2`);
  return [{ dtype: c.dtype(0), shape: broadcast(c, [c.shape(0), c.shape(1)]) }];
}

function where(c: InferContext): TensorType[] {
  c.check(c.dtype(0) === 'bool', `The condition is ${c.dtype(0)}, not bool`);
  c.check(c.dtype(1) === c.dtype(2), `The branches differ in element type: ${c.dtype(1)} and ${c.dtype(2)}`);
  return [{ dtype: c.dtype(1), shape: broadcast(c, [c.shape(0), c.shape(1), c.shape(2)]) }];
}

function prelu(c: InferContext): TensorType[] {
  const shape = broadcast(c, [c.shape(0), c.shape(1)]);
  c.check(shape.join() === c.shape(0).join(), 'The slope does not broadcast to the input');
  return [{ dtype: c.dtype(0), shape }];
}

const dropout: InferRule = (c) => [
  c.type(0),
  { dtype: c.opset >= 10 ? 'bool' : c.dtype(0), shape: c.shape(0) },
];

export const elementwise: InferTable = {
  Abs: same,
  Acos: floatOnly,
  Acosh: floatOnly,
  Asin: floatOnly,
  Asinh: floatOnly,
  Atan: floatOnly,
  Atanh: floatOnly,
  BitwiseNot: same,
  Ceil: floatOnly,
  Celu: floatOnly,
  Clip: same,
  Cos: floatOnly,
  Cosh: floatOnly,
  Elu: floatOnly,
  Erf: same,
  Exp: floatOnly,
  Floor: floatOnly,
  Gelu: floatOnly,
  HardSigmoid: floatOnly,
  HardSwish: floatOnly,
  Identity: same,
  LeakyRelu: floatOnly,
  Log: floatOnly,
  Mish: floatOnly,
  Neg: same,
  Reciprocal: floatOnly,
  Relu: same,
  Round: floatOnly,
  Selu: floatOnly,
  Shrink: same,
  Sigmoid: floatOnly,
  Sign: same,
  Sin: floatOnly,
  Sinh: floatOnly,
  Softplus: floatOnly,
  Softsign: floatOnly,
  Sqrt: floatOnly,
  Swish: floatOnly,
  Tan: floatOnly,
  Tanh: floatOnly,
  ThresholdedRelu: floatOnly,

  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Mod: binary,
  Pow: pow,
  PRelu: prelu,
  BitShift: binary,
  BitwiseAnd: binary,
  BitwiseOr: binary,
  BitwiseXor: binary,
  Max: arithmetic,
  Min: arithmetic,
  Sum: arithmetic,
  Mean: arithmetic,

  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  And: logical,
  Or: logical,
  Xor: logical,
  Not: predicate,
  IsInf: predicate,
  IsNaN: predicate,

  Where: where,
  Cast: (c) => [{ dtype: dataTypeAttribute(c, 'to'), shape: c.shape(0) }],
  CastLike: (c) => [{ dtype: c.dtype(1), shape: c.shape(0) }],
  Dropout: dropout,
};
