import * as ort from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { readEncoderFolder } from '../exchange/encoder-folder.ts';
import { readTeacherFolder } from '../exchange/teacher-folder.ts';
import { presets, type RefineConfig } from '../method/config.ts';
import { type OrtModule, openRuntime } from '../runtime/runtime.ts';
import { isGpuTensor } from '../runtime/tensor.ts';
import type { CropSource } from './crops.ts';
import { LatentEncoder } from './latents.ts';
import { buildNetwork, buildProjectionNetwork } from './network.ts';
import { Refinement } from './refine.ts';
import { builtIn } from './testing/built-in.ts';

const config: RefineConfig = {
  ...presets.quick,
  fidelity: 'faithful',
  batchSize: 1,
  accumulate: 2,
  drawsPerImage: 2,
  steps: 4,
};

/** Images that are gradients of two colours; the crop moves them a little, so that draws matter. */
const images: CropSource = {
  count: 3,
  async crop({ image, uniforms, teacherSize, encoderSize }) {
    const paint = (size: number) =>
      Uint8Array.from({ length: 3 * size * size }, (_, i) => {
        const x = Math.floor(i / 3) % size;
        return (40 * image + 80 * (i % 3) + (120 * x) / size + 20 * uniforms[0]!) % 256;
      });
    return { teacher: paint(teacherSize), encoder: paint(encoderSize) };
  },
};

async function open(changes: Partial<RefineConfig> = {}): Promise<Refinement> {
  const settings = { ...config, ...changes };
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'wasm' });
  const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
  const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const { preprocessing, imageSize, vision } = encoder;
  const parts = { vision, imageSize, teacher, contextTokens: 77, contextWidth: 128 };
  const network = await buildNetwork(parts, settings, 'trainable');
  const projectionNetwork = await buildProjectionNetwork(parts, settings, 'trainable');
  const latents = await LatentEncoder.open(runtime, teacher, { fidelity: settings.fidelity, preprocessing });
  return Refinement.open({
    runtime,
    network,
    projectionNetwork,
    config: settings,
    images,
    encodeLatent: (pixels) => latents.encode(pixels),
    latentShape: latents.shape,
    teacherSize: latents.imageSize,
    encoder: { size: imageSize, normalisation: preprocessing },
    schedule: teacher.schedule,
    prompt: new Float32Array(77 * 128).fill(0.01),
  });
}

it('goes on from a saved state bit for bit, in another session', async () => {
  const whole = await open();
  const losses: number[] = [];
  for (let step = 0; step < 2; step++) losses.push((await whole.next()).loss);
  const saved = await whole.state();
  const rest = [await whole.next(), await whole.next()];
  const end = await whole.state();
  await whole.release();

  const resumed = await open();
  await resumed.restore(saved);
  for (const expected of rest) {
    const { ms: _, ...record } = await resumed.next();
    const { ms: __, ...want } = expected;
    expect(record).toEqual(want);
  }
  const again = await resumed.state();
  expect([...again.weights.keys()]).toEqual([...end.weights.keys()]);
  for (const [name, bytes] of end.weights)
    expect(Buffer.compare(again.weights.get(name)!, bytes), name).toBe(0);
  await resumed.release();
  expect(new Set([...losses, ...rest.map(({ loss }) => loss)]).size).toBe(4);
});

it('refuses the state of another encoder by the name of the weight', async () => {
  const refinement = await open();
  const state = await refinement.state();
  state.weights.delete('vision_model.post_layernorm.weight');
  await expect(refinement.restore(state)).rejects.toThrow(
    /vision_model\.post_layernorm\.weight.*another encoder/,
  );
  await refinement.release();
});

it('trains the projection alone at first, and goes on from either stage bit for bit', async () => {
  const changes = { drawsPerImage: 1, projectorWarmup: 2, projectorLearningRate: 1e-3 };
  const whole = await open(changes);
  const states = [await whole.state()];
  const records = [];
  for (let step = 0; step < 4; step++) {
    records.push(await whole.next());
    states.push(await whole.state());
  }
  await whole.release();
  const changed = (from: number, to: number) =>
    [...states[to]!.weights]
      .filter(([name, bytes]) => Buffer.compare(bytes, states[from]!.weights.get(name)!) !== 0)
      .map(([name]) => name);
  expect(changed(0, 2).sort()).toEqual(['visual_proj.bias', 'visual_proj.weight']);
  expect(changed(2, 4).length).toBe(states[0]!.weights.size);
  expect(records.slice(0, 2).map(({ learningRate }) => learningRate)).toEqual([1e-3, 1e-3]);

  const resumed = await open(changes);
  for (const from of [1, 2, 3]) {
    await resumed.restore(states[from]!);
    expect((await resumed.next()).loss).toBe(records[from]!.loss);
    const { weights } = await resumed.state();
    for (const [name, bytes] of states[from + 1]!.weights)
      expect(Buffer.compare(weights.get(name)!, bytes), `${name} after ${from + 1}`).toBe(0);
  }
  await resumed.release();
});

