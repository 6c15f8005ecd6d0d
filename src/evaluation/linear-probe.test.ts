import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Neighbours } from './knn.ts';
import { fitProbe, probePredict, probeProbabilities } from './linear-probe.ts';
import { mulberry32 } from './statistics.ts';

/** By scikit-learn (tools/reference/evaluation.py). */
const { classifiers: reference, wide } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/evaluation.json', import.meta.url), 'utf8'),
) as { classifiers: Classifiers; wide: Wide };

interface Wide {
  rows: number;
  width: number;
  classes: number;
  train: number;
  weights: number[];
  probabilities: number[];
  predictions: number[];
  neighbours: number[];
}

interface Classifiers {
  classes: number;
  labels: number[];
  train: number[];
  test: number[];
  testRows: number;
  probes: { c: number; weights: number[]; bias: number[]; probabilities: number[]; predictions: number[] }[];
}

/** As in tools/reference/evaluation.py: rows of length sqrt(width). */
function wideRows({ rows, width, classes }: Wide): Float32Array {
  const values = Array.from({ length: rows * width }, (_, i) => {
    let h = Math.imul(i, 0x9e3779b9) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = (h ^ (h >>> 13)) >>> 0;
    return (h >>> 8) * 2 ** -23 - 1;
  });
  for (let row = 0; row < rows; row++) values[row * width + (row % classes)]! += 2;
  return Float32Array.from(values, (value, i) => {
    const row = values.slice(Math.floor(i / width) * width, (Math.floor(i / width) + 1) * width);
    return (Math.sqrt(width) * value) / Math.hypot(...row);
  });
}

describe('fitProbe', () => {
  it.each(reference.probes)('learns what scikit-learn learns, C = $c', async (expected) => {
    const { classes, labels, testRows } = reference;
    const [train, test] = [Float32Array.from(reference.train), Float32Array.from(reference.test)];
    const probe = await fitProbe(train, labels, classes, expected.c);
    for (const [i, value] of expected.weights.entries()) expect(probe.weights[i]).toBeCloseTo(value, 3);
    for (const [i, value] of expected.bias.entries()) expect(probe.bias[i]).toBeCloseTo(value, 3);
    const probabilities = probeProbabilities(probe, test, testRows);
    for (const [i, value] of expected.probabilities.entries()) expect(probabilities[i]).toBeCloseTo(value, 4);
    expect(probePredict(probe, test, testRows)).toEqual(expected.predictions);
  });

  it('learns what scikit-learn learns of rows as wide as embeddings, and so do neighbours', async () => {
    const { rows, width, classes, train } = wide;
    const features = wideRows(wide);
    const labels = Array.from({ length: train }, (_, row) => row % classes);
    const [known, asked] = [features.slice(0, train * width), features.slice(train * width)];
    const probe = await fitProbe(known, labels, classes, 1);
    const probabilities = probeProbabilities(probe, asked, rows - train);
    const off = (got: Float64Array, want: number[]) =>
      want.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
    expect(off(probe.weights, wide.weights)).toBeLessThan(1e-4);
    expect(off(probabilities, wide.probabilities)).toBeLessThan(1e-4);
    expect(probePredict(probe, asked, rows - train)).toEqual(wide.predictions);
    expect(new Neighbours(known, labels).predict(asked, rows - train, 20)).toEqual(wide.neighbours);
  });

  it('ends on separable data and on equal features', async () => {
    const apart = await fitProbe(Float32Array.of(-1, 1), [0, 1], 2, 1e6);
    expect(probePredict(apart, Float32Array.of(-3, 3), 2)).toEqual([0, 1]);
    const equal = await fitProbe(Float32Array.of(1, 1, 1), [0, 1, 1], 2, 1);
    expect(probePredict(equal, Float32Array.of(1), 1)).toEqual([1]);
  });

  it('tells how far it is, and stops where the pause throws', async () => {
    const random = mulberry32(1);
    const [rows, width, classes] = [400, 64, 50];
    const features = Float32Array.from({ length: rows * width }, () => random() - 0.5);
    const labels = Array.from({ length: rows }, (_, row) => row % classes);
    const shares: number[] = [];
    await fitProbe(features, labels, classes, 1, async (share) => void shares.push(share));
    expect(shares.length).toBeGreaterThan(3);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBeGreaterThan(0.5);
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
    const stop = () => Promise.reject(new Error('cancelled'));
    await expect(fitProbe(features, labels, classes, 1, stop)).rejects.toThrow('cancelled');
  });

  it('refuses a penalty that is none and labels out of range', async () => {
    await expect(fitProbe(Float32Array.of(1), [0], 2, 0)).rejects.toThrow(/above 0/);
    await expect(fitProbe(Float32Array.of(1), [2], 2, 1)).rejects.toThrow(/class 2 of 2/);
  });
});
