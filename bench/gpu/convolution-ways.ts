import type { GraphBuilder } from '../../src/onnx/builder.ts';
import type { Prepared, Way } from './layer.ts';

export interface ConvolutionSize {
  batch: number;
  /** In and out. */
  channels: number;
  /** Height and width; even. */
  side: number;
}

/** A 3x3 convolution of stride 1 that keeps the image's size. */
export function convolutionWays(size: ConvolutionSize): Way[] {
  const conv: Way['build'] = (b, { x, w }) => b.op('Conv', [x!, w!], { pads: [1, 1, 1, 1] });
  return [
    { name: 'Conv, NHWC inside', build: conv, layout: 'NHWC' },
    { name: 'Conv, NCHW inside', build: conv, layout: 'NCHW' },
    {
      name: 'shifted images, MatMul',
      build: (b, { x, w }) => shiftedProduct(b, size, x!, w!),
      prepared: { w: tapMajor(size) },
    },
    {
      name: 'Winograd F(2x2, 3x3)',
      build: (b, { x, w }) => winograd(b, size, x!, w!),
      prepared: { w: winogradKernel(size) },
    },
  ];
}

const padded = (b: GraphBuilder, x: string) => b.op('Pad', [x, b.ints([0, 0, 1, 1, 0, 0, 1, 1])]);

function slice(b: GraphBuilder, x: string, axis: number, start: number, end: number, step = 1): string {
  return b.op('Slice', [x, b.ints([start]), b.ints([end]), b.ints([axis]), b.ints([step])]);
}

/** im2col: the nine shifted images [N, 9 C, positions], multiplied by the kernel [M, 9 C]. */
function shiftedProduct(
  b: GraphBuilder,
  { batch, channels, side }: ConvolutionSize,
  x: string,
  w: string,
): string {
  const image = padded(b, x);
  const shifted = [0, 1, 2].flatMap((row) => {
    const rows = slice(b, image, 2, row, row + side);
    return [0, 1, 2].map((column) => slice(b, rows, 3, column, column + side));
  });
  const columns = b.op('Reshape', [
    b.op('Concat', shifted, { axis: 1 }),
    b.ints([batch, 9 * channels, side * side]),
  ]);
  return b.op('Reshape', [b.op('MatMul', [w, columns]), b.ints([batch, channels, side, side])]);
}

/** The kernel [M, C, 3, 3] as [M, 9 C], taps outside. */
function tapMajor({ channels }: ConvolutionSize): Prepared {
  return {
    shape: [channels, 9 * channels],
    of: (values) => {
      const result = new Float32Array(values.length);
      for (let m = 0; m < channels; m++)
        for (let c = 0; c < channels; c++)
          for (let tap = 0; tap < 9; tap++)
            result[(m * 9 + tap) * channels + c] = values[(m * channels + c) * 9 + tap]!;
      return result;
    },
  };
}

/**
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016): tiles of 2x2 outputs from 4x4 inputs by
 * sixteen products [M, C] x [C, tiles], 2.25 times fewer multiplications than the plain way.
 */
function winograd(b: GraphBuilder, { batch, channels, side }: ConvolutionSize, x: string, w: string): string {
  const half = side / 2;
  // Rows, then columns: [4, N C, half, side + 2], then [4, 4 N C, half, half] with columns outside.
  const image = b.op('Reshape', [padded(b, x), b.ints([1, batch * channels, side + 2, side + 2])]);
  const rows = b.op('Reshape', [
    inputTransform(b, image, 2, half),
    b.ints([1, 4 * batch * channels, half, side + 2]),
  ]);
  const tiles = inputTransform(b, rows, 3, half);
  const data = b.op('Reshape', [tiles, b.ints([16, batch, channels, half * half])]);
  const products = b.op('Reshape', [
    b.op('MatMul', [w, data]),
    b.ints([4, 4 * batch * channels, half, half, 1]),
  ]);
  const columns = b.op('Reshape', [
    outputTransform(b, products, 4),
    b.ints([4, batch * channels, half, 1, side]),
  ]);
  return b.op('Reshape', [outputTransform(b, columns, 3), b.ints([batch, channels, side, side])]);
}

/** B' d along `axis`, whose windows of four start at every second element; stacked along axis 0. */
function inputTransform(b: GraphBuilder, x: string, axis: number, windows: number): string {
  const d = [0, 1, 2, 3].map((start) => slice(b, x, axis, start, start + 2 * windows - 1, 2));
  const stacked = [
    b.op('Sub', [d[0]!, d[2]!]),
    b.op('Add', [d[1]!, d[2]!]),
    b.op('Sub', [d[2]!, d[1]!]),
    b.op('Sub', [d[1]!, d[3]!]),
  ];
  return b.op('Concat', stacked, { axis: 0 });
}

/** A' m of the four parts of axis 0, whose two results lie beside one another along `axis` of the parts. */
function outputTransform(b: GraphBuilder, x: string, axis: number): string {
  const m = [0, 1, 2, 3].map((i) => slice(b, x, 0, i, i + 1));
  const sum = b.op('Add', [m[1]!, m[2]!]);
  const difference = b.op('Sub', [m[1]!, m[2]!]);
  return b.op('Concat', [b.op('Add', [m[0]!, sum]), b.op('Sub', [difference, m[3]!])], { axis });
}

/** G g G' of each kernel, as [16, 1, M, C], columns outside; computed in float32. */
function winogradKernel({ channels }: ConvolutionSize): Prepared {
  const G = [
    [1, 0, 0],
    [0.5, 0.5, 0.5],
    [0.5, -0.5, 0.5],
    [0, 0, 1],
  ] as const;
  const kernels = channels * channels;
  return {
    shape: [16, 1, channels, channels],
    of: (values) => {
      const result = new Float32Array(16 * kernels);
      for (let column = 0; column < 4; column++)
        for (let row = 0; row < 4; row++) {
          const taps = Array.from({ length: 9 }, (_, t) => G[row]![Math.floor(t / 3)]! * G[column]![t % 3]!);
          const from = (4 * column + row) * kernels;
          for (let k = 0; k < kernels; k++) {
            let sum = 0;
            for (let t = 0; t < 9; t++) sum += taps[t]! * values[9 * k + t]!;
            result[from + k] = sum;
          }
        }
      return result;
    },
  };
}
