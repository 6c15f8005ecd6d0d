import { describe, expect, it } from 'vitest';
import type { TensorType } from '../model.ts';
import { node } from '../testing/hand-made.ts';
import { inferNode } from './index.ts';

const f16 = (...shape: number[]): TensorType => ({ dtype: 'float16', shape });

function shapesOf(
  op: string,
  inputs: (TensorType | undefined)[],
  attributes: Parameters<typeof node>[3],
  outputs = 1,
) {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const made = node(
    op,
    inputs.map((_, i) => `x${i}`),
    names,
    attributes,
    'com.microsoft',
  );
  return inferNode(made, 17, inputs, () => undefined)
    .slice(0, outputs)
    .map(({ shape }) => shape);
}

// These have no kernel on a CPU; shapes as in onnxruntime's ContribOperators.md.
describe('fused operators of exports for accelerators', () => {
  it('are typed', () => {
    const image = f16(2, 8, 6, 32);
    expect(shapesOf('GroupNorm', [image, f16(32), f16(32)], { groups: 4, activation: 1 })).toEqual([
      [2, 8, 6, 32],
    ]);
    expect(
      shapesOf('SkipGroupNorm', [image, f16(32), f16(32), image], { groups: 4, activation: 1 }, 2),
    ).toEqual([
      [2, 8, 6, 32],
      [2, 8, 6, 32],
    ]);
    const halved = { strides: [2, 2], pads: [1, 1, 1, 1] };
    expect(shapesOf('NhwcConv', [image, f16(48, 3, 3, 32), f16(48)], halved)).toEqual([[2, 4, 3, 48]]);
    expect(shapesOf('BiasSplitGelu', [f16(2, 48, 64), f16(64)], {})).toEqual([[2, 48, 32]]);
    expect(shapesOf('BiasAdd', [f16(2, 48, 32), f16(32), f16(2, 48, 32)], {})).toEqual([[2, 48, 32]]);
    const packed = [f16(2, 48, 4, 3, 8)];
    expect(shapesOf('MultiHeadAttention', packed, { num_heads: 4 })).toEqual([[2, 48, 32]]);
    const crossed = [f16(2, 48, 32), f16(2, 77, 4, 2, 8)];
    expect(shapesOf('MultiHeadAttention', crossed, { num_heads: 4 })).toEqual([[2, 48, 32]]);
  });

  it('are refused where their parts do not fit', () => {
    expect(() => shapesOf('GroupNorm', [f16(2, 8, 8, 30), f16(30), f16(30)], { groups: 4 })).toThrow(
      /30 channels do not divide into 4 groups.*com\.microsoft::GroupNorm/,
    );
    expect(() => shapesOf('BiasSplitGelu', [f16(2, 48, 63), f16(63)], {})).toThrow(/do not split in half/);
  });
});