it('trains low-rank factors and their average, and goes on bit for bit', async () => {
  const changes = { drawsPerImage: 1, trainable: { kind: 'lora', rank: 2, alpha: 4 }, average: 0.5 } as const;
  const whole = await open(changes);
  await whole.next();
  const saved = await whole.state();
  const { ms: _, ...want } = await whole.next();
  const end = await whole.state();
  const ups = [...end.weights].filter(([name]) => name.endsWith('.lora_up'));
  await whole.release();
  // The second factors begin at zero; the first step's rate is that of a warm-up, zero.
  expect(ups.every(([, bytes]) => bytes.some((byte) => byte !== 0))).toBe(true);
  expect(saved.weights.size).toBe(50);
  const resumed = await open(changes);
  await resumed.restore(saved);
  const { ms: __, ...got } = await resumed.next();
  expect(got).toEqual(want);
  const again = await resumed.state();
  for (const [name, bytes] of end.average!) {
    expect(Buffer.compare(again.average!.get(name)!, bytes), name).toBe(0);
    // The first factors have no gradient yet while the second are zero.
    if (name.endsWith('.lora_up')) expect(Buffer.compare(again.weights.get(name)!, bytes), name).not.toBe(0);
  }
  await resumed.release();
});

it('computes the same step when inner values are computed again and the drift is not measured', async () => {
  const changes = { accumulate: 1, drawsPerImage: 1 };
  const gradients = async (settings: Partial<RefineConfig>) => {
    const refinement = await open({ ...changes, ...settings });
    const read = new Map<string, Float32Array>();
    const step = await refinement.next(async (tensors) => {
      for (const [name, tensor] of tensors)
        if (!isGpuTensor(tensor)) read.set(name, Float32Array.from(tensor.data as Float32Array));
    });
    await refinement.release();
    return { step, read };
  };
  const kept = await gradients({});
  const again = await gradients({ innerValues: 'recomputed', drift: 'unmeasured' });
  expect(kept.step.drift).toBe(0);
  expect(again.step).not.toHaveProperty('drift');
  expect(again.step.loss).toBeCloseTo(kept.step.loss, 5);
  let difference = 0;
  let length = 0;
  for (const [name, values] of kept.read) {
    for (const [i, value] of values.entries()) {
      difference += (value - again.read.get(name)![i]!) ** 2;
      length += value ** 2;
    }
  }
  expect(length).toBeGreaterThan(0);
  expect(Math.sqrt(difference / length)).toBeLessThan(1e-5);
});

it('stops before the weights change when one of them is broken', async () => {
  const refinement = await open({ drawsPerImage: 1 });
  const state = await refinement.state();
  const broken = new Map(state.weights);
  const [name, bytes] = [...broken].find(([, { byteLength }]) => byteLength > 4096)!;
  broken.set(
    name,
    new Uint8Array(Float32Array.from({ length: bytes.byteLength / 4 }, () => Number.NaN).buffer),
  );
  await refinement.restore({ ...state, weights: broken });
  await expect(refinement.next()).rejects.toThrow(/Step 1: the loss is not finite.*last checkpoint/);
  expect((await refinement.state()).step).toBe(0);
  const after = await refinement.state();
  for (const [other, before] of broken) expect(Buffer.compare(after.weights.get(other)!, before)).toBe(0);
  await refinement.release();
});

it('computes in float16 near float32, takes a step that overflows again, and goes on bit for bit', async () => {
  const changes = { fidelity: 'corrected', accumulate: 1, drawsPerImage: 1 } as const;
  const wide = await open(changes);
  const narrow = await open({ ...changes, precision: 'float16' });
  const [a, b] = [await wide.next(), await narrow.next()];
  // The products of some thirty layers, each rounded to 2^-11.
  expect(Math.abs(b.loss / a.loss - 1)).toBeLessThan(1e-2);
  expect(Math.abs(b.gradientNorm / a.gradientNorm - 1)).toBeLessThan(3e-2);
  expect(b.loss).not.toBe(a.loss);
  expect(b).toMatchObject({ lossScale: 65536, skipped: 0 });
  await wide.release();

  const saved = await narrow.state();
  // 2^40 times any gradient here is beyond float16.
  const hopeless = { ...saved, lossScale: new Uint8Array(Float64Array.of(2 ** 40, 0, 0).buffer) };
  const expected = await narrow.next();
  const end = await narrow.state();
  await narrow.restore(hopeless);
  const found = await narrow.next();
  expect(found.skipped).toBeGreaterThan(5);
  expect(found.lossScale).toBe(2 ** (40 - found.skipped!));
  expect(Math.abs(found.gradientNorm / expected.gradientNorm - 1)).toBeLessThan(2e-2);
  expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(1e-6);
  await narrow.restore(saved);
  const { ms: _, ...again } = await narrow.next();
  const { ms: __, ...want } = expected;
  expect(again).toEqual(want);
  const { weights } = await narrow.state();
  for (const [name, bytes] of end.weights) expect(Buffer.compare(weights.get(name)!, bytes), name).toBe(0);
  await narrow.release();
});
