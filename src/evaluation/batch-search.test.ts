import { describe, expect, it } from 'vitest';
import { BatchSearch } from './batch-search.ts';

/** Runs a search on a machine that takes so many milliseconds for a batch; the batches that it ran, in order. */
function searched(milliseconds: (batch: number) => number, fits = (_: number) => true) {
  const search = new BatchSearch(fits);
  const ran: number[] = [];
  while (!search.settled) {
    // Kernels are compiled in the first run of each.
    const first = !ran.includes(search.batch);
    ran.push(search.batch);
    search.record(milliseconds(search.batch) + (first ? 500 : 0));
  }
  return { best: search.best, tried: [...new Set(ran)], runs: ran.length, batch: search.batch };
}

describe('the batch with the most images a second', () => {
  it.each([
    ['the largest where each run costs much to start', (n: number) => 50 + n, [1, 4, 8, 16, 32], 32],
    ['one image where larger batches gain nothing', (n: number) => 50 * n, [1, 4, 8], 1],
    [
      'the last that gained 5 %',
      (n: number) => n * ({ 1: 100, 4: 80, 8: 77, 16: 78 }[n] ?? 1),
      [1, 4, 8, 16],
      4,
    ],
    ['the one behind a busy moment', (n: number) => (n === 4 ? 900 : 30 + 5 * n), [1, 4, 8, 16, 32], 32],
    ['the one before memory is slow', (n: number) => (n > 8 ? 20 * n : 30 + 5 * n), [1, 4, 8, 16, 32], 8],
  ])('is %s', (_, milliseconds, tried, best) => {
    expect(searched(milliseconds)).toMatchObject({ tried, best, batch: best });
  });

  it('is of those that fit', () => {
    expect(
      searched(
        (batch) => 50 + batch,
        (batch) => batch <= 8,
      ),
    ).toMatchObject({ best: 8, tried: [1, 4, 8] });
  });

  it('is timed longer where runs are short', () => {
    expect(searched((batch) => 100 * batch).runs).toBe(2 + 2 + 2);
    expect(searched((batch) => 10 * batch).runs).toBe(11 + 4 + 3);
    expect(searched((batch) => 0.01 * batch).runs).toBe(65 + 17 + 9);
  });

  it('stays once the search is ended', () => {
    const search = new BatchSearch(() => true);
    for (const time of [900, 100, 900, 100]) search.record(time);
    expect([search.batch, search.best]).toEqual([8, 4]);
    search.settle();
    search.record(1);
    search.record(1);
    expect([search.batch, search.settled]).toEqual([4, true]);
  });
});
