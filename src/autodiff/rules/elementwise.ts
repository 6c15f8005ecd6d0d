import type { GraphBuilder } from '../../onnx/builder.ts';
import { isFloat } from '../../onnx/data-types.ts';
import { valuesOf } from '../../onnx/tensors.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { unbroadcast } from '../unbroadcast.ts';
import {
  add,
  both,
  cast,
  div,
  equal,
  exp,
  expand,
  greater,
  less,
  mul,
  neg,
  type Operand,
  power,
  sqrt,
  sub,
  total,
  where,
} from './expressions.ts';

/** A rule for y = f(x): the gradient of x from x, y and the gradient g of y. */
export const unary =
  (derivative: (b: GraphBuilder, g: string, x: string, y: string, c: RuleContext) => string): Rule =>
  (c) => [derivative(c.b, c.grad, c.inputs[0]!, c.outputs[0]!, c)];

/** Undoes the broadcasting of input `i`. */
export const toInput = (c: RuleContext, i: number, grad: string): string =>
  unbroadcast(c.b, grad, c.shape(i));

const arithmetic: RuleTable = {
  Add: (c) => c.inputs.map((_, i) => (c.wants(i) ? toInput(c, i, c.grad) : undefined)),

  Sub: (c) => [
    c.wants(0) ? toInput(c, 0, c.grad) : undefined,
    c.wants(1) ? neg(c.b, toInput(c, 1, c.grad)) : undefined,
  ],

  Mul: (c) => {
    const [x, y] = c.inputs as [string, string];
    return [
      c.wants(0) ? toInput(c, 0, mul(c.b, c.grad, y)) : undefined,
      c.wants(1) ? toInput(c, 1, mul(c.b, c.grad, x)) : undefined,
    ];
  },

  // d(x/y)/dy = -(x/y)/y, which is the output times the gradient of x.
  Div: (c) => {
    const dx = div(c.b, c.grad, c.inputs[1]!);
    return [
      c.wants(0) ? toInput(c, 0, dx) : undefined,
      c.wants(1) ? neg(c.b, toInput(c, 1, mul(c.b, dx, c.outputs[0]!))) : undefined,
    ];
  },

  Neg: unary((b, g) => neg(b, g)),

  // The derivative at zero is zero, as in PyTorch. Sign has no WebGPU kernel.
  Abs: unary((b, g, x) => signed(b, g, x)),

  Pow: (c) => {
    const exponent = c.wants(1) ? undefined : constantExponent(c);
    if (exponent !== undefined) return [powerGradient(c, exponent)];
    return generalPower(c);
  },

  // x - y * trunc(x / y): the quotient is recovered from the output, because WebGPU has no Mod.
  Mod: (c) => {
    const [x, y] = c.inputs as [string, string];
    const quotient = () => div(c.b, sub(c.b, x, c.outputs[0]!), y);
    return [
      c.wants(0) ? toInput(c, 0, c.grad) : undefined,
      c.wants(1) ? neg(c.b, toInput(c, 1, mul(c.b, c.grad, quotient()))) : undefined,
    ];
  },

  Sum: (c) => c.inputs.map((_, i) => (c.wants(i) ? toInput(c, i, c.grad) : undefined)),

  Mean: (c) => {
    const share = c.inputs.length === 1 ? c.grad : mul(c.b, c.grad, 1 / c.inputs.length);
    return c.inputs.map((_, i) => (c.wants(i) ? toInput(c, i, share) : undefined));
  },
};

const functions: RuleTable = {
  Sqrt: unary((b, g, _, y) => div(b, mul(b, g, 0.5), y)),
  Reciprocal: unary((b, g, _, y) => neg(b, mul(b, g, mul(b, y, y)))),
  Exp: unary((b, g, _, y) => mul(b, g, y)),
  Log: unary((b, g, x) => div(b, g, x)),
  Sin: unary((b, g, x) => mul(b, g, b.op('Cos', [x]))),
  Cos: unary((b, g, x) => neg(b, mul(b, g, b.op('Sin', [x])))),
  Tan: unary((b, g, _, y) => mul(b, g, add(b, mul(b, y, y), 1))),
  Asin: unary((b, g, x) => div(b, g, sqrt(b, sub(b, 1, mul(b, x, x))))),
  Acos: unary((b, g, x) => neg(b, div(b, g, sqrt(b, sub(b, 1, mul(b, x, x)))))),
  Atan: unary((b, g, x) => div(b, g, add(b, mul(b, x, x), 1))),
  Sinh: unary((b, g, x) => mul(b, g, b.op('Cosh', [x]))),
  Cosh: unary((b, g, x) => mul(b, g, b.op('Sinh', [x]))),
  Asinh: unary((b, g, x) => div(b, g, sqrt(b, add(b, mul(b, x, x), 1)))),
  Acosh: unary((b, g, x) => div(b, g, sqrt(b, sub(b, mul(b, x, x), 1)))),
  Atanh: unary((b, g, x) => div(b, g, sub(b, 1, mul(b, x, x)))),
  Erf: unary((b, g, x) => mul(b, mul(b, g, 2 / Math.sqrt(Math.PI)), exp(b, neg(b, mul(b, x, x))))),
};

