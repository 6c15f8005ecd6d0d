import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootstrapInterval, comparePairs, mcnemar, type PairOutcome } from './statistics.ts';

/** By scipy.stats.binomtest (tools/reference/mcnemar.py). */
const cases: { fixed: number; broken: number; p: number }[] = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/mcnemar.json', import.meta.url), 'utf8'),
);

describe('mcnemar', () => {
  for (const { fixed, broken, p } of cases) {
    it(`gives scipy’s p-value for ${fixed} against ${broken}`, () => {
      expect(Math.abs(mcnemar(fixed, broken) / p - 1)).toBeLessThan(1e-9);
    });
  }
  it('has nothing to doubt when nothing changed', () => {
    expect(mcnemar(0, 0)).toBe(1);
  });
});

/** The exact distribution of the resampled sum: the convolution of every pair's {-1, 0, 1} with its pattern's shares. */
function exactQuantiles(changes: number[][], low: number, high: number): [number, number] {
  const reach = changes.flat().length;
  let distribution = new Float64Array(2 * reach + 1);
  distribution[reach] = 1;
  for (const group of changes) {
    const share = (value: number) => group.filter((c) => c === value).length / group.length;
    for (let draw = 0; draw < group.length; draw++) {
      const next = new Float64Array(distribution.length);
      for (const [i, p] of distribution.entries()) {
        if (p === 0) continue;
        for (const change of [-1, 0, 1]) {
          if (share(change) > 0) next[i + change] = next[i + change]! + p * share(change);
        }
      }
      distribution = next;
    }
  }
  let sum = 0;
  const cumulative = distribution.map((p) => {
    sum += p;
    return sum;
  });
  const at = (q: number) => cumulative.findIndex((p) => p >= q) - reach;
  return [at(low), at(high)];
}

describe('bootstrapInterval', () => {
  it('agrees with the exact distribution of resampled pairs within patterns', () => {
    const pattern = (fixed: number, broken: number): number[] =>
      Array.from({ length: 15 }, (_, i) => (i < fixed ? 1 : i < fixed + broken ? -1 : 0));
    const changes = [pattern(4, 1), pattern(2, 0), pattern(0, 0), pattern(1, 3), pattern(5, 0)];
    const unit = 100 / 75;
    const [low, high] = exactQuantiles(changes, 0.025, 0.975);
    for (const seed of [1, 2, 3]) {
      const interval = bootstrapInterval(changes, 20_000, seed);
      // One step of the lattice: a sampled quantile may fall on its neighbour.
      expect(Math.abs(interval[0] - low * unit)).toBeLessThanOrEqual(unit + 1e-9);
      expect(Math.abs(interval[1] - high * unit)).toBeLessThanOrEqual(unit + 1e-9);
    }
  });

  it('weighs patterns equally, whatever their sizes', () => {
    // One pattern always gains, the larger never changes: half the gain, with certainty.
    expect(
      bootstrapInterval(
        [
          [1, 1],
          [0, 0, 0, 0, 0, 0],
        ],
        500,
        5,
      ),
    ).toEqual([50, 50]);
  });

  it('repeats itself for a seed', () => {
    const changes = [[1, 0, -1, 1, 0, 0, 0, 1]];
    expect(bootstrapInterval(changes, 1000, 9)).toEqual(bootstrapInterval(changes, 1000, 9));
  });
});

describe('comparePairs', () => {
  const outcomes = (pattern: string, bits: string): PairOutcome[] =>
    [...bits].map((bit) => ({ pattern, correct: bit === '1' }));

  it('counts flips and takes the difference of totals', () => {
    const before = [...outcomes('a', '0011'), ...outcomes('b', '00')];
    const after = [...outcomes('a', '1101'), ...outcomes('b', '01')];
    const comparison = comparePairs(before, after);
    expect(comparison).toMatchObject({ fixed: 3, broken: 1, difference: (25 + 50) / 2, pValue: 0.625 });
    expect(comparison.verdict).toMatch(
      /^3 pairs fixed and 1 pair broken, \+37\.5 points: a difference inside the noise/,
    );
  });

  it('calls a gain and a loss by their names only when chance does not explain them', () => {
    const none = outcomes('a', '0'.repeat(30));
    const many = outcomes('a', '1'.repeat(12) + '0'.repeat(18));
    expect(comparePairs(none, many).verdict).toMatch(
      /a gain beyond chance \(p = 4\.9e-4, 95% interval \+2\d\.\d/,
    );
    expect(comparePairs(many, none).verdict).toMatch(/−40\.0 points: a loss beyond chance/);
    expect(comparePairs(none, none).verdict).toBe('Not one pair changed.');
  });

  it('does not call it a gain when the total does not follow the flips', () => {
    const before = [...outcomes('large', '0'.repeat(100)), ...outcomes('small', '11')];
    const after = [...outcomes('large', '1'.repeat(10) + '0'.repeat(90)), ...outcomes('small', '00')];
    expect(comparePairs(before, after).difference).toBe(-45);
    expect(comparePairs(before, after).verdict).toMatch(/the total does not follow/);
  });

  it('refuses different benchmarks', () => {
    expect(() => comparePairs(outcomes('a', '01'), outcomes('a', '0'))).toThrow(/one benchmark/);
    expect(() => comparePairs(outcomes('a', '01'), outcomes('b', '01'))).toThrow(/not one benchmark/);
  });
});
