import { expect, it } from 'vitest';
import { sizeOf } from '../../onnx/data-types.ts';
import { addInput, emptyGraph, GraphBuilder, nameOutput } from '../index.ts';
import { CpuSession } from '../testing/cpu-session.ts';
import { randomFrom } from '../testing/random.ts';
import { kernelGradient } from './correlation.ts';
import { productPays } from './kernel-product.ts';
import type { Windows } from './windows.ts';

interface Case {
  name: string;
  batch: number;
  channels: number;
  windows: Windows;
}

const signals = 32;

const cases: Case[] = [
  {
    name: '3x3, padded',
    batch: 2,
    channels: 3,
    windows: {
      image: [5, 6],
      positions: [5, 6],
      kernel: [3, 3],
      strides: [1, 1],
      dilations: [1, 1],
      before: [1, 1],
      after: [1, 1],
    },
  },
  {
    name: 'strided, dilated, padded unevenly, last rows unread',
    batch: 3,
    channels: 2,
    windows: {
      image: [9, 8],
      positions: [4, 3],
      kernel: [2, 3],
      strides: [2, 2],
      dilations: [1, 2],
      before: [0, 1],
      after: [-1, 0],
    },
  },
  {
    name: 'one dimension, no padding',
    batch: 1,
    channels: 4,
    windows: {
      image: [7],
      positions: [5],
      kernel: [3],
      strides: [1],
      dilations: [1],
      before: [0],
      after: [0],
    },
  },
  {
    name: 'three dimensions',
    batch: 2,
    channels: 2,
    windows: {
      image: [3, 4, 3],
      positions: [2, 4, 2],
      kernel: [2, 3, 2],
      strides: [1, 1, 1],
      dilations: [1, 1, 1],
      before: [0, 1, 0],
      after: [0, 1, 0],
    },
  },
];

/** Every index of a shape, in row-major order. */
function* indices(shape: readonly number[]): Generator<number[]> {
  const [size, ...rest] = shape;
  if (size === undefined) yield [];
  else for (let i = 0; i < size; i++) for (const tail of indices(rest)) yield [i, ...tail];
}

const offset = (index: readonly number[], shape: readonly number[]) =>
  index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);

/** The definition: image[n, c, p * stride + t * dilation - before] times signal[n, m, p], summed over n and p. */
function byDefinition(
  { batch, channels, windows }: Case,
  image: readonly number[],
  signal: readonly number[],
): number[] {
  const { kernel, positions, strides, dilations, before } = windows;
  return [...indices([signals, channels, ...kernel])].map(([m, c, ...tap]) => {
    let sum = 0;
    for (const [n, ...at] of indices([batch, ...positions])) {
      const read = at.map((p, i) => p * strides[i]! + tap[i]! * dilations[i]! - before[i]!);
      if (read.some((row, i) => row < 0 || row >= windows.image[i]!)) continue;
      const x = image[offset([n!, c!, ...read], [batch, channels, ...windows.image])]!;
      sum += x * signal[offset([n!, m!, ...at], [batch, signals, ...positions])]!;
    }
    return sum;
  });
}

it.each(cases.map((c) => [c.name, c] as const))(
  'gives the gradient of a kernel as one product: %s',
  async (_, c) => {
    const { batch, channels, windows } = c;
    const imageShape = [batch, channels, ...windows.image];
    const signalShape = [batch, signals, ...windows.positions];
    expect(productPays(imageShape, signals, windows)).toBe(true);
    const b = new GraphBuilder(emptyGraph('kernel', 21));
    addInput(b, 'image', 'float32', imageShape);
    addInput(b, 'signal', 'float32', signalShape);
    nameOutput(b, kernelGradient(b, 'image', 'signal', windows, 1), 'gradient');
    expect(b.graph.nodes.map(({ op }) => op)).not.toContain('Conv');
    const random = randomFrom(3);
    const draw = (shape: readonly number[]) =>
      Array.from({ length: sizeOf(shape) }, () => Math.fround(2 * random() - 1));
    const [image, signal] = [draw(imageShape), draw(signalShape)];
    const [found] = await (await CpuSession.open(b.graph)).run([image, signal]);
    const expected = byDefinition(c, image, signal);
    expect(found).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(found![i]).toBeCloseTo(value, 5);
  },
);

it('leaves to a Conv what it does as well or what would take much memory', () => {
  const { windows } = cases[0]!;
  expect(productPays([1, 3, 5, 6], signals - 1, windows)).toBe(false);
  expect(productPays([1, 3, 64, 64], 64, { ...windows, kernel: [7, 7], positions: [64, 64] })).toBe(false);
  expect(productPays([4, 640, 64, 64], 640, { ...windows, positions: [64, 64] })).toBe(false);
});
