import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../builder.ts';
import { addInput, addOutput, emptyGraph } from '../graft.ts';
import type { TypedGraph } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, run } from '../testing/exported-models.ts';
import { readUniformValues } from './uniform-values.ts';

function graphOf(build: (b: GraphBuilder, x: string) => string): TypedGraph {
  const b = new GraphBuilder(emptyGraph('uniform', 21));
  const x = addInput(b, 'x', 'float32', [2, 3]);
  addOutput(b, b.op('Tanh', [build(b, x)]));
  return b.graph;
}

const spread = (b: GraphBuilder, value: number) =>
  b.op('Expand', [b.scalar(value, 'float32'), b.ints([2, 3])]);

const opsOf = (graph: TypedGraph) => graph.nodes.map(({ op }) => op);

describe('readUniformValues', () => {
  it.each<[string, (b: GraphBuilder, x: string) => string, string[]]>([
    [
      "the empty tensor of PyTorch's baddbmm",
      (b, x) =>
        b.op('Add', [
          b.op('Mul', [x, b.scalar(0.5, 'float32')]),
          b.op('Mul', [spread(b, 7), b.scalar(0, 'float32')]),
        ]),
      ['Mul', 'Tanh'],
    ],
    [
      'a ConstantOfShape, moved about',
      (b, x) => {
        const zeros = b.op('ConstantOfShape', [b.ints([3, 2])]);
        return b.op('Sub', [x, b.op('Transpose', [zeros], { perm: [1, 0] })]);
      },
      ['Tanh'],
    ],
    ['a product with ones', (b, x) => b.op('Mul', [spread(b, 1), x]), ['Tanh']],
    ['a sum with another number', (b, x) => b.op('Add', [spread(b, 2), x]), ['Add', 'Tanh']],
    ['a difference from nought', (b, x) => b.op('Sub', [spread(b, 0), x]), ['Sub', 'Tanh']],
    [
      'an operand that gives the sum its shape',
      (b, x) => b.op('Add', [b.op('ReduceMean', [x, b.ints([1])], { keepdims: 1 }), spread(b, 0)]),
      ['Expand', 'ReduceMean', 'Add', 'Tanh'],
    ],
  ])('%s', async (_, build, ops) => {
    const before = graphOf(build);
    const after = readUniformValues(before);
    expect(opsOf(after).sort()).toEqual([...ops].sort());
    expect(after.nodes.every(({ op, inputs }) => op !== 'Add' || after.types.has(inputs[0]!))).toBe(true);
    const feeds = feedsFor(new Map([['x', before.types.get('x')!]]));
    expect(difference(await run(before, feeds), await run(after, feeds))).toBe(0);
  });

  it('leaves parameters and kept values alone', () => {
    const b = new GraphBuilder(emptyGraph('uniform', 21));
    const x = addInput(b, 'x', 'float32', [2, 3]);
    b.graph.initializers.set('layer.scale', tensorOf('float32', [1], [1]));
    b.graph.types.set('layer.scale', { dtype: 'float32', shape: [1] });
    const scaled = b.op('Mul', [x, b.op('Expand', ['layer.scale', b.ints([2, 3])])]);
    addOutput(b, b.op('Add', [scaled, spread(b, 0)]));
    const after = readUniformValues(b.graph);
    expect(opsOf(after).filter((op) => op !== 'Expand')).toEqual(['Mul', 'Add']);
    expect(after.initializers.has('layer.scale')).toBe(true);
    expect(after.outputs).toEqual(b.graph.outputs);
  });
});
