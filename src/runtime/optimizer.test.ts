import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import reference from '../../tools/reference/fixtures/optimizers.json';
import type { OptimizerConfig } from '../method/config.ts';
import { replayAll } from './fixtures/optimizer-replay.ts';
import { createOptimizer, type UpdateConfig } from './optimizer.ts';
import { openRuntime } from './runtime.ts';
import { learningRateAt } from './schedule.ts';
import type { CpuTensor } from './tensor.ts';

const runtime = await openRuntime({ ort, provider: 'cpu' });

const vector = (...values: number[]): CpuTensor & { data: Float32Array<ArrayBuffer> } => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

const adamw: UpdateConfig = {
  kind: 'adamw',
  momentum: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
};

describe('optimisers on the CPU', () => {
  it('follow PyTorch step by step', async () => {
    for (const { name, weights, norm, drift } of await replayAll(runtime)) {
      expect.soft(weights, `${name}: weights`).toBeLessThan(5e-7);
      expect.soft(norm, `${name}: gradient norm`).toBeLessThan(5e-7);
      expect.soft(drift, `${name}: drift`).toBeLessThan(5e-6);
    }
  });

  it('continue bit for bit from a saved state', async () => {
    const gradient = (t: number) => new Map([['w', vector(Math.sin(t), Math.cos(t), 0.1 * t)]]);
    const run = async (saveAt: number | null) => {
      const weight = vector(1, -2, 3);
      let optimizer = createOptimizer(runtime, [{ name: 'w', weight }], adamw);
      for (let t = 0; t < 6; t++) {
        if (t === saveAt) {
          const saved = await optimizer.state();
          optimizer = createOptimizer(runtime, [{ name: 'w', weight }], adamw);
          await optimizer.restore(saved);
        }
        await optimizer.accumulate(gradient(t));
        await optimizer.step({ learningRate: 0.1 });
      }
      return weight.data;
    };
    expect(await run(3)).toEqual(await run(null));
  });

  it('average passes whose tensors are written again, when they were announced', async () => {
    const update = async (passes: number, gradients: ReturnType<typeof vector>[]) => {
      const weight = vector(1, -2, 3);
      const optimizer = createOptimizer(runtime, [{ name: 'w', weight }], adamw, { passes });
      const again = vector(0, 0, 0);
      for (const gradient of gradients) {
        again.data.set(gradient.data);
        await optimizer.accumulate(new Map([['w', passes > 1 ? again : gradient]]));
      }
      const report = await (await optimizer.step({ learningRate: 0.1 })).read();
      return { weight: weight.data, norm: report.gradientNorm };
    };
    const passes = [vector(0.5, 1, -1), vector(0.25, -1, 4), vector(1, 1, 0.5)];
    const mean = vector(1.75 / 3, 1 / 3, 3.5 / 3);
    const announced = await update(3, passes);
    expect(announced).toEqual(await update(1, passes));
    expect(announced.norm).toBeCloseTo((await update(1, [mean])).norm, 6);
  });

  it('report gradients that are not finite by name and leave the weights alone', async () => {
    const a = vector(1, 2);
    const b = vector(3);
    const optimizer = createOptimizer(
      runtime,
      [
        { name: 'a', weight: a },
        { name: 'b', weight: b },
      ],
      adamw,
    );
    await optimizer.accumulate(
      new Map([
        ['a', vector(1, 1)],
        ['b', vector(Number.NaN)],
      ]),
    );
    const report = await (await optimizer.step({ learningRate: 0.1 })).read();
    expect(report).toMatchObject({ finite: false, allZero: false, nonFinite: ['b'], zero: [], drift: null });
    expect([...a.data, ...b.data]).toEqual([1, 2, 3]);
    const state = await optimizer.state();
    expect([...state.tensors.values()].every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  it('divide gradients by their scale before they measure and clip', async () => {
    const run = async (gradientScale: number, clipNorm: number) => {
      const weight = vector(1, -2, 3);
      const optimizer = createOptimizer(runtime, [{ name: 'w', weight }], { ...adamw, clipNorm });
      const norms: number[] = [];
      for (const values of [
        [0.5, 1, -1],
        [1e-3, 2e-3, 0],
      ]) {
        await optimizer.accumulate(new Map([['w', vector(...values.map((x) => x * gradientScale))]]));
        const handle = await optimizer.step({ learningRate: 0.1, gradientScale });
        norms.push((await handle.read()).gradientNorm);
      }
      return { weight: weight.data, norms };
    };
    // Powers of two leave the digits alone.
    for (const clipNorm of [0, 1]) expect(await run(2 ** 16, clipNorm)).toEqual(await run(1, clipNorm));
    expect((await run(2 ** 16, 1)).norms[0]).toBeCloseTo(1.5, 6);
  });

  it('take back a step that changed nothing: the next one updates as if it had not been', async () => {
    const run = async (gradients: number[]) => {
      const weight = vector(1);
      const optimizer = createOptimizer(runtime, [{ name: 'w', weight }], adamw);
      for (const value of gradients) {
        await optimizer.accumulate(new Map([['w', vector(value)]]));
        await (await optimizer.step({ learningRate: 0.1 })).read();
      }
      return { weight: weight.data, steps: optimizer.steps, state: await optimizer.state() };
    };
    const skipped = await run([0.5, Number.POSITIVE_INFINITY, -0.25]);
    expect(skipped).toEqual(await run([0.5, -0.25]));
    expect(skipped.steps).toBe(2);
  });

  it('report gradients that are all zero', async () => {
    const optimizer = createOptimizer(runtime, [{ name: 'a', weight: vector(1, 2) }], adamw);
    await optimizer.accumulate(new Map([['a', vector(0, 0)]]));
    const report = await (await optimizer.step({ learningRate: 0.1 })).read();
    expect(report).toMatchObject({ gradientNorm: 0, finite: true, allZero: true, zero: ['a'] });
  });

  it('refuse what does not fit, by name', async () => {
    const optimizer = createOptimizer(runtime, [{ name: 'a', weight: vector(1, 2) }], adamw);
    await expect(optimizer.accumulate(new Map())).rejects.toThrow('The gradient of weight "a" is missing');
    await expect(optimizer.accumulate(new Map([['a', vector(1)]]))).rejects.toThrow(
      'The gradient of weight "a" is float32[1], expected float32[2]',
    );
    await expect(optimizer.step({ learningRate: 1 })).rejects.toThrow('accumulate()');
    await expect(optimizer.restore({ step: 1, tensors: new Map() })).rejects.toThrow(
      'another model or optimiser',
    );
    const half = { dtype: 'float16', shape: [1], data: new Uint16Array(1) } as const;
    expect(() => createOptimizer(runtime, [{ name: 'h', weight: half }], adamw)).toThrow('kept in float32');
  });
});

describe('learningRateAt', () => {
  it.each(reference.schedules)('follows transformers: $schedule, warm-up $warmup', (item) => {
    const config = item as Pick<OptimizerConfig, 'schedule'> & typeof item;
    for (const [step, rate] of item.rates.entries()) {
      expect(learningRateAt(config, step, item.rates.length)).toBeCloseTo(rate, 14);
    }
  });
});
