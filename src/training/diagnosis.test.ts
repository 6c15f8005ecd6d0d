import { expect, it } from 'vitest';
import { checkGradients, type StepOutcome } from './diagnosis.ts';

const fine: StepOutcome = {
  step: 3,
  loss: 0.5,
  report: { finite: true, allZero: false, nonFinite: [], zero: ['bias'] },
  blockOf: new Map([
    ['w2', 2],
    ['w1', 1],
    ['positions', 0],
  ]),
};

it('lets usable gradients pass, some of them zero', () => {
  expect(() => checkGradients(fine)).not.toThrow();
});

it('names the block nearest to the loss, from which the others broke', () => {
  const report = { ...fine.report, finite: false, nonFinite: ['w1', 'w2', 'positions'] };
  expect(() => checkGradients({ ...fine, report })).toThrow(
    /Step 3.*not finite, first in block 2 \("w2"\).*loss is 0\.5000.*resume from the last checkpoint/,
  );
});

it('names the projection, and a sum that overflows alone', () => {
  const report = (nonFinite: string[]) => ({ ...fine.report, finite: false, nonFinite });
  expect(() => checkGradients({ ...fine, report: report(['w2', 'visual_proj.bias']) })).toThrow(
    /the projection/,
  );
  expect(() => checkGradients({ ...fine, report: report([]) })).toThrow(/the sum over all weights/);
});

it('tells a broken forward pass from a broken backward pass', () => {
  const report = { ...fine.report, finite: false, nonFinite: ['w1', 'w2'] };
  expect(() => checkGradients({ ...fine, loss: Number.NaN, report })).toThrow(/the loss is not finite/);
});

it('says that the teacher does not listen when every gradient is zero', () => {
  const report = { ...fine.report, allZero: true, zero: ['w1', 'w2'] };
  expect(() => checkGradients({ ...fine, report })).toThrow(/every gradient is zero, first in block 2 /);
});
