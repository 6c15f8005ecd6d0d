import { expect, type Page, test } from '@playwright/test';
import { halved } from '../src/autodiff/testing/half-model.ts';
import { presets, type RefineConfig } from '../src/method/config.ts';
import { asModel } from '../src/onnx/as-model.ts';
import { readModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { collect } from '../src/onnx/parts.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { specialise } from '../src/onnx/specialise.ts';
import type { RunSummary, StepRecord } from '../workers/protocol.ts';
import { base64, demoImages, modelBytes } from './demo-files.ts';
import { leastLimits, troubleGpu } from './gpu-faults.ts';
import './pages/engine-protocol.ts';

// Whole refinements on a GPU that fails or offers little: a clear message or the right numbers, never wrong ones.
test.describe.configure({ mode: 'serial' });

const config: RefineConfig = {
  ...presets.quick,
  batchSize: 1,
  steps: 2,
  checkpointEvery: 1,
  // Plain gradient steps: AdamW's first ones turn the sign of a rounding error into a whole step.
  optimizer: { ...presets.diva.optimizer, learningRate: 0.1, schedule: 'constant', warmup: 0 },
};

const images = base64(demoImages(4));

/** Losses of the same run on WebAssembly: what every other one is held against. */
let expected: number[];

async function openEngine(page: Page, baseURL: string): Promise<void> {
  const pages = new URL(baseURL);
  pages.port = String(Number(pages.port) + 1);
  await page.goto(new URL('/e2e/pages/engine.html', pages).href);
  await page.waitForFunction(() => window.tools !== undefined);
}

/** Starts the run on a provider, and tells its name. */
function start(
  page: Page,
  provider: 'webgpu' | 'wasm',
  changes: Partial<RefineConfig> = {},
  other?: string,
): Promise<string> {
  return page.evaluate(
    async ([files, settings, where, given]) => {
      const { engine, tools } = window;
      const hardware = await engine.hardware(where);
      if (hardware.provider !== where) throw new Error(hardware.reason);
      const { id: encoder } = await engine.loadEncoder({ kind: 'built-in', id: 'acuity-clip' });
      const teacher = given ?? (await engine.loadTeacher({ kind: 'built-in', id: 'acuity-diffusion' })).id;
      const { id: imageSet } = await engine.addImages('scenes', tools.files(files));
      return tools.start({ encoder, teacher, imageSet, config: settings });
    },
    [images, { ...config, ...changes }, provider, other] as const,
  );
}

const resume = (page: Page, run: string) => page.evaluate((id) => window.tools.resume(id), run);

/** Waits for the run's rest. */
function outcome(page: Page, run: string): Promise<RunSummary> {
  return page.evaluate(async (id) => {
    const { engine, tools } = window;
    const find = async () => (await engine.listRuns()).find((other) => other.id === id)!;
    // A run that could not even begin has no events.
    if ((await find()).state !== 'failed') await tools.untilRest(id);
    return find();
  }, run);
}

const newest = (page: Page): Promise<string> =>
  page.evaluate(async () => (await window.engine.listRuns())[0]!.id);

/** All steps are there, and as on WebAssembly. */
function expectRight(steps: readonly StepRecord[]): void {
  expect(steps.map(({ step }) => step)).toEqual([1, 2]);
  for (const [i, { loss }] of steps.entries())
    expect(Math.abs(loss / expected[i]! - 1), `step ${i + 1}`).toBeLessThan(1e-3);
}

test.beforeEach(({ page, baseURL }) => openEngine(page, baseURL!));

test('WebAssembly makes the run that the GPU is held against', async ({ page }) => {
  const { state, steps } = await outcome(page, await start(page, 'wasm'));
  expect(state).toBe('finished');
  expected = steps.map(({ loss }) => loss);
  expect(expected).toHaveLength(2);
  // The weights move far enough that a step without an update would be seen.
  expect(new Set(expected).size).toBe(2);
});

test('on the least GPU that WebGPU promises, without float16, a run computes the same', async ({ page }) => {
  const worker = await troubleGpu(page, leastLimits);
  const { state, steps } = await outcome(page, await start(page, 'webgpu'));
  expect(state).toBe('finished');
  const { limits, half, storageBuffers } = await worker.evaluate(() => ({
    ...globalThis.trouble,
    half: globalThis.trouble.devices.at(-1)!.features.has('shader-f16'),
    devices: [],
  }));
  const { maxStorageBuffersPerShaderStage: most, ...enforced } = leastLimits;
  expect(limits).toMatchObject(enforced);
  expect(storageBuffers).toBeGreaterThan(4);
  expect(storageBuffers).toBeLessThanOrEqual(most);
  expect(half).toBe(false);
  expectRight(steps);
});

test('what such a GPU cannot bind is refused before anything is computed, by the plan and by the run', async ({
  page,
}) => {
  await troubleGpu(page, leastLimits);
  const settings = { batchSize: 256 };
  const run = await start(page, 'webgpu', settings).catch(() => newest(page));
  const summary = await page.evaluate(
    async (id) => (await window.engine.listRuns()).find((other) => other.id === id)!,
    run,
  );
  expect(summary.steps).toEqual([]);
  expect(summary.problem).toMatch(
    /^Session "training" computes "\S+" \(.*\), which takes \d+\.\d MB at once, and this GPU binds 134\.2 MB: take a smaller batch/,
  );
  const { obstacles } = await page.evaluate(
    (given) => window.engine.planRun({ ...given, total: null }),
    summary,
  );
  expect(obstacles).toContainEqual(
    expect.stringMatching(/takes \d+\.\d MB, and this GPU binds 134\.2 MB at once$/),
  );
});

/** The built-in teacher's denoiser in float16, at batch 1. */
async function halfDenoiser(): Promise<string> {
  const model = await readModel(bytesSource('unet', modelBytes('acuity-diffusion/unet/model.onnx')));
  const sizes = new Map([
    [4, [1, 4, 16, 16]],
    [3, [1, 77, 128]],
    [1, [1]],
  ]);
  const shapes = Object.fromEntries(
    model.graph.inputs.map(({ name, shape }) => [name, sizes.get(shape!.length)!]),
  );
  const half = halved(await specialise(model, { shapes }));
  return Buffer.from(await collect(encodeModel(asModel(half)).parts)).toString('base64');
}

test('float16 on a GPU that has none is refused with what to do, and runs on the processor', async ({
  page,
}) => {
  await troubleGpu(page, leastLimits);
  const teacher = await page.evaluate(
    async (unet) => {
      const { engine, tools } = window;
      const files = (await tools.builtIn('acuity-diffusion')).filter(
        ({ path }) => !path.endsWith('unet/model.onnx'),
      );
      const half = tools.files([['acuity-diffusion/unet/model.onnx', unet]]);
      const loaded = await engine.loadTeacher({ kind: 'files', name: 'half', files: [...files, ...half] });
      return loaded.id;
    },
    await halfDenoiser(),
  );
  const run = await start(page, 'webgpu', {}, teacher).catch(() => newest(page));
  const refused = await outcome(page, run);
  expect(refused.state).toBe('failed');
  expect(refused.problem).toMatch(
    /^Session "training" computes in float16 \(first in "\S+"\), which this GPU does not offer \(shader-f16\): let the run compute in float32, choose the float32 files of the model, or WebAssembly$/,
  );
  expect(refused.steps).toEqual([]);

  await page.evaluate(() => window.engine.hardware('wasm'));
  await resume(page, run);
  const again = await outcome(page, run);
  expect(again.state).toBe('finished');
  // float16 has eleven bits.
  for (const [i, { loss }] of again.steps.entries())
    expect(Math.abs(loss / expected[i]! - 1), `step ${i + 1}`).toBeLessThan(2e-2);
});

test('a device lost in the middle of a step: what to do is said, and the run goes on from its checkpoint', async ({
  page,
}) => {
  const worker = await troubleGpu(page);
  const run = await start(page, 'webgpu');
  await page.evaluate((id) => window.tools.untilStep(id, 1), run);
  await worker.evaluate(() => {
    globalThis.trouble.submitsUntilLost = 3;
  });
  const lost = await outcome(page, run);
  expect(lost.state).toBe('failed');
  expect(lost.problem).toMatch(/GPU device was lost .*continue from the last checkpoint/);
  const done = lost.steps.length;
  expect(done).toBeLessThan(2);

  await resume(page, run);
  const again = await outcome(page, run);
  expect(again.state).toBe('finished');
  expectRight(again.steps);
  expect(await worker.evaluate(() => globalThis.trouble.devices.length)).toBe(2);
});

for (const { when, loading, buffers, what } of [
  {
    when: 'while its weights are loaded',
    loading: true,
    buffers: 30,
    what: 'Weight "\\S+" cannot be loaded',
  },
  {
    when: 'in the middle of a step',
    loading: false,
    buffers: 60,
    // Whichever comes to the full memory first: a session's kernels, what is fed to one, or a read of what it left.
    what: '(?:Session "\\S+" was interrupted|float32\\[.+\\] cannot be written|The loss cannot be read)',
  },
]) {
  test(`a GPU that is full ${when}: what to do is said, and the run goes on elsewhere`, async ({ page }) => {
    const worker = await troubleGpu(page);
    const software = await worker.evaluate(async () =>
      /swiftshader/i.test((await navigator.gpu.requestAdapter())?.info.architecture ?? ''),
    );
    test.skip(!software, 'a computer with a GPU should not be filled up for a test');
    const fill = () =>
      worker.evaluate((count) => {
        globalThis.trouble.buffersUntilFull = count;
      }, buffers);
    if (loading) await fill();
    const run = await start(page, 'webgpu').catch(() => newest(page));
    if (!loading) await fill();
    const full = await outcome(page, run);
    expect(full.state).toBe('failed');
    expect(full.problem).toMatch(
      new RegExp(`^${what}: the GPU's memory is full .*Take a smaller batch.* from the last checkpoint$`),
    );
    expect(full.steps).toEqual([]);

    // The processor takes over, with nothing that came out of the full GPU.
    await page.evaluate(() => window.engine.hardware('wasm'));
    await resume(page, run);
    const again = await outcome(page, run);
    expect(again.state).toBe('finished');
    expect(again.steps.map(({ loss }) => loss)).toEqual(expected);
  });
}
