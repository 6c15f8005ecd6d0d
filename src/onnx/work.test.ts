import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './builder.ts';
import type { TypedGraph } from './model.ts';
import { workOf } from './work.ts';

function graphOf(inputs: Record<string, number[]>, build: (b: GraphBuilder) => void): TypedGraph {
  const types = Object.entries(inputs).map(
    ([name, shape]) => [name, { dtype: 'float32', shape } as const] as const,
  );
  const graph: TypedGraph = {
    name: 'work',
    nodes: [],
    inputs: types.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    outputs: [],
    initializers: new Map(),
    valueInfo: new Map(),
    types: new Map(types),
    opset: 17,
  };
  build(new GraphBuilder(graph));
  return graph;
}

describe('workOf', () => {
  // torch.utils.flop_counter.FlopCounterMode on the same shapes.
  it('counts products as PyTorch does', () => {
    const product = graphOf({ a: [2, 3, 5, 7], b: [7, 11] }, (b) => b.op('MatMul', ['a', 'b']));
    expect(workOf(product)).toEqual({ products: 4620, convolutions: 0, moved: 0, nodes: 1 });
    const gemm = graphOf({ a: [5, 4], b: [6, 5], c: [6] }, (b) =>
      b.op('Gemm', ['a', 'b', 'c'], { transA: 1, transB: 1 }),
    );
    expect(workOf(gemm).products).toBe(240);
  });

  it('counts convolutions as PyTorch does', () => {
    const convolution = graphOf({ x: [2, 6, 9, 8], w: [4, 3, 3, 2] }, (b) =>
      b.op('Conv', ['x', 'w'], { strides: [2, 2], pads: [1, 1, 1, 1], group: 2 }),
    );
    expect(workOf(convolution).convolutions).toBe(7200);
    const transposed = graphOf({ x: [2, 6, 5, 4], w: [6, 2, 3, 3] }, (b) =>
      b.op('ConvTranspose', ['x', 'w'], { strides: [2, 2], group: 2 }),
    );
    expect(workOf(transposed).convolutions).toBe(8640);
  });

  it('counts the bytes that other nodes touch, and views as nothing', () => {
    const sum = graphOf({ a: [10, 2], b: [2] }, (b) =>
      b.op('Reshape', [b.op('Add', ['a', 'b']), b.ints([20])]),
    );
    expect(workOf(sum)).toEqual({ products: 0, convolutions: 0, moved: 4 * (20 + 2 + 20), nodes: 1 });
  });
});
