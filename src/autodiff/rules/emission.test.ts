import { describe, expect, it } from 'vitest';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { tensorOf } from '../../onnx/tensors.ts';
import { backwardOf } from '../testing/case.ts';

/** The operators of the backward nodes, counted, of a graph on float32 inputs `x0`, `x1`, ... of the given shapes. */
function emitted(
  shapes: readonly (readonly number[])[],
  build: (b: GraphBuilder, inputs: readonly string[]) => string,
  targets?: readonly number[],
): Record<string, number> {
  const inputs = shapes.map((shape) => ({ shape }));
  const c = { label: 'emission', inputs, build, seed: 1, ...(targets ? { targets } : {}) };
  const counts: Record<string, number> = {};
  for (const { op } of backwardOf(c, 'float32').emitted) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

describe('costly nodes that the backward pass does without', () => {
  it('a linear layer needs one Gemm for each operand and no Transpose', () => {
    const linear = emitted([[2, 5, 8], [8, 4], [4]], (b, [x, w, bias]) =>
      b.op('Add', [b.op('MatMul', [x!, w!]), bias!]),
    );
    expect(linear).toEqual({ Reshape: 3, Gemm: 2, ReduceSum: 1 });
  });

  it('attention transposes queries, keys and values, never its scores', () => {
    const [batch, heads, tokens, width] = [2, 3, 40, 4];
    const shape = [batch, tokens, heads, width];
    const split = { perm: [0, 2, 1, 3] };
    const c = {
      label: 'attention',
      inputs: [{ shape }, { shape }, { shape }],
      seed: 1,
      build: (b: GraphBuilder, [q, k, v]: readonly string[]) => {
        const scores = b.op('MatMul', [
          b.op('Transpose', [q!], split),
          b.op('Transpose', [k!], { perm: [0, 2, 3, 1] }),
        ]);
        const mixed = b.op('MatMul', [b.op('Softmax', [scores]), b.op('Transpose', [v!], split)]);
        return b.op('Transpose', [mixed], split);
      },
    };
    const { graph, emitted: nodes } = backwardOf(c, 'float32');
    const transposed = nodes.filter(({ op }) => op === 'Transpose');
    expect(transposed.length).toBeGreaterThan(0);
    for (const node of transposed) {
      expect(graph.types.get(node.inputs[0]!)!.shape).not.toEqual([batch, heads, tokens, tokens]);
    }
    // One for each operand of a product and one for each gradient that leaves the heads.
    expect(transposed.length).toBeLessThanOrEqual(8);
  });

  it('a patch embedding is one matrix product each way, read from tokens without a Transpose', () => {
    const embedding = emitted(
      [
        [2, 3, 8, 8],
        [6, 3, 4, 4],
      ],
      (b, [x, w]) => {
        const patches = b.op('Conv', [x!, w!], { strides: [4, 4] });
        return b.op('Transpose', [b.op('Reshape', [patches, b.ints([2, 6, 4])])], { perm: [0, 2, 1] });
      },
      [1],
    );
    expect(embedding).toMatchObject({ Gemm: 1, Transpose: 2 });
    expect(embedding['Conv']).toBeUndefined();
  });

  it('a Conv of stride one is undone by a Conv with its kernel turned', () => {
    const shapes = [
      [1, 4, 6, 6],
      [4, 4, 3, 3],
    ];
    const same = emitted(shapes, (b, [x, w]) => b.op('Conv', [x!, w!], { pads: [1, 1, 1, 1] }), [0]);
    expect(same).toEqual({ Slice: 1, Transpose: 1, Conv: 1 });
  });

  it('the norm inside an exported group norm is not scaled by its ones', () => {
    const normed = (scale: number) =>
      emitted([[1, 2, 12]], (b, [x]) => {
        const sides = [scale, 0].map((value) => b.shared(tensorOf('float32', [2], [value, value])));
        return b.op('InstanceNormalization', [x!, ...sides]);
      });
    expect(normed(2)['Mul']! - normed(1)['Mul']!).toBe(1);
  });

  it('doubling an image is undone by one sum', () => {
    const doubled = emitted([[1, 3, 4, 4]], (b, [x]) => {
      const scales = b.shared(tensorOf('float32', [4], [1, 1, 2, 2]));
      return b.op('Resize', [x!, '', scales], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
    });
    expect(doubled).toEqual({ Reshape: 2, ReduceSum: 1 });
  });
});
