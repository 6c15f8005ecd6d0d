import { describe, expect, it } from 'vitest';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { GradientError } from '../../onnx/errors.ts';
import { tensorOf } from '../../onnx/tensors.ts';
import { backwardOf, type GradientCase } from '../testing/case.ts';

const refusal = (
  shapes: readonly (readonly number[])[],
  build: (b: GraphBuilder, inputs: readonly string[]) => string | readonly string[],
): unknown => {
  const c: GradientCase = { label: 'refusal', inputs: shapes.map((shape) => ({ shape })), build, seed: 1 };
  try {
    backwardOf(c, 'float32');
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('what has no derivative rule is refused, with the operator and what to do', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'the diagonal of an Einsum',
      refusal([[3, 3]], (b, [x]) => b.op('Einsum', [x!], { equation: 'ii->i' })),
      /takes a diagonal.*operator Einsum.*shapes \[3, 3\].*Mul and ReduceSum/,
    ],
    [
      'a ConvTranspose whose odd padding depends on the runtime',
      refusal(
        [
          [1, 1, 3, 3],
          [1, 1, 3, 3],
        ],
        (b, [x, w]) => b.op('ConvTranspose', [x!, w!], { strides: [2, 2], output_shape: [6, 6] }),
      ),
      /odd padding.*operator ConvTranspose.*explicit pads/,
    ],
    [
      'Resize that crops',
      refusal([[1, 1, 4, 4]], (b, [x]) => {
        const roi = b.shared(tensorOf('float32', [8], [0, 0, 0, 0, 1, 1, 0.5, 0.5]));
        return b.op('Resize', [x!, roi, '', b.ints([1, 1, 2, 2])], {
          mode: 'linear',
          coordinate_transformation_mode: 'tf_crop_and_resize',
        });
      }),
      /tf_crop_and_resize.*operator Resize/,
    ],
    [
      'the mean of a norm as part of the loss',
      refusal([[2, 4], [4]], (b, [x, scale]) => {
        const [y, mean] = b.ops('LayerNormalization', [x!, scale!], {}, 3);
        return b.op('Add', [y!, mean!]);
      }),
      /mean or deviation.*operator LayerNormalization.*ReduceMean/,
    ],
    [
      'local response normalisation',
      refusal([[1, 4, 2, 2]], (b, [x]) => b.op('LRN', [x!], { size: 3 })),
      /LRN has no derivative rule.*path.*docs\/operators\.md/,
    ],
    [
      'pooling by a norm',
      refusal([[1, 1, 4, 4]], (b, [x]) => b.op('LpPool', [x!], { kernel_shape: [2, 2] })),
      /LpPool has no derivative rule/,
    ],
  ])('%s', (_, error, message) => {
    expect(error).toBeInstanceOf(GradientError);
    expect(String(error)).toMatch(message);
  });
});
