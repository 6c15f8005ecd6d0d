import { expect, test } from 'vitest';
import { evenTicks, median, smooth, smoothingFor, thin } from './series.ts';

const points = (values: number[]) => values.map((value, i) => ({ step: i + 1, value }));

test('a weight of zero leaves the values alone', () => {
  expect(smooth(points([3, 1, 2]), 0)).toEqual(points([3, 1, 2]));
});

test('the average starts at the first value and follows the recurrence', () => {
  // Debiased moving average with weight 0.5: 4, (0.25 * 4 + 0.5 * 1) / 0.75, ...
  const smoothed = smooth(points([4, 1, 1]), 0.5).map(({ value }) => value);
  expect(smoothed[0]).toBeCloseTo(4, 12);
  expect(smoothed[1]).toBeCloseTo(2, 12);
  expect(smoothed[2]).toBeCloseTo((0.125 * 4 + 0.25 * 1 + 0.5 * 1) / 0.875, 12);
});

test('a value that is not finite does not poison those after it', () => {
  expect(smooth(points([2, Number.NaN, 2]), 0.9).map(({ value }) => value)).toEqual([2, 2, 2]);
});

test('thinning keeps the ends, the order and every spike', () => {
  const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i / 50));
  values[1234] = 9;
  values[4321] = -9;
  const thinned = thin(points(values), 300);
  expect(thinned.length).toBeLessThanOrEqual(300);
  expect(thinned[0]?.step).toBe(1);
  expect(thinned.at(-1)?.step).toBe(5000);
  expect(thinned.some(({ value }) => value === 9)).toBe(true);
  expect(thinned.some(({ value }) => value === -9)).toBe(true);
  const steps = thinned.map(({ step }) => step);
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
});

test('few points stay as they are', () => expect(thin(points([1, 2, 3]), 300)).toEqual(points([1, 2, 3])));

test('short runs are smoothed less', () => {
  expect(smoothingFor(60)).toBeCloseTo(0.8, 12);
  expect(smoothingFor(4600)).toBe(0.98);
});

test('median', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test.each([
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [60, [0, 20, 40, 60]],
  [200, [0, 50, 100, 150, 200]],
  [4600, [0, 1000, 2000, 3000, 4000]],
])('ticks up to %d', (last, ticks) => expect(evenTicks(last)).toEqual(ticks));
