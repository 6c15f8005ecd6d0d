import { describe, expect, it } from 'vitest';
import type { Node } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';
import { mergeCommonSubexpressions } from './common-subexpressions.ts';

const inputs = { x: ['float32', 2, 3] } as const;
const row = (...values: number[]) => tensorOf('float32', [values.length], values);

const graphOf = (nodes: readonly Node[], outputs: string[], initializers = {}) =>
  specialise(modelOf({ inputs, initializers, nodes, outputs, outputTypes: { y: 'float32' } }));

describe('mergeCommonSubexpressions', () => {
  it('computes once what is the same, through equal constants too', async () => {
    const half = () => tensorOf('float32', [], [0.5]);
    const before = await graphOf(
      [
        node('Mul', ['x', 'onnx::Mul_1'], ['a']),
        node('Softmax', ['a'], ['b'], { axis: 1 }),
        node('Mul', ['x', 'onnx::Mul_2'], ['c']),
        node('Softmax', ['c'], ['d'], { axis: 1 }),
        node('Softmax', ['c'], ['e'], { axis: 0 }),
        node('Sum', ['b', 'd', 'e'], ['y']),
      ],
      ['y'],
      { 'onnx::Mul_1': half(), 'onnx::Mul_2': half() },
    );
    const after = mergeCommonSubexpressions(before);
    expect(operatorCounts(after)).toEqual({ Mul: 1, Softmax: 2, Sum: 1 });
    expect([...after.initializers.keys()]).toEqual(['onnx::Mul_1']);
    expect(after.types.has('c')).toBe(false);
    const feeds = feedsFor(new Map([['x', before.types.get('x')!]]));
    expect(difference(await run(before, feeds), await run(after, feeds))).toBe(0);
  });

  it('keeps equal parameters apart: they may be trained differently', async () => {
    const nodes = [
      node('Mul', ['x', 'w'], ['a']),
      node('Mul', ['x', 'v'], ['b']),
      node('Add', ['a', 'b'], ['y']),
    ];
    const before = await graphOf(nodes, ['y'], { w: row(1, 1, 1), v: row(1, 1, 1) });
    expect(operatorCounts(mergeCommonSubexpressions(before))).toEqual({ Mul: 2, Add: 1 });
  });

  it('leaves outputs, random numbers and excepted nodes alone', async () => {
    const nodes = [
      node('Exp', ['x'], ['a']),
      node('Exp', ['x'], ['y']),
      node('Exp', ['x'], ['again']),
      node('RandomNormalLike', ['x'], ['r']),
      node('RandomNormalLike', ['x'], ['s']),
      node('Sum', ['a', 'again', 'r', 's'], ['z']),
    ];
    const before = await graphOf(nodes, ['y', 'z']);
    const merged = mergeCommonSubexpressions(before);
    expect(operatorCounts(merged)).toEqual({ Exp: 2, RandomNormalLike: 2, Sum: 1 });
    expect(merged.nodes.some((n) => n.outputs[0] === 'y')).toBe(true);
    const except = (n: Node) => n.outputs[0] === 'again';
    expect(operatorCounts(mergeCommonSubexpressions(before, { except }))).toMatchObject({ Exp: 3 });
    expect(operatorCounts(mergeCommonSubexpressions(before, { keep: ['again'] }))).toMatchObject({ Exp: 3 });
  });
});
