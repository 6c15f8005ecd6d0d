import type { CaseTable } from '../arbitraries.ts';
import { activationCases } from './activations.ts';
import { elementwiseCases } from './elementwise.ts';
import { gatherScatterCases } from './gather-scatter.ts';
import { movementCases } from './movement.ts';
import { reductionCases } from './reduction.ts';

/** Gradient cases of every rule, family by family. */
export const cases: CaseTable = {
  ...elementwiseCases,
  ...activationCases,
  ...movementCases,
  ...reductionCases,
  ...gatherScatterCases,
};
