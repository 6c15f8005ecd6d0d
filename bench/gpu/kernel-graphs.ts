/** The layers that take most of a refinement's time, each written in several ways that compute the same. */
import type { GraphBuilder } from '../../src/onnx/builder.ts';
import { attentionWays } from './attention-ways.ts';
import { convolutionWays } from './convolution-ways.ts';
import type { Layer, Prepared } from './layer.ts';

function product(batch: number, m: number, k: number, n: number): Layer {
  const rows = (b: GraphBuilder, a: string) => b.op('Reshape', [a, b.ints([batch * m, k])]);
  const back = (b: GraphBuilder, y: string) => b.op('Reshape', [y, b.ints([batch, m, n])]);
  const turned = (from: readonly [number, number]): Prepared => ({
    shape: [from[1], from[0]],
    of: (values) => {
      const result = new Float32Array(values.length);
      for (let i = 0; i < from[0]; i++)
        for (let j = 0; j < from[1]; j++) result[j * from[0] + i] = values[i * from[1] + j]!;
      return result;
    },
  });
  return {
    name: `${m}x${k} by ${k}x${n}`,
    batch,
    flops: 2 * batch * m * k * n,
    inputs: { a: [batch, m, k], w: [k, n] },
    ways: [
      { name: 'MatMul', build: (b, { a, w }) => b.op('MatMul', [a!, w!]) },
      { name: 'MatMul of rows', build: (b, { a, w }) => back(b, b.op('MatMul', [rows(b, a!), w!])) },
      { name: 'Gemm', build: (b, { a, w }) => back(b, b.op('Gemm', [rows(b, a!), w!])) },
      {
        name: 'Gemm, w transposed',
        build: (b, { a, w }) => back(b, b.op('Gemm', [rows(b, a!), w!], { transB: 1 })),
        prepared: { w: turned([k, n]) },
      },
      {
        name: 'Transpose, MatMul',
        build: (b, { a, w }) => b.op('MatMul', [a!, b.op('Transpose', [w!], { perm: [1, 0] })]),
        prepared: { w: turned([k, n]) },
      },
    ],
  };
}

/** Queries, keys and values arrive as rows of all heads beside one another, and so does the result leave. */
function attention(batch: number, queries: number, keys: number, heads: number, width: number): Layer {
  const hidden = heads * width;
  return {
    name: `attention ${queries} to ${keys}, ${heads} heads of ${width}`,
    batch,
    flops: 4 * batch * heads * queries * keys * width,
    inputs: { q: [batch, queries, hidden], k: [batch, keys, hidden], v: [batch, keys, hidden] },
    ways: attentionWays({ batch, queries, keys, heads, width }),
  };
}

function convolution(batch: number, channels: number, side: number): Layer {
  return {
    name: `Conv 3x3 ${channels} to ${channels} at ${side}x${side}`,
    batch,
    flops: 18 * batch * channels * channels * side * side,
    inputs: { x: [batch, channels, side, side], w: [channels, channels, 3, 3] },
    ways: convolutionWays({ batch, channels, side }),
  };
}

/** Layers of ViT-L/14 and of Stable Diffusion 2.1's UNet at 64x64 latents; `tiny` ones of the same make for a test. */
export function layers(tiny: boolean): Layer[] {
  return [1, 4].flatMap((batch) =>
    tiny
      ? [product(batch, 17, 24, 32), attention(batch, 32, 20, 2, 64), convolution(batch, 8, 8)]
      : [
          convolution(batch, 320, 64),
          convolution(batch, 640, 32),
          convolution(batch, 1280, 16),
          convolution(batch, 1280, 8),
          product(batch, 257, 1024, 1024),
          product(batch, 257, 1024, 4096),
          attention(batch, 4096, 4096, 5, 64),
          attention(batch, 4096, 77, 5, 64),
          attention(batch, 257, 257, 16, 64),
        ],
  );
}
