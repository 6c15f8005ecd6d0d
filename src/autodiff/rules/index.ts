import type { RuleTable } from '../rule.ts';
import { activations } from './activations.ts';
import { elementwise } from './elementwise.ts';
import { gatherScatter } from './gather-scatter.ts';
import { movement } from './movement.ts';
import { reduction } from './reduction.ts';
import { undifferentiable } from './undifferentiable.ts';

/** Every derivative rule of this build, family by family. */
export const rules: RuleTable = {
  ...elementwise,
  ...activations,
  ...movement,
  ...reduction,
  ...gatherScatter,
  ...undifferentiable,
};
