import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cosineOfTurn, logarithm, sineOfTurn } from './exact-math.ts';
import { philoxVectors } from './fixtures/philox-vectors.ts';
import { randomDigest, randomSample } from './fixtures/random-digest.ts';
import { philox, RandomStream } from './random.ts';

describe('philox', () => {
  it.each(philoxVectors)('gives the published words of counter %j', (counter, key, words) => {
    expect(philox(counter, key)).toEqual(words);
  });
});

describe('exact mathematics', () => {
  it('agrees with the platform to 1e-15', () => {
    for (let i = 1; i <= 20000; i++) {
      const t = (i - 1) / 20000;
      expect(Math.abs(logarithm(i / 20000) - Math.log(i / 20000))).toBeLessThan(2e-15);
      expect(Math.abs(cosineOfTurn(t) - Math.cos(2 * Math.PI * t))).toBeLessThan(2e-15);
      expect(Math.abs(sineOfTurn(t) - Math.sin(2 * Math.PI * t))).toBeLessThan(2e-15);
    }
    expect(logarithm(2 ** -32)).toBeCloseTo(-32 * Math.LN2, 14);
    expect(logarithm(1)).toBe(0);
    expect([0, 0.25, 0.5, 0.75].map(cosineOfTurn).map(Math.round)).toEqual([1, -0, -1, 0]);
  });
});

describe('RandomStream', () => {
  const stream = new RandomStream(42, 'noise');

  it('addresses every number', () => {
    const at = { step: 7, image: 3, draw: 1 };
    expect(stream.normal(at, 33)).toEqual(new RandomStream(42, 'noise').normal(at, 33));
    expect(stream.normal(at, 33)).toEqual(stream.normal(at, 64).subarray(0, 33));
    const others = [
      stream.normal({ ...at, step: 8 }, 8),
      stream.normal({ ...at, image: 4 }, 8),
      stream.normal({ ...at, draw: 0 }, 8),
      new RandomStream(43, 'noise').normal(at, 8),
      new RandomStream(42 + 2 ** 32, 'noise').normal(at, 8),
      new RandomStream(42, 'tokens').normal(at, 8),
    ];
    for (const other of others) expect(other).not.toEqual(stream.normal(at, 8));
  });

  it('has the moments of its distributions', () => {
    const count = 200_000;
    const mean = (values: ArrayLike<number>, power = 1) =>
      Array.from(values).reduce((sum, x) => sum + x ** power, 0) / values.length;
    const normal = stream.normal({}, count);
    // Five standard errors: sqrt(var / n) with variances 1, 2, 15 and 96 of x, x^2, x^3 and x^4.
    const within = (power: number, want: number, variance: number) =>
      expect(Math.abs(mean(normal, power) - want)).toBeLessThan(5 * Math.sqrt(variance / count));
    within(1, 0, 1);
    within(2, 1, 2);
    within(3, 0, 15);
    within(4, 3, 96);
    const uniform = stream.uniform({}, count);
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
  });

  it('draws whole numbers evenly, ends included and excluded', () => {
    const counts = new Array<number>(7).fill(0);
    for (const value of stream.integers({}, 70_000, 10, 17)) counts[value - 10]!++;
    // Chi-square with six degrees of freedom: 27.9 is its 1e-4 quantile.
    expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9);
    expect(() => stream.integers({}, 1, 5, 5)).toThrow(/No whole numbers/);
  });

  it('permutes', () => {
    const order = stream.permutation({ step: 1 }, 257);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 257 }, (_, i) => i));
    expect(order).not.toEqual(stream.permutation({ step: 2 }, 257));
    const first = new Set(Array.from({ length: 200 }, (_, step) => stream.permutation({ step }, 5)[0]));
    expect(first.size).toBe(5);
  });

  it('refuses seeds that are not whole numbers', () => {
    expect(() => new RandomStream(-1, 'noise')).toThrow(/seed/);
    expect(() => new RandomStream(0.5, 'noise')).toThrow(/seed/);
  });

  it('gives the same bytes as every other engine', () => {
    expect(createHash('sha256').update(randomSample()).digest('hex')).toBe(randomDigest);
  });
});
