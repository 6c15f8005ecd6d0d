import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runsOf, summariseRuns } from './runs.ts';
import { studentP, studentQuantile } from './student.ts';

/** By scipy (tools/reference/evaluation.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/evaluation.json', import.meta.url), 'utf8'),
).seeds as {
  before: number[];
  after: number[];
  mean: number;
  deviation: number;
  fromOne: { p: number; interval: [number, number] };
}[];

describe('summariseRuns', () => {
  it.each(reference)('gives scipy’s mean, spread, interval and p-value, $after', (expected) => {
    const { before, after, mean, deviation, fromOne } = expected;
    const summary = summariseRuns(before[0]!, after);
    expect(summary.mean).toBeCloseTo(mean, 10);
    expect(summary.spread).toBeCloseTo(deviation, 10);
    expect(summary.pValue).toBeCloseTo(fromOne.p, 9);
    expect(summary.interval[0]).toBeCloseTo(fromOne.interval[0], 7);
    expect(summary.interval[1]).toBeCloseTo(fromOne.interval[1], 7);
  });

  it('calls a difference what it is', () => {
    expect(summariseRuns(20, [20, 22]).verdict).toBe(
      'mean 21.0 ± 1.4 over 2 runs, +1.0 points, 95% interval −11.7 to +13.7: a difference inside the noise.',
    );
    expect(summariseRuns(20, [25, 26, 25]).verdict).toMatch(/a gain beyond chance\.$/);
    expect(summariseRuns(20, [15, 16, 15]).verdict).toMatch(/a loss beyond chance\.$/);
    expect(summariseRuns(20, [20, 20]).pValue).toBe(1);
    expect(() => summariseRuns(20, [21])).toThrow(/no spread/);
  });

  it('knows Student’s t by its tables', () => {
    // Abramowitz and Stegun, table 26.10: two-sided 5% at 1, 10 and 120 degrees of freedom.
    expect(studentQuantile(0.05, 1)).toBeCloseTo(12.706, 3);
    expect(studentQuantile(0.05, 10)).toBeCloseTo(2.228, 3);
    expect(studentQuantile(0.05, 120)).toBeCloseTo(1.98, 2);
    expect(studentP(0, 5)).toBe(1);
  });
});

it('reads all models after the first as runs, measure by measure', () => {
  const mmvp = (total: number) => ({ mmvp: { official: true, total, patterns: [], pairs: [] } });
  expect(runsOf([mmvp(20), mmvp(25)])).toEqual([]);
  const [only, ...others] = runsOf([mmvp(20), mmvp(25), mmvp(27)]);
  expect([only!.name, only!.summary.mean, others]).toEqual(['MMVP', 26, []]);
  expect(runsOf([mmvp(20), mmvp(25), {}])).toEqual([]);
});
