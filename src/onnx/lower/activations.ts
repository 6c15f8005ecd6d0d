import type { Lowering, LowerRule, LowerTable } from './lowering.ts';

/** Input 0 plus the optional bias in input 1. */
const biased = (c: Lowering): string => {
  const bias = c.optional(1);
  return bias === undefined ? c.input(0) : c.op('Add', [c.input(0), bias]);
};

const gelu =
  (approximate: 'none' | 'tanh'): LowerRule =>
  (c) =>
    c.give(0, c.op('Gelu', [biased(c)], { approximate }));

/** x sigmoid(alpha x). */
function sigmoidLinear(c: Lowering, alpha: number): void {
  const x = c.input(0);
  const scaled = alpha === 1 ? x : c.op('Mul', [x, c.scalar(alpha, c.dtype(x))]);
  c.give(0, c.op('Mul', [x, c.op('Sigmoid', [scaled])]));
}

export const swish: LowerRule = (c) => sigmoidLinear(c, c.float('alpha', 1));

/** x + bias + skip. */
const biasAdd: LowerRule = (c) => c.give(0, c.op('Add', [c.op('Add', [c.input(0), c.input(1)]), c.input(2)]));

/** The left half of the features of x + bias, times the GELU of the right half. */
const biasSplitGelu: LowerRule = (c) => {
  const sum = c.op('Add', [c.input(0), c.input(1)]);
  const half = c.shape(sum).at(-1)! / 2;
  const [left, right] = c.ops('Split', [sum, c.ints([half, half])], { axis: -1 }, 2) as [string, string];
  c.give(0, c.op('Mul', [left, c.op('Gelu', [right], { approximate: 'none' })]));
};

export const activations: LowerTable = {
  BiasAdd: biasAdd,
  BiasGelu: gelu('none'),
  BiasSplitGelu: biasSplitGelu,
  FastGelu: gelu('tanh'),
  Gelu: gelu('none'),
  QuickGelu: (c) => sigmoidLinear(c, c.float('alpha', 1.702)),
};
