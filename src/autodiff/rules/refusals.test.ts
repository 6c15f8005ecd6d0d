import { describe, expect, it } from 'vitest';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { GradientError } from '../../onnx/errors.ts';
import { backwardOf, type GradientCase } from '../testing/case.ts';

/** A case on x [2, 3] and, as a second input that no gradient is asked of, runtime indices. */
function refusal(build: (b: GraphBuilder, x: string, indices: string) => string, indexShape = [1]) {
  const c: GradientCase = {
    label: 'refused',
    inputs: [{ shape: [2, 3] }, { shape: indexShape, dtype: 'int64' }],
    seed: 1,
    build: (b, [x, indices]) => build(b, x!, indices!),
  };
  return () => backwardOf(c, 'float32');
}

describe('rules refuse what has no derivative, naming the operator and what to do', () => {
  it.each(['Floor', 'Ceil', 'Round', 'Sign', 'Hardmax'])('%s', (op) => {
    const differentiate = refusal((b, x) => b.op(op, [x]));
    expect(differentiate).toThrow(GradientError);
    expect(differentiate).toThrow(
      new RegExp(`${op} is a step function.*shapes \\[2, 3\\].*path .*replace it`),
    );
  });

  it.each<[string, (b: GraphBuilder, x: string, indices: string) => string, RegExp, number[]?]>([
    [
      'Dropout in training',
      (b, x) => b.op('Dropout', [x, b.scalar(0.5, 'float32'), b.scalar(1, 'bool')]),
      /training mode.*model\.eval/,
    ],
    [
      'a product of scattered updates',
      (b, x, i) => b.op('ScatterElements', [x, i, b.op('Expand', [x, b.ints([2, 3])])], { reduction: 'mul' }),
      /reduction "mul".*Use reduction none or add/,
      [2, 3],
    ],
    [
      'a norm over no axes',
      (b, x) => b.op('ReduceL2', [x], { noop_with_empty_axes: 1 }),
      /not defined alike.*Give the axes/,
    ],
    [
      'tuples in batches known only at run time',
      (b, x, i) => b.op('GatherND', [b.op('Reshape', [x, b.ints([1, 2, 3])]), i], { batch_dims: 1 }),
      /several coordinates.*Make its indices constant/,
      [1, 1, 2],
    ],
    [
      'a border copied more than once',
      (b, x) => b.op('Pad', [x, b.ints([0, 4, 0, 0])], { mode: 'wrap' }),
      /more than once.*Split it/,
    ],
    [
      'an exponent that the GPU cannot cast',
      (b, x, i) => b.op('Pow', [x, i]),
      /type int64.*Make the exponent/,
      [3],
    ],
  ])('%s', (_, build, message, indexShape) => {
    const differentiate = refusal(build, indexShape);
    expect(differentiate).toThrow(GradientError);
    expect(differentiate).toThrow(message);
  });
});
