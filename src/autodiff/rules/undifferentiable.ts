import type { Rule, RuleTable } from '../rule.ts';

const refusing =
  (reason: string): Rule =>
  (c) =>
    c.refuse(
      `${c.node.op} ${reason}, so no useful gradient passes through it`,
      'Choose targets beyond this node, or replace it by a smooth function',
    );

const flat = 'is a step function, whose derivative is zero or undefined everywhere';

/** Operators on floating-point values through which no useful gradient passes: a zero would hide a mistake. */
export const undifferentiable: RuleTable = {
  Floor: refusing(flat),
  Ceil: refusing(flat),
  Round: refusing(flat),
  Sign: refusing(flat),
  Hardmax: refusing(flat),
};
