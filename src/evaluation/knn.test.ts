import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Neighbours } from './knn.ts';

/** By scikit-learn (tools/reference/evaluation.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/evaluation.json', import.meta.url), 'utf8'),
).classifiers as {
  labels: number[];
  train: number[];
  test: number[];
  testRows: number;
  neighbours: Record<string, number[]>;
};

describe('Neighbours', () => {
  it.each(Object.entries(reference.neighbours))(
    'with %s neighbours predicts as scikit-learn',
    (k, expected) => {
      const { train, labels, test, testRows } = reference;
      const known = new Neighbours(Float32Array.from(train), labels);
      expect(known.predict(Float32Array.from(test), testRows, Number(k))).toEqual(expected);
    },
  );

  it('takes all rows when fewer are known than asked for, and refuses none', () => {
    const one = Float32Array.of(1, 0);
    const known = new Neighbours(one, [1]);
    expect(known.predict(one, 1, 20)).toEqual([1]);
    expect(() => known.predict(one, 1, 0)).toThrow(/0 neighbours/);
  });
});
