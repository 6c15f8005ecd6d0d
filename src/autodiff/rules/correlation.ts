import type { GraphBuilder, PlainAttributes } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import { transpose } from '../transpose.ts';
import { reshape } from '../unbroadcast.ts';
import { paddedAxis, part, reversed } from './expressions.ts';
import { kernelProduct, productPays } from './kernel-product.ts';
import type { Windows } from './windows.ts';

/**
 * Slides a kernel over an image: signal[m, p] = sum over c and t of kernel[m, c, t] image[c, p * stride + t * dilation
 * - before].
 *
 * @param image [N, C, image...]
 * @param kernel [M, C / groups, kernel...]
 * @returns [N, M, positions...]
 */
export function correlate(
  b: GraphBuilder,
  image: string,
  kernel: string,
  windows: Windows,
  groups: number,
): string {
  const { strides, dilations, before, after } = windows;
  const pads = [...before, ...after.map((count) => Math.max(count, 0))];
  let signal = conv(b, image, kernel, groups, { strides, dilations, pads });
  for (const [i, size] of windows.positions.entries()) signal = part(b, signal, i + 2, 0, size);
  return signal;
}

/**
 * The transpose of {@link correlate} in its image: every element of the signal adds the kernel, times itself, to
 * where its window read.
 *
 * @param signal [N, M, positions...]
 * @param kernel [M, C / groups, kernel...]
 * @returns [N, C, image...]
 */
export function spread(
  b: GraphBuilder,
  signal: string,
  kernel: string,
  windows: Windows,
  groups: number,
): string {
  const { strides, dilations, before, after, image } = windows;
  // At stride one it is a Conv with the kernel turned round, whose kernel is tiled where ConvTranspose's is not; in
  // three dimensions ConvTranspose does not run at all, and several signals spread into groups of one channel come
  // out wrong (onnxruntime-web 1.30).
  const [signals, channels] = b.shape(kernel) as [number, number];
  const unsafe = image.length > 2 || (groups > 1 && channels === 1 && signals > groups);
  if (strides.every((stride) => stride === 1) || unsafe)
    return spreadByConv(b, signal, kernel, windows, groups);
  return b.op('ConvTranspose', [signal, kernel], {
    strides,
    dilations,
    pads: [...before, ...after.map((count) => Math.max(count, 0))],
    output_padding: after.map((count) => Math.max(-count, 0)),
    group: groups,
  });
}

/** A Conv, group by group in three dimensions, where the WebGPU provider knows no groups. */
function conv(
  b: GraphBuilder,
  image: string,
  kernel: string,
  groups: number,
  attributes: PlainAttributes,
): string {
  if (groups === 1 || b.shape(image).length < 5)
    return b.op('Conv', [image, kernel], { ...attributes, group: groups });
  const [channels, outChannels] = [b.shape(image)[1]! / groups, b.shape(kernel)[0]! / groups];
  const each = Array.from({ length: groups }, (_, i) => {
    const data = part(b, image, 1, i * channels, (i + 1) * channels);
    const taps = part(b, kernel, 0, i * outChannels, (i + 1) * outChannels);
    return b.op('Conv', [data, taps], attributes);
  });
  return b.op('Concat', each, { axis: 1 });
}

function spreadByConv(
  b: GraphBuilder,
  signal: string,
  kernel: string,
  windows: Windows,
  groups: number,
): string {
  const { strides, dilations, before, after } = windows;
  const reach = windows.kernel.map((size, i) => (size - 1) * dilations[i]!);
  const head = reach.map((taps, i) => taps - before[i]!);
  // Spacing the signal out leaves stride - 1 zeros after its last element, which serve as padding.
  const tail = reach.map((taps, i) => taps - after[i]! - (strides[i]! - 1));

  let spaced = signal;
  for (const [i, stride] of strides.entries()) {
    spaced = spacedOut(b, spaced, i + 2, stride);
    spaced = part(b, spaced, i + 2, Math.max(0, -head[i]!), b.shape(spaced)[i + 2]! - Math.max(0, -tail[i]!));
  }
  const pads = [...head, ...tail].map((count) => Math.max(0, count));
  return conv(b, spaced, turned(b, kernel, groups), groups, { dilations, pads });
}

/** Follows every element of an axis by `stride - 1` zeros. */
function spacedOut(b: GraphBuilder, value: string, axis: number, stride: number): string {
  if (stride === 1) return value;
  const shape = b.shape(value);
  const [lead, size, rest] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
  const spaced = paddedAxis(b, reshape(b, value, [lead, size, 1, rest]), 2, 0, stride - 1);
  return reshape(b, spaced, [...shape.slice(0, axis), size * stride, ...shape.slice(axis + 1)]);
}

/** A kernel [M, C / groups, kernel...] as [C, M / groups, kernel reversed...]. */
function turned(b: GraphBuilder, kernel: string, groups: number): string {
  const [outer, inner, ...sizes] = b.shape(kernel) as [number, number, ...number[]];
  const spatial = sizes.map((_, i) => i + 2);
  const backward = reversed(b, kernel, ...spatial);
  if (groups === 1) return transpose(b, backward, [1, 0, ...spatial]);
  const split = reshape(b, backward, [groups, outer / groups, inner, sizeOf(sizes)]);
  return reshape(b, transpose(b, split, [0, 2, 1, 3]), [groups * inner, outer / groups, ...sizes]);
}

/**
 * The gradient of the kernel of {@link correlate}: each tap is the product of the signal's gradient with the part of
 * the image that the tap met.
 *
 * @param image [N, C, image...]
 * @param signal [N, M, positions...]
 * @returns [M, C / groups, kernel...]
 */
export function kernelGradient(
  b: GraphBuilder,
  image: string,
  signal: string,
  windows: Windows,
  groups: number,
): string {
  return groups === 1 && productPays(b.shape(image), b.shape(signal)[1]!, windows)
    ? kernelProduct(b, image, signal, windows)
    : kernelConv(b, image, signal, windows, groups);
}

/**
 * {@link kernelGradient} without a copy of the image for each tap: batch and channels change places, so that a Conv
 * sums over the batch, and strides and dilations change places too.
 */
function kernelConv(
  b: GraphBuilder,
  image: string,
  signal: string,
  windows: Windows,
  groups: number,
): string {
  const { strides, dilations, before, after, kernel } = windows;
  const [batch, channels] = b.shape(image) as [number, number];
  const inGroup = channels / groups;

  const exchanged = [1, 0, ...kernel.map((_, i) => i + 2)];
  const taps = transpose(b, signal, exchanged);
  const byGroup = () => reshape(b, image, [batch, groups, inGroup, sizeOf(windows.image)]);
  const data =
    groups === 1
      ? transpose(b, image, exchanged)
      : reshape(b, transpose(b, byGroup(), [2, 1, 0, 3]), [inGroup, groups * batch, ...windows.image]);

  let grad = conv(b, data, taps, groups, {
    strides: dilations,
    dilations: strides,
    pads: [...before, ...after.map((count) => Math.max(count, 0))],
  });
  for (const [i, size] of kernel.entries()) grad = part(b, grad, i + 2, 0, size);
  return transpose(b, grad, exchanged);
}
