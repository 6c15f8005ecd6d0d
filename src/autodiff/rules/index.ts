import type { RuleTable } from '../rule.ts';
import { activations } from './activations.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { gatherScatter } from './gather-scatter.ts';
import { linalg } from './linalg.ts';
import { movement } from './movement.ts';
import { normalisation } from './normalisation.ts';
import { pooling } from './pooling.ts';
import { reduction } from './reduction.ts';
import { resizing } from './resize.ts';
import { softmax } from './softmax.ts';
import { undifferentiable } from './undifferentiable.ts';

/** Every derivative rule of this build, family by family. */
export const rules: RuleTable = {
  ...elementwise,
  ...activations,
  ...movement,
  ...reduction,
  ...gatherScatter,
  ...linalg,
  ...convolution,
  ...softmax,
  ...normalisation,
  ...pooling,
  ...resizing,
  ...undifferentiable,
};
