import fc from 'fast-check';
import { describe, it } from 'vitest';
import { cases } from '../testing/cases/index.ts';
import { checkGradient } from '../testing/check-gradient.ts';

describe('gradients agree with central differences', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    await fc.assert(
      fc.asyncProperty(cases[name]!, async (c) => {
        await checkGradient(c);
      }),
      { seed: 20261123, numRuns: 20 },
    );
  });
});
