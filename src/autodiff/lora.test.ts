import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { sizeOf } from '../onnx/data-types.ts';
import { UnsupportedModelError } from '../onnx/errors.ts';
import { addInput, addOutput, emptyGraph } from '../onnx/graft.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { tensorOf, valuesOf } from '../onnx/tensors.ts';
import { gradient } from './gradient.ts';
import { addLora, type LoraFactors, mergeLora } from './lora.ts';
import { stackedBlocks } from './testing/blocks.ts';
import { CpuSession } from './testing/cpu-session.ts';
import { randomFrom } from './testing/random.ts';

const random = randomFrom(11);
const drawn = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);

function addWeight(b: GraphBuilder, name: string, shape: readonly number[]): string {
  b.graph.initializers.set(name, tensorOf('float32', shape, drawn(sizeOf(shape))));
  b.graph.types.set(name, { dtype: 'float32', shape: [...shape] });
  return name;
}

/** x [2, 4, 6] through a MatMul, and flattened through Gemms with and without a transposed matrix; one output. */
function products(): TypedGraph {
  const b = new GraphBuilder(emptyGraph('products', 21));
  const x = addInput(b, 'x', 'float32', [2, 4, 6]);
  const flat = b.op('Reshape', [b.op('MatMul', [x, addWeight(b, 'plain', [6, 5])]), b.ints([8, 5])]);
  const gemm = (input: string, weight: string, bias: string, transB: number) =>
    b.op('Gemm', [input, weight, bias], {
      transB,
      alpha: { type: 'float', value: 0.5 },
      beta: { type: 'float', value: 2 },
    });
  const first = gemm(flat, addWeight(b, 'turned', [7, 5]), addWeight(b, 'bias', [7]), 1);
  const second = gemm(b.op('Tanh', [first]), addWeight(b, 'straight', [7, 3]), addWeight(b, 'shift', [3]), 0);
  addOutput(b, second);
  return b.graph;
}

const weights = ['plain', 'turned', 'straight'];
const request = { weights, rank: 2, alpha: 3, initial: (_: string, count: number) => drawn(count) };
const x = [...drawn(48)];

async function outputOf(graph: TypedGraph, feeds = [x]): Promise<number[]> {
  const session = await CpuSession.open(graph);
  const [output] = await session.run(feeds);
  await session.release();
  return output!;
}

function withValues(graph: TypedGraph, values: Readonly<Record<string, Float32Array>>): TypedGraph {
  const initializers = new Map(graph.initializers);
  for (const [name, data] of Object.entries(values)) {
    initializers.set(name, tensorOf('float32', graph.types.get(name)!.shape, data));
  }
  return { ...graph, initializers };
}

const elements = (graph: TypedGraph, name: string) =>
  Float32Array.from(valuesOf(graph.initializers.get(name)!));

/** Second factors other than nought, so that everything matters. */
function trained(graph: TypedGraph, factors: readonly LoraFactors[]) {
  const values = Object.fromEntries(factors.map(({ up, rank, outputs }) => [up, drawn(rank * outputs)]));
  return { graph: withValues(graph, values), values };
}

const largest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

