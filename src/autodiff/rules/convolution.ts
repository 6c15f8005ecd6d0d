import { sizeOf } from '../../onnx/data-types.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { transpose, transposeMatrix } from '../transpose.ts';
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
    return [
      c.wants(0) ? spread(b, grad, w, windows, 1) : undefined,
      c.wants(1) ? pointwise(c) : undefined,
      bias,
    ];
  }
  if (groups === 1 && areTiles(windows)) {
    // A patch embedding: one matrix product over the patches.
    const [batch, patch] = [c.shape(0)[0]!, sizeOf([channels, ...kernel])];
    const flat = reshape(b, grad, [batch, outChannels, sizeOf(windows.positions)]);
    const dY = reshape(b, transpose(b, flat, [0, 2, 1]), [batch * sizeOf(windows.positions), outChannels]);
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

/** The kernel's gradient of a Conv whose windows are single elements: dY X' summed over the batch. */
function pointwise(c: RuleContext): string {
  const { b } = c;
  const [batch, channels, ...image] = c.shape(0) as [number, number, ...number[]];
  const [outChannels, size] = [c.shape(1)[0]!, sizeOf(image)];
  const [dY, x] = [c.grad, c.inputs[0]!];
  if (batch === 1) {
    const flat = [reshape(b, dY, [outChannels, size]), reshape(b, x, [channels, size])];
    return reshape(b, b.op('Gemm', flat, { transB: 1 }), c.shape(1));
  }
  const rows = transposeMatrix(b, reshape(b, x, [batch, channels, size]));
  const each = b.op('MatMul', [reshape(b, dY, [batch, outChannels, size]), rows]);
  return reshape(b, sum(b, each, [0], 0), c.shape(1));
}

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
function channelSums({ b, grad }: RuleContext): string {
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
