import type { GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import { transpose } from '../transpose.ts';
import { reshape } from '../unbroadcast.ts';
import { padded } from './expressions.ts';
import type { Windows } from './windows.ts';

/** Elements of the gathered image beyond which it would not fit the binding of a small GPU (64 MB of float32). */
const mostElements = 2 ** 24;
/** A Conv's products are as wide as the kernel has taps: with more than these they run well. */
const mostTaps = 16;
/** Each element gathered must serve many signals to pay for its copy. */
const leastSignals = 32;

/** Whether {@link kernelProduct} is faster than a Conv, by timing both on WebAssembly, and small enough. */
export function productPays(
  image: readonly number[],
  signals: number,
  { kernel, positions }: Windows,
): boolean {
  const [taps, read] = [sizeOf(kernel), image[0]! * image[1]! * sizeOf(positions)];
  return taps <= mostTaps && signals >= leastSignals && taps * read <= mostElements;
}

/**
 * The gradient of an ungrouped kernel as one Gemm (im2col): the signal's gradient times the parts of the image that
 * each tap met, the batch being summed with the positions.
 *
 * @param image [N, C, image...]
 * @param signal [N, M, positions...]
 * @returns [M, C, kernel...]
 */
export function kernelProduct(b: GraphBuilder, image: string, signal: string, windows: Windows): string {
  const { kernel, positions, before, after } = windows;
  const [batch, channels] = b.shape(image) as [number, number];
  const signals = b.shape(signal)[1]!;
  const taps = sizeOf(kernel);
  const columns = batch * sizeOf(positions);
  const exchanged = [1, 0, ...kernel.map((_, i) => i + 2)];

  const around = (counts: readonly number[]) => [0, 0, ...counts.map((count) => Math.max(count, 0))];
  const whole = padded(b, transpose(b, image, exchanged), around(before), around(after));
  const met = partsMet(b, whole, windows).map((part) => reshape(b, part, [channels, columns]));
  const gathered = met.length === 1 ? met[0]! : b.op('Concat', met, { axis: 0 });
  const rows = reshape(b, transpose(b, signal, exchanged), [signals, columns]);
  const grad = reshape(b, b.op('Gemm', [rows, gathered], { transB: 1 }), [signals, taps, channels]);
  return reshape(b, transpose(b, grad, [0, 2, 1]), [signals, channels, ...kernel]);
}

/** For each tap, last axis fastest, the elements of the padded image that it met at every position. */
function partsMet(
  b: GraphBuilder,
  whole: string,
  { kernel, positions, strides, dilations }: Windows,
): string[] {
  let parts = [whole];
  for (const [i, size] of kernel.entries()) {
    const [stride, dilation] = [strides[i]!, dilations[i]!];
    const span = (positions[i]! - 1) * stride + 1;
    parts = parts.flatMap((part) =>
      Array.from({ length: size }, (_, tap) => {
        const start = tap * dilation;
        if (start === 0 && stride === 1 && span === b.shape(part)[i + 2]) return part;
        const range = [[start], [start + span], [i + 2], [stride]].map((values) => b.ints(values));
        return b.op('Slice', [part, ...range]);
      }),
    );
  }
  return parts;
}