describe('addLora', () => {
  it('starts as the graph that was given, bit for bit', async () => {
    const base = products();
    const { graph, factors } = addLora(base, request);
    expect(
      factors.map(({ weight, inputs, outputs, transposed }) => [weight, inputs, outputs, transposed]),
    ).toEqual([
      ['plain', 6, 5, false],
      ['turned', 5, 7, true],
      ['straight', 7, 3, false],
    ]);
    expect(await outputOf(graph)).toEqual(await outputOf(base));
  });

  it('computes what the merged matrices compute', async () => {
    const base = products();
    const { graph, factors } = addLora(base, request);
    const { graph: adapted, values } = trained(graph, factors);
    const merged = Object.fromEntries(
      factors.map((f) => [
        f.weight,
        mergeLora(elements(base, f.weight), elements(graph, f.down), values[f.up]!, f),
      ]),
    );
    const output = await outputOf(adapted);
    expect(largest(output, await outputOf(withValues(base, merged)))).toBeLessThan(1e-6);
    expect(largest(output, await outputOf(base))).toBeGreaterThan(1e-2);
  });

  it('has the gradients that the chain rule gives from those of the matrices', async () => {
    const { graph: source, loss } = stackedBlocks({ blocks: 2, tokens: 5, width: 4 });
    const names = ['q0', 'v1', 'in1', 'out0'];
    const { graph, factors } = addLora(source, { ...request, weights: names });
    const { graph: adapted } = trained(graph, factors);
    const targets = factors.flatMap(({ weight, down, up }) => [weight, down, up]);
    const { graph: whole, gradients } = gradient(adapted, { loss, targets });
    const outputs = targets.map((target) => {
      const { dtype, shape } = whole.types.get(gradients.get(target)!)!;
      return { name: gradients.get(target)!, dtype, shape: [...shape] };
    });
    const session = await CpuSession.open({ ...whole, outputs });
    const results = await session.run([x.slice(0, 20)]);
    await session.release();
    for (const [k, { inputs, outputs: columns, rank, scale, transposed, down, up }] of factors.entries()) {
      const [matrix, ofDown, ofUp] = results.slice(3 * k, 3 * k + 3);
      const [a, c] = [elements(adapted, down), elements(adapted, up)];
      const at = (i: number, o: number) => matrix![transposed ? o * inputs + i : i * columns + o]!;
      const wanted = (count: number, term: (index: number) => number) =>
        Array.from({ length: count }, (_, index) => scale * term(index));
      const sum = (count: number, term: (i: number) => number) =>
        Array.from({ length: count }, (_, i) => term(i)).reduce((s, value) => s + value, 0);
      const expectedDown = wanted(inputs * rank, (index) =>
        sum(columns, (o) => at(Math.floor(index / rank), o) * c[(index % rank) * columns + o]!),
      );
      const expectedUp = wanted(rank * columns, (index) =>
        sum(inputs, (i) => a[i * rank + Math.floor(index / columns)]! * at(i, index % columns)),
      );
      const size = Math.max(...expectedDown.map(Math.abs));
      expect(size).toBeGreaterThan(0);
      expect(largest(ofDown!, expectedDown) / size).toBeLessThan(1e-5);
      expect(largest(ofUp!, expectedUp) / Math.max(...expectedUp.map(Math.abs))).toBeLessThan(1e-5);
    }
  });

  it('shares the factors among all readers of a matrix', async () => {
    const b = new GraphBuilder(emptyGraph('tied', 21));
    const input = addInput(b, 'x', 'float32', [4, 3]);
    const tied = addWeight(b, 'tied', [3, 3]);
    addOutput(b, b.op('MatMul', [b.op('Tanh', [b.op('MatMul', [input, tied])]), tied]));
    const { graph, factors } = addLora(b.graph, { ...request, weights: ['tied'] });
    expect(factors).toHaveLength(1);
    expect(graph.nodes.filter((node) => node.inputs.includes(factors[0]!.down))).toHaveLength(2);
  });

  it('refuses what it cannot adapt, naming it', () => {
    const base = products();
    const adapt =
      (weight: string, rank = 2) =>
      () =>
        addLora(base, { ...request, weights: [weight], rank });
    expect(adapt('bias')).toThrow(UnsupportedModelError);
    expect(adapt('bias')).toThrow(/"bias" is not a matrix/);
    expect(adapt('nothing')).toThrow(/"nothing" is not a matrix/);
    expect(adapt('plain', 6)).toThrow(/Rank 6 is more than the matrix "plain" \[6, 5\] has/);
    expect(adapt('plain', 0)).toThrow(RangeError);
    const b = new GraphBuilder(emptyGraph('table', 21));
    const rows = addInput(b, 'rows', 'int64', [2]);
    addOutput(b, b.op('Gather', [addWeight(b, 'table', [9, 4]), rows]));
    expect(() => addLora(b.graph, { ...request, weights: ['table'] })).toThrow(/operator Gather/);
  });
});
