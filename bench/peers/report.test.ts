import { expect, test } from 'vitest';
import { z } from 'zod';
import { disagreements, gradientError, rowOf } from './report.ts';

const span = z.tuple([z.number(), z.number()]);
const schema = z.strictObject({
  name: z.string(),
  backend: z.enum(['webgpu', 'best']),
  adapter: z.string(),
  dtype: z.literal('float32'),
  ours_ms: z.number().positive(),
  peer: z.string(),
  peer_ms: z.number().positive(),
  ratio: z.number().positive(),
  max_rel_err: z.number().nonnegative(),
  ours_spread: span,
  peer_spread: span,
  ratio_spread: span,
  steps: z.int().positive(),
  ours_setting: z.string(),
  peer_setting: z.string(),
});

const place = { name: 'vit-block', backend: 'best', adapter: 'none' };
const right = { 'up.weight': [1, -2, 0.5], 'key.bias': [1e-9] };
const peerOf = (gradients: Record<string, number[]>) => ({
  name: 'jax-js',
  setting: 'wasm',
  gradients,
  rounds: [[40, 50], [60, 45], [44]],
});
const ours = { setting: 'wasm', gradients: right, rounds: [[10, 12], [11, 9], [11]] };

test('a row has the fields that are promised, and survives JSON', () => {
  const row = rowOf(place, ours, peerOf(right));
  expect(schema.parse(JSON.parse(JSON.stringify(row)))).toEqual(row);
  expect(row).toMatchObject({ ours_ms: 11, peer_ms: 45, max_rel_err: 0, ours_spread: [9, 12], steps: 5 });
  expect(row.ratio).toBeCloseTo(11 / 45, 3);
  expect(row.ratio_spread).toEqual([0.1905, 0.25]);
  expect(disagreements([row])).toEqual([]);
});

test.each([
  ['one element off by 1%', { ...right, 'up.weight': [1, -2.02, 0.5] }],
  ['a sign', { ...right, 'up.weight': [-1, 2, -0.5] }],
  ['not a number', { ...right, 'up.weight': [1, Number.NaN, 0.5] }],
  ['a missing weight', { 'key.bias': [1e-9] }],
  ['another length', { ...right, 'up.weight': [1, -2] }],
])('a wrong gradient fails: %s', (_, wrong) => {
  const row = rowOf(place, { ...ours, gradients: wrong }, peerOf(right));
  expect(disagreements([row])).toHaveLength(1);
});

test('the bias of the keys, whose gradient is zero, is left out; nothing compared is no agreement', () => {
  expect(gradientError({ ...right, 'key.bias': [-3e-9] }, right)).toBe(0);
  expect(gradientError({}, {})).toBe(Number.POSITIVE_INFINITY);
});
