import { describe, expect, it } from 'vitest';
import type { Node } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';

const initializers = {
  two: tensorOf('int64', [], [2]),
  last: tensorOf('int64', [], [-1]),
  first: tensorOf('int64', [], [0]),
  sizes: tensorOf('int64', [2], [1, 4]),
};

async function resolved(nodes: readonly Node[]) {
  const inputs = { x: ['float32', 5, 3] as const };
  const model = modelOf({ inputs, initializers, nodes, outputs: ['y'], outputTypes: { y: 'float32' } });
  const graph = await specialise(model);
  const feeds = feedsFor(new Map([['x', graph.types.get('x')!]]));
  expect(difference(await run(model, feeds), await run(graph, feeds))).toBe(0);
  return operatorCounts(graph);
}

const at = (sequence: string, index: string, output: string) =>
  node('SequenceAt', [sequence, index], [output]);

describe('sequences of tensors', () => {
  it('are splits where a tensor is cut into parts', async () => {
    const common = [node('SplitToSequence', ['x', 'two'], ['parts']), at('parts', 'last', 'p')];
    expect(await resolved([...common, node('Neg', ['p'], ['y'])])).toEqual({ Split: 1, Neg: 1 });
    const sized = [node('SplitToSequence', ['x', 'sizes'], ['parts']), at('parts', 'first', 'p')];
    expect(await resolved([...sized, node('Neg', ['p'], ['y'])])).toEqual({ Split: 1, Neg: 1 });
    const single = node('SplitToSequence', ['x'], ['parts'], { axis: 1, keepdims: 0 });
    expect(await resolved([single, at('parts', 'two', 'p'), node('Neg', ['p'], ['y'])])).toEqual({
      Split: 1,
      Squeeze: 1,
      Neg: 1,
    });
  });

  it('are nothing where they only hold values for a while', async () => {
    const counts = await resolved([
      node('Neg', ['x'], ['n']),
      node('SequenceConstruct', ['x', 'n'], ['s']),
      node('SequenceInsert', ['s', 'n', 'first'], ['t']),
      node('SequenceErase', ['t', 'last'], ['u']),
      node('SequenceLength', ['u'], ['length']),
      node('Cast', ['length'], ['factor'], { to: 1 }),
      node('ConcatFromSequence', ['u'], ['joined'], { axis: 1, new_axis: 1 }),
      node('Mul', ['joined', 'factor'], ['y']),
    ]);
    expect(counts).toEqual({ Neg: 1, Unsqueeze: 2, Concat: 1, Mul: 1 });
  });

  it('that are not known before the graph runs are refused', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 4], i: ['int64'] },
      nodes: [node('SplitToSequence', ['x'], ['s']), at('s', 'i', 'y')],
      outputs: ['y'],
    });
    await expect(specialise(model)).rejects.toThrow(/position is not constant.*operator SequenceAt/);
  });
});
