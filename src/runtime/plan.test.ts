import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { planMemory } from './plan.ts';
import { planRefinement } from './plan-refinement.ts';

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
      masters: 0,
      constants: 0,
      feeds: 12800,
      gradients: kibibytes(8),
      moments: kibibytes(16),
      reference: kibibytes(8),
      // Two of the three 100x64 values are alive at once, and the runtime begins with the transposed x.
      activations: 2 * 25600 + 12800,
      copies: 0,
      total: kibibytes(40) + 16 + 2 * 12800 + 2 * 25600,
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

  it('keeps float32 masters, moments and sums beside float16 weights', () => {
    const half = graph();
    half.types.set('w', { dtype: 'float16', shape: [32, 64] });
    const plan = planMemory(half, {
      weights: ['w', 'frozen'],
      trainable: ['w'],
      gradients: [half.outputs[0]!.name],
      optimizer: 'adamw',
      passes: 2,
    });
    expect(plan).toMatchObject({
      weights: kibibytes(4) + 16,
      masters: kibibytes(8),
      gradients: kibibytes(8) + kibibytes(8),
      moments: kibibytes(16),
      reference: kibibytes(8),
    });
  });
});

describe('planRefinement', () => {
  const design = {
    graph: graph(),
    weights: ['w', 'frozen'],
    trainable: ['w'],
    optimizer: 'adamw',
  } as const;
  const training = kibibytes(40) + 16 + 2 * 12800 + 2 * 25600;

  it('takes the larger stage: the autoencoder goes before training begins, or stays beside it', async () => {
    // As an autoencoder the same graph takes its inputs, its output and its inner values.
    const encoding = 2 * 12800 + kibibytes(8) + 16 + kibibytes(8) + 2 * 25600;
    const released = await planRefinement({ ...design, autoencoder: graph(), latents: 1000 });
    expect(released.stages).toEqual({ latents: encoding + 1000, training: training + 1000 });
    expect(released.peak).toBe(training + 1000);
    expect(released.weightsByType).toEqual({ float32: kibibytes(8), float16: 16 });
    const kept = await planRefinement({ ...design, autoencoder: graph(), releaseAutoencoder: false });
    expect(kept.peak).toBe(training + encoding);
  });

  it('names what does not fit and plans the cheaper choices', async () => {
    let made = 0;
    const cheaper = [
      { choice: 'SGD', design: () => ({ ...design, optimizer: 'sgd' as const }) },
      {
        choice: 'SGD without the drift',
        design: () => {
          made++;
          return { ...design, optimizer: 'sgd' as const, drift: false };
        },
      },
    ];
    const plan = await planRefinement(
      design,
      { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 25000, total: training - kibibytes(9) },
      cheaper,
    );
    expect(plan.obstacles).toHaveLength(2);
    expect(plan.obstacles[0]).toContain('takes 25.6 kB, and this GPU binds 25.0 kB at once');
    expect(plan.obstacles[1]).toMatch(/^Training takes 117.8 kB at its peak, and 108.6 kB are there$/);
    // Neither makes the largest value smaller.
    expect(plan.choices).toEqual([
      { choice: 'SGD without the drift', peak: training - kibibytes(16), fits: false },
      { choice: 'SGD', peak: training - kibibytes(8), fits: false },
    ]);
    const roomy = await planRefinement(design, { total: training - kibibytes(9) }, cheaper);
    expect(roomy.choices.map(({ fits }) => fits)).toEqual([true, false]);
    expect(made).toBe(2);
    expect(await planRefinement(design, { total: training }, cheaper)).toMatchObject({
      obstacles: [],
      choices: [],
    });
    expect(made).toBe(2);
    const asked = await planRefinement(design, { total: training }, cheaper, true);
    expect(asked.choices.map(({ fits }) => fits)).toEqual([true, true]);
  });
});
