import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fitProbe, probePredict, probeProbabilities } from './linear-probe.ts';

/** By scikit-learn (tools/reference/evaluation.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/evaluation.json', import.meta.url), 'utf8'),
).classifiers as {
  classes: number;
  labels: number[];
  train: number[];
  test: number[];
  testRows: number;
  probes: { c: number; weights: number[]; bias: number[]; probabilities: number[]; predictions: number[] }[];
};

describe('fitProbe', () => {
  it.each(reference.probes)('learns what scikit-learn learns, C = $c', (expected) => {
    const { classes, labels, testRows } = reference;
    const [train, test] = [Float32Array.from(reference.train), Float32Array.from(reference.test)];
    const probe = fitProbe(train, labels, classes, expected.c);
    for (const [i, value] of expected.weights.entries()) expect(probe.weights[i]).toBeCloseTo(value, 3);
    for (const [i, value] of expected.bias.entries()) expect(probe.bias[i]).toBeCloseTo(value, 3);
    const probabilities = probeProbabilities(probe, test, testRows);
    for (const [i, value] of expected.probabilities.entries()) expect(probabilities[i]).toBeCloseTo(value, 4);
    expect(probePredict(probe, test, testRows)).toEqual(expected.predictions);
  });

  it('ends on separable data and on equal features', () => {
    expect(probePredict(fitProbe(Float32Array.of(-1, 1), [0, 1], 2, 1e6), Float32Array.of(-3, 3), 2)).toEqual(
      [0, 1],
    );
    expect(probePredict(fitProbe(Float32Array.of(1, 1, 1), [0, 1, 1], 2, 1), Float32Array.of(1), 1)).toEqual([
      1,
    ]);
  });

  it('refuses a penalty that is none and labels out of range', () => {
    expect(() => fitProbe(Float32Array.of(1), [0], 2, 0)).toThrow(/above 0/);
    expect(() => fitProbe(Float32Array.of(1), [2], 2, 1)).toThrow(/class 2 of 2/);
  });
});
