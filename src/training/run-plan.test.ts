import * as ort from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { readEncoderFolder } from '../exchange/encoder-folder.ts';
import { splitShared } from '../exchange/split-shared.ts';
import { readTeacherFolder } from '../exchange/teacher-folder.ts';
import { presets, type RefineConfig } from '../method/config.ts';
import { sizeOf } from '../onnx/data-types.ts';
import { measureKernelRates, secondsOf } from '../runtime/kernel-rates.ts';
import { type OrtModule, openRuntime } from '../runtime/runtime.ts';
import { besideBytes } from './beside.ts';
import { planRun } from './run-plan.ts';
import { builtIn } from './testing/built-in.ts';

async function builtInRun() {
  const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
  const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
  return {
    parts: {
      vision: splitShared(encoder.vision),
      imageSize: encoder.imageSize,
      teacher,
      contextTokens: 77,
      contextWidth: 128,
    },
    vaeEncoder: teacher.vaeEncoder,
    teacherSize: teacher.latentSize * teacher.downsampling,
    config: presets.quick,
    provider: 'webgpu' as const,
    f16: true,
  };
}

it('plans the built-in models, and each cheaper way takes less', async () => {
  const run = await builtInRun();
  const { memory, pass } = await planRun(run, true);
  expect(memory.obstacles).toEqual([]);
  const peaks = new Map(memory.choices.map(({ choice, peak }) => [choice, peak]));
  expect(peaks.size).toBeGreaterThan(8);
  for (const [choice, peak] of peaks) expect(peak, choice).toBeLessThan(memory.peak);
  expect(pass.products).toBeGreaterThan(1e8);
  expect(pass.convolutions).toBeGreaterThan(1e7);
  const refused = await planRun({ ...run, room: { total: memory.peak - 1 } });
  expect(refused.memory.obstacles).toHaveLength(1);
  expect(refused.memory.choices.every(({ fits }) => fits)).toBe(true);
  // What a choice sets is planned as the choice said.
  for (const { choice, peak, config } of refused.choices) {
    if (choice.includes('float16')) continue;
    const chosen = await planRun({ ...run, config });
    expect(chosen.memory.peak, choice).toBe(peak);
  }
});

it('plans what the memory settings of a run save', async () => {
  const run = await builtInRun();
  const as = async (changes: Partial<RefineConfig>) =>
    (await planRun({ ...run, config: { ...presets.quick, ...changes } })).memory;
  const plain = await as({});
  const thrifty = await as({ innerValues: 'recomputed', drift: 'unmeasured', autoencoder: 'before' });
  expect(thrifty.activations).toBeLessThan(0.8 * plain.activations);
  expect(plain.reference).toBeGreaterThan(0);
  expect(thrifty.reference).toBe(0);
  expect(plain.stages.training - plain.total).toBeGreaterThan(0);
  expect(thrifty.stages.training).toBe(thrifty.total);
});

it('measures how fast a runtime computes', async () => {
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'wasm' });
  const rates = await measureKernelRates(runtime);
  expect(Object.values(rates).every((rate) => Number.isFinite(rate) && rate > 1e6)).toBe(true);
  const work = { products: 2 * rates.products, convolutions: rates.convolutions, moved: 0, nodes: 2 };
  expect(secondsOf(work, rates)).toBe(3);
});

it('counts what embeds images beside the training: inner values, and the weights that it cannot share', async () => {
  const run = await builtInRun();
  const { vision, imageSize } = run.parts;
  const { initializers } = vision.graph;
  const all = [...initializers.values()].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const beside = async (changes: Partial<Parameters<typeof planRun>[0]>) =>
    (await planRun({ ...run, ...changes })).memory.beside;
  const anchored = { ...presets.quick, anchor: 0.1 };
  expect(await beside({})).toBe(0);
  const inner = await beside({ config: anchored });
  expect(inner).toBeGreaterThan(0);
  expect(inner).toBe(await besideBytes(vision, imageSize, anchored.batchSize, () => true));
  // Low-rank factors leave the matrices as they came: only the session that follows a pair holds merged ones.
  const lora = { ...anchored, trainable: { kind: 'lora', rank: 4, alpha: 8 } } as const;
  expect(await beside({ config: lora })).toBe(inner);
  const followed = (await beside({ config: lora, followed: true })) - inner;
  const matrices = [...initializers.values()]
    .filter(({ shape }) => shape.length > 1)
    .reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  expect(followed).toBeGreaterThan(matrices);
  // On the processor the frozen blocks stay inside the training model.
  const last = { ...anchored, trainable: { kind: 'last-k', blocks: 1 } } as const;
  const copies = (await beside({ config: last, provider: 'wasm' })) - inner;
  expect(copies).toBeGreaterThan(0.3 * all);
  expect(copies).toBeLessThan(all);
});
