import { describe, expect, it } from 'vitest';
import type { Node } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';
import { mergeParts } from './merge-parts.ts';

const initializers = Object.fromEntries([
  ...[-2, 0, 1, 2, 4, 6, 99].map((n) => [`at${n}`, tensorOf('int64', [1], [n])]),
  ...[-1, 0, 1, 2].map((n) => [`index${n}`, tensorOf('int64', [], [n])]),
]);

async function merged(nodes: readonly Node[], outputs: string[]) {
  const inputs = { x: ['float32', 3, 6] as const };
  const outputTypes = Object.fromEntries(outputs.map((name) => [name, 'float32' as const]));
  const before = await specialise(modelOf({ inputs, initializers, nodes, outputs, outputTypes }));
  const after = mergeParts(before);
  const feeds = feedsFor(new Map([['x', before.types.get('x')!]]));
  expect(difference(await run(before, feeds), await run(after, feeds))).toBe(0);
  return operatorCounts(after);
}

const slice = (from: string, to: string, output: string) => node('Slice', ['x', from, to, 'at1'], [output]);

describe('mergeParts', () => {
  it('joins slices that cover an axis, in any order', async () => {
    const nodes = [
      slice('at4', 'at99', 'c'),
      node('Neg', ['c'], ['d']),
      slice('at0', 'at1', 'a'),
      slice('at1', 'at-2', 'b'),
    ];
    expect(await merged([...nodes, node('Exp', ['x'], ['e'])], ['d', 'a', 'b', 'e'])).toEqual({
      Split: 1,
      Neg: 1,
      Exp: 1,
    });
  });

  it('joins gathers of every position', async () => {
    const gather = (index: string, output: string) => node('Gather', ['x', index], [output]);
    const nodes = [gather('index-1', 'c'), gather('index0', 'a'), gather('index1', 'b')];
    expect(await merged(nodes, ['a', 'b', 'c'])).toEqual({ Split: 1, Reshape: 3 });
  });

  it('leaves parts that overlap or do not cover the axis', async () => {
    expect(await merged([slice('at0', 'at2', 'a'), slice('at1', 'at6', 'b')], ['a', 'b'])).toEqual({
      Slice: 2,
    });
    expect(await merged([slice('at0', 'at2', 'a'), slice('at2', 'at4', 'b')], ['a', 'b'])).toEqual({
      Slice: 2,
    });
    const stepped = node('Slice', ['x', 'at2', 'at6', 'at1', 'at2'], ['b']);
    expect(await merged([slice('at0', 'at2', 'a'), stepped], ['a', 'b'])).toEqual({ Slice: 2 });
  });
});
