import { expect, it } from 'vitest';
import { rowsInMemory } from './embeddings.ts';
import { averaged, lessMean } from './teacher-view.ts';

it('averages a large latent to 16 x 16, and leaves a small one', () => {
  const [channels, size] = [2, 32];
  const latent = Float32Array.from({ length: channels * size * size }, (_, i) => i);
  const small = averaged(latent, [channels, size, size]);
  expect(small).toHaveLength(channels * 256);
  // Of the first 2 x 2: 0, 1, 32, 33. Of the last of the second channel: its last four.
  expect(small[0]).toBeCloseTo(16.5, 5);
  expect(small.at(-1)).toBeCloseTo((2047 + 2046 + 2015 + 2014) / 4, 2);
  expect(averaged(latent.subarray(0, 512), [2, 16, 16])).toHaveLength(512);
});

it('takes the mean over all rows away as rows are read', async () => {
  const rows = 600;
  const values = Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? i / 2 : 7));
  const source = await lessMean(rowsInMemory(values, rows));
  expect([...(await source.read(0, 2))]).toEqual([-299.5, 0, -298.5, 0]);
  expect([...(await source.read(599, 1))]).toEqual([299.5, 0]);
});
