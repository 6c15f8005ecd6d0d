import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classEmbeddings, scoreZeroShot } from './zero-shot.ts';

/** By scikit-learn and numpy (tools/reference/evaluation.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/evaluation.json', import.meta.url), 'utf8'),
).zeroShot as {
  classes: number;
  templates: number;
  labels: number[];
  prompts: number[];
  images: number[];
  heads: number[];
  top1: number;
  top5: number;
  meanPerClass: number;
  confusion: number[][];
  predictions: number[];
};
const heads = classEmbeddings(Float32Array.from(reference.prompts), reference.classes, reference.templates);
const names = Array.from({ length: reference.classes }, (_, i) => `class ${i}`);

describe('classEmbeddings', () => {
  it('is the normalised mean of normalised prompts', () => {
    for (const [i, value] of reference.heads.entries()) expect(heads.values[i]).toBeCloseTo(value, 6);
  });
});

describe('scoreZeroShot', () => {
  it('gives what scikit-learn gives', async () => {
    const score = await scoreZeroShot(Float32Array.from(reference.images), heads, reference.labels, names);
    expect(score.top1).toBeCloseTo(reference.top1, 10);
    expect(score.top5).toBeCloseTo(reference.top5, 10);
    expect(score.meanPerClass).toBeCloseTo(reference.meanPerClass, 10);
    expect(score.confusion).toEqual(reference.confusion);
    expect(score.predictions).toEqual(reference.predictions);
    expect(score.classes.map(({ images }) => images)).toEqual(
      reference.confusion.map((row) => row.reduce((a, b) => a + b)),
    );
  });

  it('leaves classes without images out of the mean', async () => {
    const two = classEmbeddings(Float32Array.of(1, 0, 0, 1), 2, 1);
    const alone = await scoreZeroShot(Float32Array.of(2, 1), two, [0], ['a', 'b']);
    expect(alone.meanPerClass).toBe(100);
    expect(alone.classes[1]).toEqual({ name: 'b', images: 0, top1: undefined, top5: undefined });
  });

  it('refuses embeddings without a direction, of another width and unknown classes', async () => {
    const two = classEmbeddings(Float32Array.of(1, 0, 0, 1), 2, 1);
    await expect(scoreZeroShot(Float32Array.of(0, 0), two, [0], ['a', 'b'])).rejects.toThrow(
      /image 1 is all zero/,
    );
    await expect(scoreZeroShot(Float32Array.of(Number.NaN, 0), two, [0], ['a', 'b'])).rejects.toThrow(
      /not finite/,
    );
    await expect(scoreZeroShot(Float32Array.of(1, 2, 3), two, [0], ['a', 'b'])).rejects.toThrow(/3 and of 2/);
    await expect(scoreZeroShot(Float32Array.of(1, 2), two, [2], ['a', 'b'])).rejects.toThrow(
      /unknown class 2/,
    );
    await expect(scoreZeroShot(Float32Array.of(1, 2), two, [0], ['a'])).rejects.toThrow(/1 names for 2/);
    await expect(scoreZeroShot(new Float32Array(0), two, [], ['a', 'b'])).rejects.toThrow(/0 images/);
  });

  it('tells how far it is, and stops where the pause throws', async () => {
    const width = 2 ** 17;
    const heads = classEmbeddings(new Float32Array(2 * width).fill(1), 2, 1);
    const images = new Float32Array(100 * width).fill(1);
    const labels = Array.from({ length: 100 }, () => 0);
    const shares: number[] = [];
    await scoreZeroShot(images, heads, labels, ['a', 'b'], async (share) => void shares.push(share));
    expect(shares).toEqual([0, 0.32, 0.64, 0.96]);
    const stop = () => Promise.reject(new Error('cancelled'));
    await expect(scoreZeroShot(images, heads, labels, ['a', 'b'], stop)).rejects.toThrow('cancelled');
  });
});
