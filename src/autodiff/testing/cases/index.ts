import type { CaseTable } from '../arbitraries.ts';
import { activationCases } from './activations.ts';
import { convolutionCases } from './convolution.ts';
import { elementwiseCases } from './elementwise.ts';
import { gatherScatterCases } from './gather-scatter.ts';
import { linalgCases } from './linalg.ts';
import { movementCases } from './movement.ts';
import { normalisationCases } from './normalisation.ts';
import { poolingCases } from './pooling.ts';
import { reductionCases } from './reduction.ts';
import { resizeCases } from './resize.ts';
import { softmaxCases } from './softmax.ts';

/** Gradient cases of every rule, family by family. */
export const cases: CaseTable = {
  ...elementwiseCases,
  ...activationCases,
  ...movementCases,
  ...reductionCases,
  ...gatherScatterCases,
  ...linalgCases,
  ...convolutionCases,
  ...softmaxCases,
  ...normalisationCases,
  ...poolingCases,
  ...resizeCases,
};
