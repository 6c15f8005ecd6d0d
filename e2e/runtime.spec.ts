import { expect, test } from '@playwright/test';
import { philoxVectors } from '../src/runtime/fixtures/philox-vectors.ts';
import { randomDigest } from '../src/runtime/fixtures/random-digest.ts';
import { normalUlps } from '../src/runtime/random-wgsl.ts';

/** The test pages are served one port above the app (playwright.config.ts). */
test.beforeEach(async ({ page, baseURL }) => {
  const server = new URL(baseURL!);
  server.port = String(Number(server.port) + 1);
  await page.goto(new URL('/e2e/pages/runtime.html', server).href);
  await page.waitForFunction(() => window.runtime !== undefined);
  await page.evaluate(() => window.runtime.start());
});

test('one hundred runs asked for at once all complete', async ({ page }) => {
  const result = await page.evaluate(() => window.runtime.hundredAtOnce());
  console.log('one hundred at once on two providers:', `${result.milliseconds.toFixed(0)} ms`);
  expect(result.runs).toBe(100);
  expect(result.distinct).toBe(100);
  expect(result.error).toBeLessThan(1e-5);
});

test('the GPU optimisers follow PyTorch', async ({ page }) => {
  for (const { name, weights, norm, drift } of await page.evaluate(() => window.runtime.optimizers())) {
    console.log(
      `${name}: weights ${weights.toExponential(1)}, norm ${norm.toExponential(1)}, drift ${drift.toExponential(1)}`,
    );
    expect.soft(weights, `${name}: weights`).toBeLessThan(1e-6);
    expect.soft(norm, `${name}: gradient norm`).toBeLessThan(1e-6);
    expect.soft(drift, `${name}: drift`).toBeLessThan(1e-5);
  }
});

test('the GPU optimisers follow PyTorch with the fewest bindings that WebGPU guarantees', async ({
  page,
}) => {
  const limits = {
    maxStorageBuffersPerShaderStage: 8,
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
  };
  for (const { name, weights } of await page.evaluate((given) => window.runtime.optimizers(given), limits)) {
    expect.soft(weights, name).toBeLessThan(1e-6);
  }
});

for (const kind of ['sgd', 'adamw'] as const) {
  test(`the ${kind} update is the same on the GPU and the CPU for tensors of every size`, async ({
    page,
  }) => {
    const result = await page.evaluate((which) => window.runtime.largeUpdate(which), kind);
    console.log(`${kind}:`, JSON.stringify(result));
    expect(result.error).toBeLessThan(2e-6);
    expect(result.norm).toBeLessThan(1e-6);
    expect(result.drift).toBeLessThan(1e-5);
    expect(result.same).toBe(true);
    expect(result.state).toBe(kind === 'sgd' ? 11 : 22);
    expect(result.dispatches).toBeLessThan(16);
  });
}

test('gradients that are zero or not finite are reported and change nothing', async ({ page }) => {
  const [nan, infinite, zero] = await page.evaluate(() => window.runtime.badGradients());
  for (const report of [nan, infinite]) {
    expect(report).toMatchObject({
      finite: false,
      allZero: false,
      nonFinite: ['b'],
      zero: [],
      steps: 0,
      weights: [1, 2],
    });
  }
  expect(zero).toMatchObject({ finite: true, allZero: true, gradientNorm: 0, zero: ['a', 'b'] });
});

test('a graph and the optimiser train together as on WebAssembly', async ({ page }) => {
  const { gpu, cpu, weightError } = await page.evaluate(() => window.runtime.training());
  expect(gpu).toHaveLength(40);
  for (const [step, loss] of gpu.entries()) expect(Math.abs(loss / cpu[step]! - 1)).toBeLessThan(1e-5);
  expect(gpu.at(-1)!).toBeLessThan(gpu[0]!);
  expect(weightError).toBeLessThan(1e-5);
});

test('a lost device ends in a clear error and a new one works', async ({ page }) => {
  const result = await page.evaluate(() => window.runtime.deviceLoss());
  const [first, second] = result.generations;
  expect(result.loss.reason).toBe('destroyed');
  for (const problem of result.problems) {
    expect(problem).toMatchObject({ name: 'DeviceLostError', generation: first });
    expect(problem!.message).toContain('continue from the last checkpoint');
  }
  expect(result.release).toBeNull();
  expect(second).toBe(first! + 1);
  expect(result.error).toBe(0);
});

test('weights stream into GPU buffers', async ({ page }) => {
  const result = await page.evaluate(() => window.runtime.weights());
  expect(result.wrong).toBe(0);
  expect(result.progress).toEqual([8 * 2 ** 20, 4 * 2 ** 20 + 6]);
  expect(result.kept).toBe(true);
  expect(result.left).toBe(0);
});

