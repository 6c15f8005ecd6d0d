import { expect, it } from 'vitest';
import { LossScale } from './loss-scale.ts';

it('halves at each overflow, and counts', () => {
  const scale = new LossScale();
  expect([scale.value, scale.skipped]).toEqual([65536, 0]);
  expect([scale.lower(), scale.lower()]).toEqual([true, true]);
  scale.succeed();
  expect([scale.value, scale.skipped]).toEqual([16384, 2]);
});

it('doubles after 200 steps without overflow, counted anew after each change', () => {
  const scale = new LossScale();
  const steps = (count: number) => {
    for (let i = 0; i < count; i++) scale.succeed();
  };
  steps(199);
  expect(scale.value).toBe(65536);
  scale.lower();
  steps(199);
  expect(scale.value).toBe(32768);
  steps(1);
  expect(scale.value).toBe(65536);
  steps(10_000);
  expect(scale.value).toBe(2 ** 24);
});

it('gives up where no scale helps', () => {
  const scale = new LossScale();
  for (let i = 0; i < 16; i++) expect(scale.lower()).toBe(true);
  expect(scale.value).toBe(1);
  expect(scale.lower()).toBe(false);
  expect(scale.skipped).toBe(16);
});

it('goes on from its bytes', () => {
  const scale = new LossScale();
  scale.lower();
  for (let i = 0; i < 150; i++) scale.succeed();
  const again = new LossScale();
  again.restore(scale.bytes());
  for (const one of [scale, again]) for (let i = 0; i < 50; i++) one.succeed();
  expect(again.value).toBe(65536);
  expect(again.bytes()).toEqual(scale.bytes());
});
