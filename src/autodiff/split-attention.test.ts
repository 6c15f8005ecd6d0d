import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { sizeOf } from '../onnx/data-types.ts';
import { addInput, addOutput, emptyGraph } from '../onnx/graft.ts';
import { bytesOfType, liveness } from '../onnx/liveness.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { simplify } from '../onnx/passes/simplify.ts';
import { gradient } from './gradient.ts';
import { splitAttention } from './split-attention.ts';
import { CpuSession } from './testing/cpu-session.ts';
import { randomFrom } from './testing/random.ts';
import { checkWholeModel } from './testing/whole-model.ts';
import { webgpuObstacle } from './webgpu-operators.ts';

interface Sizes {
  lead: readonly number[];
  queries: number;
  keys: number;
}

/** Scaled, masked attention with a mask that broadcasts over the heads, and shared keys where `shared`. */
function attention(
  { lead, queries, keys }: Sizes,
  form: 'masked' | 'plain' | 'shared' | 'late scale',
): TypedGraph {
  const b = new GraphBuilder(emptyGraph(form, 21));
  const q = addInput(b, 'q', 'float32', [...lead, queries, 4]);
  const k = addInput(b, 'k', 'float32', form === 'shared' ? [4, keys] : [...lead, 4, keys]);
  const v = addInput(b, 'v', 'float32', [...lead, keys, 3]);
  let scores = b.op('MatMul', [q, k]);
  if (form !== 'plain') scores = b.op('Div', [scores, b.scalar(2, 'float32')]);
  if (form === 'masked') scores = b.op('Add', [addInput(b, 'mask', 'float32', [queries, keys]), scores]);
  if (form === 'shared') scores = b.op('Add', [scores, addInput(b, 'mask', 'float32', [1, keys])]);
  let weights = b.op('Softmax', [scores], { axis: lead.length + 1 });
  if (form === 'late scale') weights = b.op('Mul', [weights, b.scalar(0.5, 'float32')]);
  addOutput(b, b.op('Mul', [b.op('MatMul', [weights, v]), b.scalar(3, 'float32')]));
  return b.graph;
}

/** The outputs, then the gradients of every input. */
async function everythingOf(graph: TypedGraph): Promise<number[][]> {
  const [{ name: loss } = { name: '' }] = graph.outputs;
  const targets = graph.inputs.map(({ name }) => name);
  const { graph: whole, gradients } = gradient(graph, { loss, targets, seed: 'seed' });
  const outputs = [loss, ...gradients.values()].map((name) => ({
    name,
    dtype: whole.types.get(name)!.dtype,
    shape: [...whole.types.get(name)!.shape],
  }));
  const random = randomFrom(5);
  const session = await CpuSession.open({ ...whole, outputs });
  const results = await session.run(
    whole.inputs.map(({ name }) =>
      Array.from({ length: sizeOf(whole.types.get(name)!.shape) }, () => 2 * random() - 1),
    ),
  );
  await session.release();
  return results;
}

const differentiated = (graph: TypedGraph): TypedGraph =>
  gradient(graph, {
    loss: graph.outputs[0]!.name,
    targets: graph.inputs.map(({ name }) => name),
    seed: 'seed',
  }).graph;

function expectAlike(actual: readonly number[][], expected: readonly number[][]): void {
  expect(actual.map((values) => values.length)).toEqual(expected.map((values) => values.length));
  for (const [i, values] of expected.entries()) {
    const size = Math.max(...values.map(Math.abs));
    for (const [j, value] of values.entries())
      expect(Math.abs(actual[i]![j]! - value)).toBeLessThan(1e-6 * size);
  }
}

describe('splitAttention', () => {
  const heads = { lead: [2, 6], queries: 10, keys: 9 };
  const flat = { lead: [20], queries: 8, keys: 6 };

  it.each([
    ['heads', heads, 'masked', 2 * 3 * 90 * 4],
    ['heads, uneven', heads, 'masked', 2 * 5 * 90 * 4],
    ['every head and sample', heads, 'plain', 90 * 4],
    ['heads and queries', heads, 'masked', 4 * 9 * 4],
    ['more parts than one node may have', flat, 'masked', 48 * 4],
    ['single queries', flat, 'late scale', 6 * 4],
    ['queries where there are no heads', { lead: [], queries: 12, keys: 7 }, 'masked', 3 * 7 * 4],
    ['heads that share their keys', heads, 'shared', 90 * 4],
  ] as const)('%s: same outputs and gradients, no larger value', async (_, sizes, form, limit) => {
    const whole = attention(sizes, form);
    const { graph, split } = splitAttention(whole, limit);
    expect(split).toBe(1);
    expect(graph.outputs).toEqual(whole.outputs);
    const scores = (g: TypedGraph) =>
      Math.max(
        ...g.nodes
          .filter((node) => /MatMul|Softmax|Gemm/.test(node.op))
          .map((node) => bytesOfType(g.types.get(node.outputs[0]!)!)),
      );
    expect(scores(whole)).toBeGreaterThan(limit);
    const largestOperand = Math.max(...whole.inputs.map(({ name }) => bytesOfType(whole.types.get(name)!)));
    expect(scores(graph)).toBeLessThanOrEqual(Math.max(limit, largestOperand));
    const backward = differentiated(graph);
    expect(backward.nodes.map((node) => webgpuObstacle(node, backward.types)).filter(Boolean)).toEqual([]);
    expectAlike(await everythingOf(graph), await everythingOf(whole));
  });

  it('leaves no value of the backward pass over the limit where only the scores were', () => {
    const whole = attention({ lead: [8], queries: 64, keys: 64 }, 'masked');
    const limit = 64 * 64 * 4;
    expect(liveness(differentiated(whole)).largestBytes).toBe(8 * limit);
    expect(liveness(differentiated(splitAttention(whole, limit).graph)).largestBytes).toBe(limit);
  });

  it('leaves alone what is small enough, and scores that something else reads', () => {
    const whole = attention(heads, 'masked');
    expect(splitAttention(whole, 12 * 90 * 4)).toEqual({ graph: whole, split: 0 });
    const softmax = whole.nodes.find((node) => node.op === 'Softmax')!;
    expect(splitAttention(whole, 100, [softmax.outputs[0]!]).split).toBe(0);
  });

  it.each(['torchscript-17', 'dynamo-18'])(
    'leaves the gradients of sd15, %s, those of PyTorch',
    async (file) => {
      let split = 0;
      const check = await checkWholeModel('sd15', file, (graph, keep) => {
        const result = splitAttention(simplify(graph, keep), 2048, keep);
        split = result.split;
        return result.graph;
      });
      expect(split).toBeGreaterThan(5);
      expect(check.relativeError).toBeLessThan(1e-4);
      expect(check.cosine).toBeGreaterThan(0.99999);
    },
  );
});
