import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Rule, RuleTable } from '../rule.ts';
import { toInput, unary } from './elementwise.ts';
import { add, both, div, equal, exp, greater, less, mul, neg, sub, where } from './expressions.ts';

export const activations: RuleTable = {
  Sigmoid: unary((b, g, _, y) => mul(b, g, mul(b, y, sub(b, 1, y)))),
  Tanh: unary((b, g, _, y) => mul(b, g, sub(b, 1, mul(b, y, y)))),

  Relu: unary((b, g, _, y) => where(b, greater(b, y, 0), g, 0)),
  LeakyRelu: unary((b, g, x, _, c) => where(b, greater(b, x, 0), g, mul(b, g, c.float('alpha', 0.01)))),
  ThresholdedRelu: unary((b, g, x, _, c) => where(b, greater(b, x, c.float('alpha', 1)), g, 0)),

  PRelu: (c) => {
    const { b, grad: g } = c;
    const [x, slope] = c.inputs as [string, string];
    const positive = greater(b, x, 0);
    return [
      c.wants(0) ? where(b, positive, g, mul(b, g, slope)) : undefined,
      c.wants(1) ? toInput(c, 1, where(b, positive, 0, mul(b, g, x))) : undefined,
    ];
  },

  // Below zero y + alpha is alpha e^x, its own derivative.
  Elu: unary((b, g, x, y, c) => where(b, greater(b, x, 0), g, mul(b, g, add(b, y, c.float('alpha', 1))))),

  Selu: unary((b, g, x, y, c) => {
    const alpha = c.float('alpha', 1.6732631921768188);
    const gamma = c.float('gamma', 1.0507010221481323);
    return mul(b, g, where(b, greater(b, x, 0), gamma, add(b, y, gamma * alpha)));
  }),

  Celu: unary((b, g, x, y, c) => {
    const curve = add(b, mul(b, y, 1 / c.float('alpha', 1)), 1);
    return where(b, greater(b, x, 0), g, mul(b, g, curve));
  }),

  HardSigmoid: unary((b, g, _, y, c) => {
    const inside = both(b, greater(b, y, 0), less(b, y, 1));
    return where(b, inside, mul(b, g, c.float('alpha', 0.2)), 0);
  }),

  HardSwish: unary((b, g, x) => {
    const slope = where(b, less(b, x, 3), add(b, mul(b, x, 1 / 3), 0.5), 1);
    return mul(b, g, where(b, greater(b, x, -3), slope, 0));
  }),

  Shrink: unary((b, g, _, y, c) => {
    const bias = c.float('bias', 0);
    // With no bias the output is zero exactly where it was cut; otherwise only the input tells.
    if (bias === 0) return where(b, equal(b, y, 0), 0, g);
    return where(b, greater(b, b.op('Abs', [c.inputs[0]!]), c.float('lambd', 0.5)), g, 0);
  }),

  Softplus: unary((b, g, x) => mul(b, g, b.op('Sigmoid', [x]))),

  // (1 - |y|)^2 = 1 / (1 + |x|)^2, but the difference would lose its digits for large x.
  Softsign: unary((b, g, x) => {
    const denominator = add(b, b.op('Abs', [x]), 1);
    return div(b, g, mul(b, denominator, denominator));
  }),

  Gelu: unary((b, g, x, y, c) =>
    c.string('approximate', 'none') === 'tanh' ? geluTanh(b, g, x, y) : geluExact(b, g, x),
  ),

  Swish: swish(1),
  'com.microsoft::QuickGelu': swish(1.702),

  // x tanh(softplus(x)): the slope is t + x (1 - t^2) sigmoid(x).
  Mish: unary((b, g, x) => {
    const t = b.op('Tanh', [b.op('Softplus', [x])]);
    const bend = mul(b, mul(b, x, b.op('Sigmoid', [x])), sub(b, 1, mul(b, t, t)));
    return mul(b, g, add(b, t, bend));
  }),
};

/** x sigmoid(alpha x): with s the sigmoid and y the output, the slope is s + alpha y (1 - s). */
function swish(defaultAlpha: number): Rule {
  return unary((b, g, x, y, c) => {
    const alpha = c.float('alpha', defaultAlpha);
    const s = b.op('Sigmoid', [alpha === 1 ? x : mul(b, x, alpha)]);
    const bend = mul(b, alpha === 1 ? y : mul(b, y, alpha), sub(b, 1, s));
    return mul(b, g, add(b, s, bend));
  });
}

/** x Phi(x): the slope is Phi(x) + x phi(x), the standard normal's distribution and density. */
function geluExact(b: GraphBuilder, g: string, x: string): string {
  const t = mul(b, x, Math.SQRT1_2);
  const distribution = add(b, mul(b, b.op('Erf', [t]), 0.5), 0.5);
  const density = mul(b, exp(b, neg(b, mul(b, t, t))), 1 / Math.sqrt(2 * Math.PI));
  return mul(b, g, add(b, distribution, mul(b, x, density)));
}

/**
 * 0.5 x (1 + tanh(u)) = x sigmoid(2u), with 2u = x (p + q x^2): the slope is s + y (1 - s) (p + 3 q x^2).
 */
function geluTanh(b: GraphBuilder, g: string, x: string, y: string): string {
  const p = 2 * Math.sqrt(2 / Math.PI);
  const q = p * 0.044715;
  const square = mul(b, x, x);
  const s = b.op('Sigmoid', [mul(b, x, add(b, mul(b, square, q), p))]);
  const slope = add(b, mul(b, square, 3 * q), p);
  return mul(b, g, add(b, s, mul(b, mul(b, y, sub(b, 1, s)), slope)));
}
