import { expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { addInput, addOutput, emptyGraph, nameOutput } from '../onnx/graft.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { tensorOf } from '../onnx/tensors.ts';
import { gradient } from './gradient.ts';
import { halfPrecision } from './half-precision.ts';
import { CpuSession } from './testing/cpu-session.ts';

const wave = (count: number, step: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(step * (i + 1)));

/**
 * A denoiser in small: x [2, 4, 8] is normalised and multiplied by a weight that trains, the features of timestep t are
 * multiplied by a frozen one and added; a mask of -1e38 and an epsilon of 1e-12 are beyond float16.
 */
function denoiser(): TypedGraph {
  const b = new GraphBuilder(emptyGraph('denoiser', 21));
  const x = addInput(b, 'x', 'float32', [2, 4, 8]);
  const t = addInput(b, 't', 'float32', [1]);
  const weight = (name: string, shape: readonly number[], step: number) => {
    const count = shape.reduce((n, d) => n * d, 1);
    b.graph.initializers.set(name, tensorOf('float32', shape, wave(count, step)));
    b.graph.types.set(name, { dtype: 'float32', shape });
    return name;
  };
  const frequencies = b.shared(tensorOf('float32', [4], [1, 0.1, 0.01, 0.001]));
  const angles = b.op('Mul', [t, frequencies]);
  const features = b.op('Concat', [b.op('Sin', [angles]), b.op('Cos', [angles])], { axis: 0 });
  const time = b.op('MatMul', [features, weight('frozen', [8, 8], 0.7)]);
  const squares = b.op('ReduceMean', [b.op('Mul', [x, x]), b.ints([-1])], { keepdims: 1 });
  const norm = b.op('Sqrt', [b.op('Add', [squares, b.scalar(1e-12, 'float32')])]);
  const scores = b.op('MatMul', [b.op('Div', [x, norm]), weight('trained', [8, 8], 0.3)]);
  const masked = b.op('Add', [scores, b.shared(tensorOf('float32', [8], [0, 0, 0, 0, 0, 0, 0, -1e38]))]);
  const shares = b.op('Softmax', [masked], { axis: -1 });
  addOutput(b, b.op('MatMul', [b.op('Add', [shares, time]), weight('last', [8, 3], 0.9)]));
  return b.graph;
}

const products = ({ nodes, types }: TypedGraph) =>
  nodes.filter(({ op }) => op === 'MatMul').map(({ outputs }) => types.get(outputs[0]!)!.dtype);
const typesOf = ({ nodes, types }: TypedGraph, ...ops: string[]) =>
  nodes.filter(({ op }) => ops.includes(op)).map(({ outputs }) => types.get(outputs[0]!)!.dtype);

it('multiplies in float16 and keeps sums, timestep features and what float16 cannot hold in float32', () => {
  const half = halfPrecision(denoiser(), new Set(['trained']));
  expect(products(half)).toEqual(['float16', 'float16', 'float16']);
  const wide = typesOf(half, 'Sin', 'Cos', 'ReduceMean', 'Sqrt', 'Div', 'Softmax');
  expect(new Set(wide)).toEqual(new Set(['float32']));
  const types = ['x', 't', 'trained', 'frozen', 'last', half.outputs[0]!.name].map(
    (name) => half.types.get(name)!.dtype,
  );
  expect(types).toEqual(['float32', 'float32', 'float32', 'float16', 'float16', 'float32']);
  expect(half.inputs).toEqual(denoiser().inputs);
  expect(half.outputs).toEqual(denoiser().outputs);
});

it('leaves the graph that it is given alone', () => {
  const source = denoiser();
  const before = JSON.stringify([source.nodes, [...source.types]]);
  halfPrecision(source);
  expect(JSON.stringify([source.nodes, [...source.types]])).toBe(before);
});

it('has the values and the float32 gradients of the float32 graph, to the rounding of float16', async () => {
  const feeds = [[...wave(64, 0.21)], [937], [...wave(24, 0.5)]];
  const run = async (forward: TypedGraph) => {
    const { graph, gradients } = gradient(forward, {
      loss: forward.outputs[0]!.name,
      targets: ['trained', 'x'],
      seed: 'seed',
    });
    const b = new GraphBuilder(graph);
    for (const [name, value] of gradients) nameOutput(b, value, `grad:${name}`);
    expect(graph.types.get('grad:trained')!.dtype).toBe('float32');
    const session = await CpuSession.open(graph);
    const results = await session.run(feeds);
    await session.release();
    return results;
  };
  const expected = await run(denoiser());
  const found = await run(halfPrecision(denoiser(), new Set(['trained'])));
  expect(found.length).toBe(3);
  for (const [k, values] of expected.entries()) {
    const length = Math.hypot(...values);
    const distance = Math.hypot(...values.map((value, i) => value - found[k]![i]!));
    // Four roundings of 2^-11 on the way, each way.
    expect(distance / length, `output ${k}`).toBeLessThan(2 ** -9);
    expect(distance, `output ${k} is not computed in float16`).toBeGreaterThan(0);
  }
});

it('takes scales of Resize and integers as they are', () => {
  const b = new GraphBuilder(emptyGraph('resize', 21));
  const x = addInput(b, 'x', 'float32', [1, 2, 4, 4]);
  const scales = b.shared(tensorOf('float32', [4], [1, 1, 2, 2]));
  const large = b.op('Resize', [x, '', scales], { mode: 'nearest' });
  addOutput(b, b.op('Reshape', [large, b.ints([1, 128])]));
  const half = halfPrecision(b.graph);
  expect(half.types.get(scales)!.dtype).toBe('float32');
  expect(typesOf(half, 'Resize', 'Reshape')).toEqual(['float16', 'float16']);
});
