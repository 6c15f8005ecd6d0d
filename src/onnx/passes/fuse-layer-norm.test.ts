import { describe, expect, it } from 'vitest';
import type { Model, Node, Tensor } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';
import { fuseLayerNorm } from './fuse-layer-norm.ts';

const row = (...values: number[]): Tensor => tensorOf('float32', [values.length], values);
const scalar = (value: number): Tensor => tensorOf('float32', [], [value]);

const constants = {
  axis: tensorOf('int64', [1], [-1]),
  axes: tensorOf('int64', [2], [1, 2]),
  first: tensorOf('int64', [1], [0]),
  two: scalar(2),
  eps: scalar(1e-3),
  scale: row(1, 2, 3, 4),
  bias: row(0.5, -1, 0, 2),
  column: tensorOf('float32', [3, 1], [1, 2, 3]),
};

const mean = (axes = 'axis') => [node('ReduceMean', ['x', axes], ['mean'])];
const centred = [node('Sub', ['x', 'mean'], ['d'])];
const spread = (axes = 'axis') => [
  node('Pow', ['d', 'two'], ['square']),
  node('ReduceMean', ['square', axes], ['variance']),
  node('Add', ['variance', 'eps'], ['safe']),
  node('Sqrt', ['safe'], ['deviation']),
];
const divided = [node('Div', ['d', 'deviation'], ['n'])];
const affine = (from = 'n', scale = 'scale') => [
  node('Mul', [scale, from], ['scaled']),
  node('Add', ['scaled', 'bias'], ['y']),
];

const modelFor = (nodes: readonly Node[], outputs = ['y']): Model =>
  modelOf({
    inputs: { x: ['float32', 2, 3, 4] },
    initializers: constants,
    nodes,
    outputs,
    outputTypes: Object.fromEntries(outputs.map((name) => [name, 'float32'])),
  });

async function fused(nodes: readonly Node[], outputs?: string[]) {
  const before = await specialise(modelFor(nodes, outputs));
  const after = fuseLayerNorm(before);
  const feeds = feedsFor(new Map([['x', before.types.get('x')!]]));
  expect(difference(await run(before, feeds), await run(after, feeds))).toBeLessThanOrEqual(1e-6);
  return { counts: operatorCounts(after), graph: after };
}

describe('fuseLayerNorm', () => {
  it('joins the decomposition that exporters write', async () => {
    const { counts, graph } = await fused([...mean(), ...centred, ...spread(), ...divided, ...affine()]);
    expect(counts).toEqual({ LayerNormalization: 1 });
    const [made] = graph.nodes;
    expect(made!.inputs).toEqual(['x', 'scale', 'bias']);
    const epsilon = { type: 'float', value: Math.fround(1e-3) };
    expect(made!.attributes).toEqual({ axis: { type: 'int', value: -1 }, epsilon });
  });

  it('joins it with a product as the square and a reciprocal as the division', async () => {
    const { counts } = await fused([
      ...mean(),
      ...centred,
      node('Mul', ['d', 'd'], ['square']),
      node('ReduceMean', ['square', 'axis'], ['variance']),
      node('Add', ['eps', 'variance'], ['safe']),
      node('Sqrt', ['safe'], ['deviation']),
      node('Reciprocal', ['deviation'], ['inverse']),
      node('Mul', ['inverse', 'd'], ['n']),
      ...affine(),
    ]);
    expect(counts).toEqual({ LayerNormalization: 1 });
  });

  it('joins it with casts around the variance', async () => {
    const { counts } = await fused([
      ...mean(),
      ...centred,
      node('Cast', ['d'], ['d64'], { to: 11 }),
      node('Mul', ['d64', 'd64'], ['square']),
      node('ReduceMean', ['square', 'axis'], ['variance']),
      node('Cast', ['variance'], ['variance32'], { to: 1 }),
      node('Add', ['variance32', 'eps'], ['safe']),
      node('Sqrt', ['safe'], ['deviation']),
      ...divided,
      ...affine(),
    ]);
    expect(counts).toEqual({ LayerNormalization: 1 });
  });

  it('joins it without scale or bias, over several axes', async () => {
    const bare = await fused([
      ...mean('axes'),
      ...centred,
      ...spread('axes'),
      ...divided,
      node('Neg', ['n'], ['y']),
    ]);
    expect(bare.counts).toEqual({ LayerNormalization: 1, Neg: 1 });
    const scaled = await fused([
      ...mean(),
      ...centred,
      ...spread(),
      ...divided,
      node('Mul', ['n', 'scale'], ['y']),
    ]);
    expect(scaled.counts).toEqual({ LayerNormalization: 1 });
  });

  it('leaves a scale that is not along the normalised axes outside', async () => {
    const { counts } = await fused([
      ...mean(),
      ...centred,
      ...spread(),
      ...divided,
      ...affine('n', 'column'),
    ]);
    expect(counts).toEqual({ LayerNormalization: 1, Mul: 1, Add: 1 });
  });

  it('keeps what else reads the parts', async () => {
    const { counts } = await fused(
      [...mean(), ...centred, ...spread(), ...divided, ...affine()],
      ['y', 'scaled'],
    );
    expect(counts).toEqual({ LayerNormalization: 1, Add: 1 });
  });

  it('leaves alone what only looks alike', async () => {
    const untouched = async (nodes: readonly Node[]) => {
      const { counts } = await fused(nodes);
      expect(Object.keys(counts)).not.toContain('LayerNormalization');
    };
    await untouched([...mean('first'), ...centred, ...spread('first'), ...divided, ...affine()]);
    await untouched([...mean(), ...centred, ...spread('axes'), ...divided, ...affine()]);
    const absolute = spread().with(0, node('Abs', ['d'], ['square']));
    await untouched([...mean(), ...centred, ...absolute, ...divided, ...affine()]);
    const other = spread().with(0, node('Mul', ['x', 'd'], ['square']));
    await untouched([...mean(), ...centred, ...other, ...divided, ...affine()]);
    const flipped = [node('Sub', ['mean', 'x'], ['d'])];
    await untouched([...mean(), ...flipped, ...spread(), ...divided, ...affine()]);
  });
});
