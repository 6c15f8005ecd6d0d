import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { planMemory } from './plan.ts';

/** y = relu(relu(x w)) over 100x64, with dw as if it were a gradient: sizes are easy to add up by hand. */
function graph(): TypedGraph {
  const types = new Map([
    ['x', { dtype: 'float32', shape: [100, 32] } as const],
    ['w', { dtype: 'float32', shape: [32, 64] } as const],
    ['frozen', { dtype: 'float16', shape: [7] } as const],
  ]);
  const made: TypedGraph = {
    name: 'plan',
    nodes: [],
    inputs: [...types].map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] })),
    outputs: [],
    initializers: new Map(),
    valueInfo: new Map(),
    types: new Map(types),
    opset: 17,
  };
  const b = new GraphBuilder(made);
  const hidden = b.op('Relu', [b.op('Relu', [b.op('MatMul', ['x', 'w'])])]);
  const gradient = b.op('MatMul', [b.op('Transpose', ['x'], { perm: [1, 0] }), hidden]);
  made.outputs.push({ name: gradient, dtype: 'float32', shape: [32, 64] });
  return made;
}

const kibibytes = (n: number) => n * 1024;

describe('planMemory', () => {
  it('adds up weights, gradients, moments and the peak of inner values', () => {
    const plan = planMemory(graph(), { weights: ['w', 'frozen'], trainable: ['w'], optimizer: 'adamw' });
    expect(plan).toEqual({
      weights: kibibytes(8) + 16,
      constants: 0,
      feeds: 12800,
      gradients: kibibytes(8),
      moments: kibibytes(16),
      reference: kibibytes(8),
      // Two of the three 100x64 values are alive at once.
      activations: 2 * 25600,
      copies: 0,
      total: kibibytes(40) + 16 + 12800 + 2 * 25600,
      largest: { name: expect.any(String), bytes: 25600 },
    });
  });

  it('counts what the request changes', () => {
    const base = { weights: ['w', 'frozen'], trainable: ['w'] };
    const sgd = planMemory(graph(), { ...base, optimizer: 'sgd', passes: 4, drift: false, provider: 'wasm' });
    expect(sgd).toMatchObject({
      gradients: kibibytes(16),
      moments: kibibytes(8),
      reference: 0,
      copies: kibibytes(8) + 16 + 12800,
    });
  });
});
