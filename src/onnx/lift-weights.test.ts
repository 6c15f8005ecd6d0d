import { expect, it } from 'vitest';
import { GraphBuilder } from './builder.ts';
import { addInput, addOutput, emptyGraph } from './graft.ts';
import { liftWeights } from './lift-weights.ts';
import { tensorOf } from './tensors.ts';

it('turns weights into inputs, but neither single numbers nor the scales of Resize', () => {
  const b = new GraphBuilder(emptyGraph('lift', 21));
  const add = (name: string, shape: readonly number[], values: readonly number[]) => {
    b.graph.initializers.set(name, tensorOf('float32', shape, values));
    b.graph.types.set(name, { dtype: 'float32', shape });
    return name;
  };
  const x = addInput(b, 'x', 'float32', [1, 1, 2, 2]);
  const scales = add('scales', [4], [1, 1, 2, 2]);
  const large = b.op('Resize', [x, '', scales], { mode: 'nearest' });
  const weighted = b.op('Mul', [large, add('weight', [1, 1, 1, 4], [1, 2, 3, 4])]);
  addOutput(b, b.op('Add', [weighted, add('epsilon', [], [1e-6])]));
  const weight = b.graph.initializers.get('weight');
  expect([...liftWeights(b.graph)]).toEqual([['weight', weight]]);
  expect(b.graph.inputs.map(({ name }) => name)).toEqual(['x', 'weight']);
  expect([...b.graph.initializers.keys()]).toEqual(['scales', 'epsilon']);
});
