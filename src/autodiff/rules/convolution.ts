import { sizeOf } from '../../onnx/data-types.ts';
import type { Rule, RuleTable } from '../rule.ts';
import { transposeMatrix } from '../transpose.ts';
import { reshape } from '../unbroadcast.ts';
import { correlate, kernelGradient, spread } from './correlation.ts';
import { sum } from './expressions.ts';
import { fromTiles, toTiles } from './tiles.ts';
import { arePoints, areTiles, windowsOf } from './windows.ts';

/** Y = W correlated with X, plus a bias for each channel; W is [M, C / groups, kernel...]. */
const conv: Rule = (c) => {
  const { b, grad } = c;
  const [x, w] = [c.inputs[0]!, c.inputs[1]!];
  const [, channels, ...image] = c.shape(0) as [number, number, ...number[]];
  const [outChannels, , ...kernel] = c.shape(1) as [number, number, ...number[]];
  const windows = windowsOf(c, image, b.shape(grad).slice(2), kernel);
  const groups = c.int('group', 1);
  const bias = c.wants(2) ? channelSums(c) : undefined;

  if (groups === 1 && arePoints(windows)) {
    const size = sizeOf(image);
    const batch = c.shape(0)[0]!;
    const dY =
      batch === 1 ? reshape(b, grad, [outChannels, size]) : reshape(b, grad, [batch, outChannels, size]);
    const kernels = reshape(b, w, [outChannels, channels]);
    const dX = () =>
      batch === 1
        ? b.op('Gemm', [kernels, dY], { transA: 1 })
        : b.op('MatMul', [transposeMatrix(b, kernels), dY]);
    const dW = () =>
      batch === 1
        ? b.op('Gemm', [dY, reshape(b, x, [channels, size])], { transB: 1 })
        : sum(b, b.op('MatMul', [dY, transposeMatrix(b, reshape(b, x, [batch, channels, size]))]), [0], 0);
    return [
      c.wants(0) ? reshape(b, dX(), c.shape(0)) : undefined,
      c.wants(1) ? reshape(b, dW(), c.shape(1)) : undefined,
      bias,
    ];
  }

  if (groups === 1 && areTiles(windows)) {
    // A patch embedding: one matrix product over the patches.
    const dY = toTiles(
      b,
      grad,
      windows.positions.map(() => 1),
    );
    const patch = sizeOf([channels, ...kernel]);
    const dX = () => b.op('Gemm', [dY, reshape(b, w, [outChannels, patch])]);
    const dW = () => b.op('Gemm', [dY, toTiles(b, x, kernel)], { transA: 1 });
    return [
      c.wants(0) ? fromTiles(b, dX(), c.shape(0), kernel) : undefined,
      c.wants(1) ? reshape(b, dW(), c.shape(1)) : undefined,
      bias,
    ];
  }

  return [
    c.wants(0) ? spread(b, grad, w, windows, groups) : undefined,
    c.wants(1) ? kernelGradient(b, x, grad, windows, groups) : undefined,
    bias,
  ];
};

/** Y = X spread through W, the transpose of Conv in its image; W is [C, M / groups, kernel...]. */
const convTranspose: Rule = (c) => {
  const { b, grad } = c;
  const [x, w] = [c.inputs[0]!, c.inputs[1]!];
  const windows = windowsOf(c, b.shape(grad).slice(2), c.shape(0).slice(2), c.shape(1).slice(2));
  const groups = c.int('group', 1);
  return [
    c.wants(0) ? correlate(b, grad, w, windows, groups) : undefined,
    c.wants(1) ? kernelGradient(b, grad, x, windows, groups) : undefined,
    c.wants(2) ? channelSums(c) : undefined,
  ];
};

/** The gradient of a bias: everything but the channels summed. */
function channelSums({ b, grad }: Parameters<Rule>[0]): string {
  return sum(
    b,
    grad,
    [
      0,
      ...b
        .shape(grad)
        .slice(2)
        .map((_, i) => i + 2),
    ],
    0,
  );
}

export const convolution: RuleTable = { Conv: conv, ConvTranspose: convTranspose };
