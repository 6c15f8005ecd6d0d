import { describe, expect, it } from 'vitest';
import type { Node, Tensor } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';
import { removeNoOps } from './no-ops.ts';

const i64 = (...values: number[]): Tensor => tensorOf('int64', [values.length], values);
const f32 = (...values: number[]): Tensor => tensorOf('float32', [values.length], values);

const initializers = {
  shape: i64(2, 1, 3),
  ones: i64(1, 1, 1),
  zeros: i64(0, 0, 0, 0, 0, 0),
  shift: i64(0, 0, 1, 0, 0, -1),
  start: i64(0),
  end: i64(99),
  axis2: i64(2),
  axis1: i64(1),
  back: i64(-1),
  least: i64(-99),
  unit: f32(1),
  nil: f32(0),
  same: f32(1, 1, 1),
  trained: f32(1, 1, 1),
  yes: tensorOf('bool', [1], [1]),
};

/** Nodes that hand `x` (float32 [2, 1, 3]) on, by what makes them do so. */
const unchanged: Record<string, Node> = {
  'a reshape to the same shape': node('Reshape', ['x', 'shape'], ['v']),
  'an expansion to the same shape': node('Expand', ['x', 'ones'], ['v']),
  'a tile of one': node('Tile', ['x', 'ones'], ['v']),
  'a transpose of axes of size 1': node('Transpose', ['x'], ['v'], { perm: [0, 1, 2] }),
  'a full slice': node('Slice', ['x', 'start', 'end', 'axis2'], ['v']),
  'padding by nothing': node('Pad', ['x', 'zeros'], ['v']),
  'a cast to the same type': node('Cast', ['x'], ['v'], { to: 1 }),
  'a sum of one': node('Sum', ['x'], ['v']),
  'a factor of one': node('Mul', ['unit', 'x'], ['v']),
  'adding zero': node('Add', ['x', 'nil'], ['v']),
  'a power of one': node('Pow', ['x', 'unit'], ['v']),
  'a choice that is always the same': node('Where', ['yes', 'x', 'nil'], ['v']),
  'a mean over an axis of size 1': node('ReduceMean', ['x', 'axis1'], ['v']),
  'dropout for inference': node('Dropout', ['x'], ['v']),
};

const changed: Record<string, Node> = {
  'a reversed slice': node('Slice', ['x', 'back', 'least', 'axis2', 'back'], ['v']),
  'padding that shifts': node('Pad', ['x', 'shift'], ['v']),
  'subtracting from zero': node('Sub', ['nil', 'x'], ['v']),
  'dividing one': node('Div', ['unit', 'x'], ['v']),
  'a factor that may be trained': node('Mul', ['x', 'trained'], ['v']),
};

const graphOf = async (made: Node) => {
  const nodes = [made, node('Exp', ['v'], ['y'])];
  const inputs = { x: ['float32', 2, 1, 3] as const };
  return modelOf({ inputs, initializers, nodes, outputs: ['y'], outputTypes: { y: 'float32' } });
};

describe('nodes that change nothing', () => {
  for (const [what, made] of Object.entries(unchanged)) {
    it(`are read past: ${what}`, async () => {
      const model = await graphOf(made);
      const graph = await specialise(model);
      expect(graph.nodes.map(({ op, inputs }) => [op, ...inputs])).toEqual([['Exp', 'x']]);
      const feeds = feedsFor(new Map([['x', graph.types.get('x')!]]));
      expect(difference(await run(model, feeds), await run(graph, feeds))).toBe(0);
    });
  }

  for (const [what, made] of Object.entries(changed)) {
    it(`are not mistaken: ${what}`, async () => {
      expect(operatorCounts(await specialise(await graphOf(made)))).toEqual({ [made.op]: 1, Exp: 1 });
    });
  }

  it('are found in typed graphs, outputs excepted', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 2] },
      nodes: [node('Neg', ['x'], ['a']), node('Neg', ['a'], ['b'])],
      outputs: ['b'],
    });
    const graph = await specialise(model);
    graph.nodes[0] = node('Identity', ['x'], ['a']);
    expect(removeNoOps(graph).nodes.map(({ op, inputs }) => [op, ...inputs])).toEqual([['Neg', 'x']]);
    graph.nodes[1] = node('Identity', ['a'], ['b']);
    expect(removeNoOps(graph).nodes.map(({ op, inputs }) => [op, ...inputs])).toEqual([['Identity', 'x']]);
  });
});