const choices: RuleTable = {
  Max: extremum,
  Min: extremum,

  // One at the bounds, as PyTorch's clamp. Compared with the bounds and not with the output: onnxruntime drops the
  // rounding of a float16 value that one reader takes in float32, and then nothing equals the output.
  Clip: (c) => {
    const [x, low, high] = c.inputs as [string, string | undefined, string | undefined];
    const { b } = c;
    const through = (mask: string, otherwise: Operand = 0) => where(b, mask, c.grad, otherwise);
    // Where the bounds are crossed, the upper one is the result everywhere.
    const crossed = () => less(b, high!, low!);
    const inside = () => {
      const notBelow = low ? where(b, less(b, x, low), 0, c.grad) : c.grad;
      return high ? where(b, greater(b, x, high), 0, notBelow) : notBelow;
    };
    const toLow = () => {
      const below = less(b, x, low!);
      return through(high ? both(b, below, b.op('Not', [crossed()])) : below);
    };
    const toHigh = () => through(greater(b, x, high!), low ? through(crossed()) : 0);
    return [
      c.wants(0) ? inside() : undefined,
      c.wants(1) ? total(b, toLow(), c.shape(1)) : undefined,
      c.wants(2) ? total(b, toHigh(), c.shape(2)) : undefined,
    ];
  },

  Where: (c) => {
    const condition = c.inputs[0]!;
    return [
      undefined,
      c.wants(1) ? toInput(c, 1, where(c.b, condition, c.grad, 0)) : undefined,
      c.wants(2) ? toInput(c, 2, where(c.b, condition, 0, c.grad)) : undefined,
    ];
  },
};

const copies: RuleTable = {
  Identity: (c) => [c.grad],
  Cast: (c) => [cast(c.b, c.grad, c.b.dtype(c.inputs[0]!))],
  CastLike: (c) => [cast(c.b, c.grad, c.b.dtype(c.inputs[0]!))],

  Dropout: (c) => {
    const training = c.inputs[2] ? c.constant(2) : undefined;
    if (c.inputs[2] && (!training || valuesOf(training)[0] !== 0)) {
      c.refuse(
        'Dropout in training mode draws random numbers that the backward pass cannot repeat',
        'Export the model in evaluation mode (model.eval())',
      );
    }
    return [c.grad];
  },
};

export const elementwise: RuleTable = { ...arithmetic, ...functions, ...choices, ...copies };

/** g where x > 0, -g where x < 0, zero where x = 0. */
export function signed(b: GraphBuilder, g: string, x: string): string {
  return where(b, greater(b, x, 0), g, where(b, less(b, x, 0), neg(b, g), 0));
}

/**
 * Max and Min of any number of tensors. Inputs that tie share the gradient equally, as PyTorch's maximum, minimum
 * and amax do; a chain of two-input maxima would weigh later inputs more.
 */
function extremum(c: RuleContext): (string | undefined)[] {
  const { b, inputs } = c;
  if (inputs.length === 1) return [c.grad];
  // Inputs are compared with each other for the reason given at Clip.
  const beaten = c.node.op === 'Max' ? less : greater;
  const masks = inputs.map((x, i) =>
    inputs
      .filter((_, k) => k !== i)
      .map((other) => b.op('Not', [beaten(b, x, other)]))
      .reduce((all, one) => both(b, all, one)),
  );
  const count = masks.map((mask) => cast(b, mask, b.dtype(c.grad))).reduce((n, one) => add(b, n, one));
  const share = div(b, c.grad, count);
  return masks.map((mask, i) => (c.wants(i) ? toInput(c, i, where(b, mask, share, 0)) : undefined));
}

/** The exponent, when it is one number known before the graph runs. */
function constantExponent(c: RuleContext): number | undefined {
  const tensor = c.constant(1);
  if (!tensor) return undefined;
  const values = valuesOf(tensor);
  return values.length > 0 && values.every((value) => value === values[0]) ? values[0] : undefined;
}

/** p x^(p-1), in the cheapest form that stays finite at x = 0 for p >= 1. */
function powerGradient(c: RuleContext, p: number): string {
  const { b, grad: g } = c;
  const [x] = c.inputs as [string];
  const [y] = c.outputs as [string];
  const derivative = () => {
    if (p === 1) return g;
    if (p === 0.5) return div(b, mul(b, g, 0.5), y);
    if (p === -1) return neg(b, mul(b, g, mul(b, y, y)));
    if (p < 0) return div(b, mul(b, mul(b, g, p), y), x);
    return mul(b, mul(b, g, p), power(b, x, p - 1));
  };
  return toInput(c, 0, derivative());
}

/**
 * Both operands as tensors. x^(y-1) and log(x) are taken where they are defined; where y = 0 the gradient of x is
 * zero, and where x = 0 and y >= 0 that of y is (PyTorch's pow).
 */
function generalPower(c: RuleContext): (string | undefined)[] {
  const { b, grad: g } = c;
  const out = b.shape(c.outputs[0]!);
  const dtype = b.dtype(c.inputs[0]!);
  const exponentType = b.dtype(c.inputs[1]!);
  if (!isFloat(exponentType) && exponentType !== 'int32') {
    c.refuse(
      `An exponent of type ${exponentType} known only at run time cannot be cast on the GPU`,
      'Make the exponent a floating-point tensor or a constant',
    );
  }
  const x = expand(b, c.inputs[0]!, out);
  const y = expand(b, cast(b, c.inputs[1]!, dtype), out);
  const gradientOfBase = () => {
    const d = mul(b, mul(b, g, y), b.op('Pow', [x, sub(b, y, 1)]));
    return toInput(c, 0, where(b, equal(b, y, 0), 0, d));
  };
  const gradientOfExponent = () => {
    const flat = both(b, equal(b, x, 0), b.op('Not', [less(b, y, 0)]));
    const d = mul(b, mul(b, g, c.outputs[0]!), b.op('Log', [x]));
    return cast(b, toInput(c, 1, where(b, flat, 0, d)), exponentType);
  };
  return [c.wants(0) ? gradientOfBase() : undefined, c.wants(1) ? gradientOfExponent() : undefined];
}
