import { describe, expect, it } from 'vitest';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';
import { mergeMovement } from './merge-movement.ts';

const i64 = (...values: number[]) => tensorOf('int64', [values.length], values);

describe('mergeMovement', () => {
  it('joins reshapes of reshapes and transposes of transposes', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 2, 3, 4] },
      initializers: { flat: i64(6, 4), one: i64(1), apart: i64(3, 2, 1, 4) },
      nodes: [
        node('Reshape', ['x', 'flat'], ['a']),
        node('Unsqueeze', ['a', 'one'], ['b']),
        node('Reshape', ['b', 'apart'], ['c']),
        node('Transpose', ['c'], ['d'], { perm: [3, 0, 2, 1] }),
        node('Transpose', ['d'], ['e'], { perm: [1, 2, 3, 0] }),
        node('Transpose', ['e'], ['y']),
      ],
      outputs: ['y'],
      outputTypes: { y: 'float32' },
    });
    const before = await specialise(model);
    const after = mergeMovement(before);
    expect(operatorCounts(before)).toEqual({ Reshape: 2, Unsqueeze: 1, Transpose: 3 });
    expect(operatorCounts(after)).toEqual({ Reshape: 1, Transpose: 2 });
    const feeds = feedsFor(new Map([['x', before.types.get('x')!]]));
    expect(difference(await run(before, feeds), await run(after, feeds))).toBe(0);
  });

  it('leaves a value that must stay, and still reads past it', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 2, 3] },
      initializers: { flat: i64(6), back: i64(3, 2) },
      nodes: [node('Reshape', ['x', 'flat'], ['a']), node('Reshape', ['a', 'back'], ['y'])],
      outputs: ['y', 'a'],
    });
    const after = mergeMovement(await specialise(model));
    expect(after.nodes.map(({ inputs }) => inputs[0])).toEqual(['x', 'x']);
  });
});