test('bool, int32 and int64 tensors and outputs of unknown size live in GPU buffers', async ({ page }) => {
  const result = await page.evaluate(() => window.runtime.elementTypes());
  expect(result.y).toEqual([-6, 0, 1]);
  expect(result.less).toEqual([0, 1, 0, 1, 0, 1]);
  expect(result.sum).toEqual([2, -4, 6, 8, 10, 2 ** 31 - 2]);
  expect(result.first).toEqual({ shape: [3, 4], error: 0 });
  expect(result.second).toEqual({ shape: [6, 2], error: 0 });
  expect(result.failed).toContain('Session "reshape" failed');
  expect(result.afterwards).toContain('make it again');
});

test('refusals say what does not fit', async ({ page }) => {
  const said = await page.evaluate(() => window.runtime.refusals());
  expect(said.limits).toBe(2 ** 27);
  expect(said.tooLarge).toContain('more than the 134217728 that this GPU binds at once');
  expect(said.noDevice).toContain('needs a device');
  expect(said.fallback).toContain(
    'Session "rounding" cannot be made on the webgpu provider: some of its operators',
  );
  expect(said.shape).toBe('Session "dense": output "y" is float32[4, 16], got float32[4, 8]');
  expect(said.gpuOnWasm).toContain('input "x" is in GPU memory, which the wasm provider cannot read');
  expect(said.impossibleLimit).toContain('The GPU device cannot be opened');
});

test('a GPU without memory left ends in a clear error, never in numbers', async ({ page }) => {
  const result = await page.evaluate(() => window.runtime.outOfMemory());
  console.log('memory:', result.held, JSON.stringify(result.full));
  for (const problem of [result.read, result.write, result.run, result.start, result.output]) {
    expect(problem).toMatchObject({ name: 'OutOfMemoryError' });
    expect(problem!.message).toContain('Take a smaller batch');
  }
  if (result.software) expect(result.full).toMatchObject({ name: 'OutOfMemoryError' });
  expect(result.shape).toEqual([4, 16]);
});

test('a command that the GPU refuses and float16 where there is none are told', async ({ page }) => {
  const said = await page.evaluate(() => window.runtime.refusedCommands());
  expect(said.refused).toContain('results cannot be trusted');
  expect(said.half).toContain(
    'Session "half" computes in float16 (first in "x"), which this GPU does not offer',
  );
});

test('with the least limits that WebGPU promises sessions compute right, or say what does not fit', async ({
  page,
}) => {
  const { many, large } = await page.evaluate(() => window.runtime.leastLimits());
  expect(many.said).toBeNull();
  expect(many.values).toEqual(Array.from({ length: 12 }, (_, k) => [k, -k]).flat());
  expect(large).toMatch(
    /^Session "large" computes "MatMul_\d+" \(float32\[6400, 6400\]\), which takes 163\.8 MB at once, and this GPU binds 134\.2 MB: /,
  );
});

test('the adapter is recognised and the provider chosen', async ({ page }) => {
  const { adapter, choice, forced } = await page.evaluate(() => window.runtime.hardware());
  expect(adapter).not.toBeNull();
  console.log(`${adapter!.description}: ${choice.reason}`);
  expect(choice.provider).toBe(adapter!.software ? 'wasm' : 'webgpu');
  expect(forced.provider).toBe('webgpu');
});

test('random numbers have the same bytes as under Node', async ({ page }) => {
  expect(await page.evaluate(() => window.runtime.randomDigest())).toBe(randomDigest);
});

test('the GPU draws the published words and the numbers of the stream', async ({ page }) => {
  const limits = { maxStorageBuffersPerShaderStage: 8, maxStorageBufferBindingSize: 2 ** 27 };
  const blocks = philoxVectors.map(([counter, key]) => [counter, key] as const);
  for (const given of [undefined, limits]) {
    const result = await page.evaluate(([b, l]) => window.runtime.gpuRandom(b, l), [blocks, given] as const);
    console.log('normal numbers:', result.ulps, 'ulp');
    expect(result.words).toEqual(philoxVectors.map(([, , words]) => words));
    expect(result.ulps).toBeLessThanOrEqual(normalUlps);
    expect(result.before).toEqual([0, 0, 0, 0, 0]);
    expect(result.wrong).toBe(0);
    expect(result.tooLong).toContain('do not fit a buffer');
  }
});

test('the number of threads is measured and remembered', async ({ page }) => {
  const result = await page.evaluate(() => window.runtime.threads());
  console.log('threads:', JSON.stringify(result));
  expect(result.isolated).toBe(true);
  expect(result.remembered).toBe(true);
  if (result.cores === 1) expect(result.milliseconds).toEqual([]);
  else expect(result.milliseconds.map(([count]) => count)).toContain(result.threads);
  expect(result.milliseconds.every(([, time]) => time > 0 && Number.isFinite(time))).toBe(true);
});
