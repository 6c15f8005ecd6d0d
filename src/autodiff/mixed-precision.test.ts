import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { addInput, addOutput, emptyGraph } from '../onnx/graft.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { simplify } from '../onnx/passes/simplify.ts';
import { gradient } from './gradient.ts';
import { mixedPrecision } from './mixed-precision.ts';
import { CpuSession } from './testing/cpu-session.ts';
import { halved } from './testing/half-model.ts';
import { checkWholeModel } from './testing/whole-model.ts';
import { webgpuObstacle } from './webgpu-operators.ts';

const halfSums = (graph: TypedGraph): string[] =>
  graph.nodes
    .filter(({ op }) => /Normalization|^Softmax|^Reduce(Mean|Sum|L2)/.test(op))
    .filter(({ inputs }) => graph.types.get(inputs[0]!)?.dtype === 'float16')
    .map(({ name }) => name);

async function run(graph: TypedGraph, feeds: readonly (readonly number[])[]): Promise<number[][]> {
  const session = await CpuSession.open(graph);
  const results = await session.run(feeds);
  await session.release();
  return results;
}

/** x / sqrt(mean(x^2) + 1e-6) on x [2, 4] in float16, as exporters write it out. */
function writtenNorm(square: 'Pow' | 'Mul'): TypedGraph {
  const b = new GraphBuilder(emptyGraph('norm', 21));
  const x = addInput(b, 'x', 'float16', [2, 4]);
  const squared = square === 'Pow' ? b.op('Pow', [x, b.scalar(2, 'float16')]) : b.op('Mul', [x, x]);
  const mean = b.op('ReduceMean', [squared, b.ints([-1])], { keepdims: 1 });
  const deviation = b.op('Sqrt', [b.op('Add', [mean, b.scalar(1e-6, 'float16')])]);
  addOutput(b, b.op('Div', [x, deviation]));
  return b.graph;
}

describe('mixedPrecision', () => {
  it.each(['Pow', 'Mul'] as const)(
    'widens a norm written out with %s from the square to the division',
    async (square) => {
      const x = [300, -400, 500, 600, 1, 2, -3, 4];
      const expected = [0, 4].flatMap((at) => {
        const row = x.slice(at, at + 4);
        const deviation = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / 4 + 1e-6);
        return row.map((v) => v / deviation);
      });
      const narrow = writtenNorm(square);
      const wide = mixedPrecision(narrow);
      expect(wide.outputs).toEqual(narrow.outputs);
      // onnxruntime's CPU provider computes in float32 in any case: that the GPU does too shows in the types alone.
      const types = (op: string) =>
        wide.nodes.filter((node) => node.op === op).map(({ outputs }) => wide.types.get(outputs[0]!)?.dtype);
      expect([square, 'ReduceMean', 'Add', 'Sqrt', 'Div'].flatMap(types)).toEqual(
        new Array(5).fill('float32'),
      );
      expect(wide.types.get(wide.outputs[0]!.name)?.dtype).toBe('float16');
      const [found] = await run(wide, [x]);
      for (const [i, value] of expected.entries()) expect(found![i]).toBeCloseTo(value, 3);
      const { graph } = gradient(wide, { loss: wide.outputs[0]!.name, targets: ['x'], seed: 'seed' });
      expect(graph.nodes.map((node) => webgpuObstacle(node, graph.types)).filter(Boolean)).toEqual([]);
      expect(halfSums(graph)).toEqual([]);
    },
  );

  it('leaves float32 graphs and products alone', () => {
    const b = new GraphBuilder(emptyGraph('product', 21));
    const x = addInput(b, 'x', 'float32', [2, 4]);
    addOutput(b, b.op('Softmax', [x], { axis: -1 }));
    expect(mixedPrecision(b.graph)).toBe(b.graph);
    const half = new GraphBuilder(emptyGraph('product', 21));
    const y = addInput(half, 'y', 'float16', [2, 2]);
    const soft = half.op('Softmax', [half.op('MatMul', [y, y])], { axis: -1 });
    addOutput(half, half.op('MatMul', [soft, y]));
    const wide = mixedPrecision(half.graph);
    expect(wide.nodes.map(({ op }) => op)).toEqual(['MatMul', 'Cast', 'Softmax', 'Cast', 'MatMul']);
    expect(
      wide.nodes.filter(({ op }) => op === 'MatMul').map(({ outputs }) => wide.types.get(outputs[0]!)?.dtype),
    ).toEqual(['float16', 'float16']);
  });

  it.each(['clip-vision', 'sd15', 'vae-decoder'])(
    'brings %s in float16 near the gradients of PyTorch in float64',
    async (name) => {
      let sums = ['not looked at'];
      const check = await checkWholeModel(
        name,
        'torchscript-17',
        (graph, keep) => mixedPrecision(halved(simplify(graph, keep)), keep),
        (graph) => {
          sums = halfSums({ ...graph, nodes: graph.nodes.filter((node) => !node.name.startsWith('grad/')) });
          return graph;
        },
      );
      expect(sums).toEqual([]);
      // The timestep of denoisers is int64 until it is given another type.
      expect(check.obstacles.filter((reason) => !reason.includes('int64'))).toEqual([]);
      expect(check.relativeError).toBeLessThan(0.01);
      expect(check.cosine).toBeGreaterThan(0.99999);
    },
  );
});
