import type { Rule, RuleTable } from '../rule.ts';

export const undifferentiableReason = 'a step function: its derivative is zero or undefined everywhere';

const refused: Rule = (c) =>
  c.refuse(
    `${c.node.op} is ${undifferentiableReason}, so no useful gradient passes through it`,
    'Choose targets beyond this node, or replace it by a smooth function',
  );

/** Operators on floating-point values through which no useful gradient passes: a zero would hide a mistake. */
export const undifferentiable: RuleTable = {
  Floor: refused,
  Ceil: refused,
  Round: refused,
  Sign: refused,
  Hardmax: refused,
};
