import { expect, it } from 'vitest';
import { chanceAt, compareScores } from './evaluation.ts';
import { learnFromLabels } from './learned.ts';
import { mcnemar, mulberry32 } from './statistics.ts';

/** Two clouds around different directions, `noise` apart from them. */
function clouds(noise: number) {
  const random = mulberry32(3);
  const labels = Array.from({ length: 60 }, (_, i) => i % 2);
  const rows = labels.flatMap((label) => [
    (label ? 1 : 0) + noise * random(),
    (label ? 0 : 1) + noise * random(),
    noise * random(),
  ]);
  return { embeddings: Float32Array.from(rows), labels, classes: 2 };
}

it('learns what is apart, by neighbours and by a probe, and holds a fifth out', async () => {
  for (const method of ['knn', 'probe'] as const) {
    const score = await learnFromLabels(method, clouds(0.1), [0]);
    expect(score).toMatchObject({ accuracy: 100, spread: undefined, train: 48, test: 12 });
    expect(score?.correct).toHaveLength(12);
  }
});

it('gives mean and spread over seeds as the textbook does', async () => {
  const score = (await learnFromLabels('knn', clouds(2.5), [0, 1, 2]))!;
  const each = score.seeds.map(({ accuracy }) => accuracy);
  expect(new Set(each).size).toBeGreaterThan(1);
  expect(score.accuracy).toBeCloseTo((each[0]! + each[1]! + each[2]!) / 3, 10);
  const squares = each.reduce((sum, value) => sum + value * value, 0);
  expect(score.spread! ** 2).toBeCloseTo((squares - 3 * score.accuracy ** 2) / 2, 8);
});

it('holds nothing out where no class has two images', async () => {
  const data = { embeddings: Float32Array.of(1, 0, 0, 1), labels: [0, 1], classes: 2 };
  expect(await learnFromLabels('knn', data, [0])).toBeUndefined();
});

it('stops where the pause throws', async () => {
  const stop = () => Promise.reject(new Error('cancelled'));
  await expect(learnFromLabels('knn', clouds(1), [0], stop)).rejects.toThrow('cancelled');
});

it('compares the first seeds image by image', async () => {
  const before = (await learnFromLabels('knn', clouds(2.5), [0]))!;
  const after = { ...before, correct: before.correct.map(() => true) };
  const wrong = before.correct.filter((correct) => !correct).length;
  expect(wrong).toBeGreaterThan(0);
  const { knn } = compareScores({ knn: before }, { knn: after });
  expect(knn).toMatchObject({ fixed: wrong, broken: 0, pValue: mcnemar(wrong, 0) });
});

it('knows what guessing scores', () => {
  expect(chanceAt(1, 40)).toBeCloseTo(2.5, 10);
  expect(chanceAt(5, 4)).toBe(100);
  // 1 - C(7, 5) / C(10, 5): five tries among ten with three right ones.
  expect(chanceAt(5, 10, 3)).toBeCloseTo(100 * (1 - 21 / 252), 10);
});
