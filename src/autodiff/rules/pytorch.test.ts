import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorsOf, type PytorchCase } from '../testing/pytorch-case.ts';

const folder = new URL('../fixtures/', import.meta.url);

/** A few units in the last place of float32, over the longest sum of any case. */
const tolerance = 5e-6;

describe.each([
  'elementwise',
  'activations',
  'movement',
  'reduction',
  'gather-scatter',
  'linalg',
  'convolution',
  'softmax',
  'normalisation',
  'pooling',
  'resize',
])('gradients of %s agree with PyTorch autograd in float64', (family) => {
  const cases: PytorchCase[] = JSON.parse(readFileSync(new URL(`${family}.json`, folder), 'utf8'));
  it.each(cases.map((c) => [`${c.op}, ${c.label}`, c] as const))('%s', async (_, c) => {
    const errors = await errorsOf(c, 'float32');
    expect(errors).toHaveLength(c.gradients.length);
    expect(Math.max(...errors)).toBeLessThan(tolerance);
  });
});
