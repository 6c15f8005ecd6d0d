import type { TensorType } from '../onnx/model.ts';
import { modelOf } from './small-model.ts';

const float32 = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });

/**
 * A model of the mix that a refinement runs: one attention block at ViT-Ti width over eight images of 65 tokens, and a
 * 3x3 convolution of a small UNet. About ten milliseconds a run on one core.
 */
export const probeModel = (): Promise<Uint8Array> =>
  modelOf(
    {
      tokens: float32(8, 65, 192),
      query: float32(192, 192),
      key: float32(192, 192),
      value: float32(192, 192),
      up: float32(192, 768),
      down: float32(768, 192),
      image: float32(4, 64, 16, 16),
      kernel: float32(64, 64, 3, 3),
    },
    (b) => {
      const heads = (weight: string, order: number[]) => {
        const projected = b.op('MatMul', ['tokens', weight]);
        return b.op('Transpose', [b.op('Reshape', [projected, b.ints([8, 65, 6, 32])])], { perm: order });
      };
      const scores = b.op('MatMul', [heads('query', [0, 2, 1, 3]), heads('key', [0, 2, 3, 1])]);
      const mixed = b.op('MatMul', [b.op('Softmax', [scores], { axis: -1 }), heads('value', [0, 2, 1, 3])]);
      const joined = b.op('Reshape', [
        b.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
        b.ints([8, 65, 192]),
      ]);
      const hidden = b.op('Tanh', [b.op('MatMul', [joined, 'up'])]);
      return {
        out: b.op('MatMul', [hidden, 'down']),
        convolved: b.op('Conv', ['image', 'kernel'], { pads: [1, 1, 1, 1] }),
      };
    },
  );
