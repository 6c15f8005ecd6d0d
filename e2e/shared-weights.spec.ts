import { expect, test } from '@playwright/test';
import { presets, type RefineConfig } from '../src/method/config.ts';
import { base64, demoImages, smallBenchmark } from './demo-files.ts';
import { troubleGpu } from './gpu-faults.ts';
import './pages/engine-protocol.ts';

const config: RefineConfig = {
  ...presets.quick,
  batchSize: 2,
  steps: 1,
  checkpointEvery: 0,
  optimizer: { ...presets.diva.optimizer, learningRate: 0.1, schedule: 'constant', warmup: 0 },
};

test('anchor and followed pair read the weights that train: no second copy on the GPU, the same numbers', async ({
  page,
  baseURL,
}) => {
  const pages = new URL(baseURL!);
  pages.port = String(Number(pages.port) + 1);
  await page.goto(new URL('/e2e/pages/engine.html', pages).href);
  await page.waitForFunction(() => window.tools !== undefined);
  const worker = await troubleGpu(page);
  const { benchmark, encoderBytes, ...given } = await page.evaluate(
    async ([images, pairs]) => {
      const { engine, tools } = window;
      const encoder = await engine.loadEncoder({ kind: 'built-in', id: 'acuity-clip' });
      const teacher = await engine.loadTeacher({ kind: 'built-in', id: 'acuity-diffusion' });
      const imageSet = await engine.addImages('scenes', tools.files(images));
      const { id } = await engine.addBenchmark('pairs', tools.files(pairs));
      return {
        encoder: encoder.id,
        teacher: teacher.id,
        imageSet: imageSet.id,
        benchmark: id,
        encoderBytes: 4 * encoder.parameters,
      };
    },
    [base64(demoImages(4)), base64(smallBenchmark(['Texts'], 1))] as const,
  );
  const watch = { benchmark, pair: 0 };
  const held = () => worker.evaluate(() => globalThis.trouble.heldBytes);
  /** Starts a run; tells its name and the bytes on the GPU once it is prepared. */
  const start = async (provider: 'webgpu' | 'wasm', request: object) => {
    const before = await held();
    const id = await page.evaluate(
      async ([where, parts]) => {
        await window.engine.hardware(where);
        return window.tools.start(parts);
      },
      [provider, { ...given, ...request } as typeof given & { config: RefineConfig }] as const,
    );
    return { id, bytes: (await held()) - before };
  };
  const outcome = async (id: string) => {
    const summary = await page.evaluate(async (name) => {
      await window.tools.untilRest(name);
      return (await window.engine.listRuns()).find((other) => other.id === name)!;
    }, id);
    expect(summary.state).toBe('finished');
    return summary;
  };
  const anchored = { config: { ...config, anchor: 0.1 }, watch };
  const wasm = await outcome((await start('wasm', anchored)).id);
  const both = await start('webgpu', anchored);
  const gpu = await outcome(both.id);
  const plain = await start('webgpu', { config });
  console.log('on the GPU:', plain.bytes, 'and', both.bytes, 'bytes; the encoder takes', encoderBytes);
  expect(plain.bytes).toBeGreaterThan(encoderBytes);
  // Inputs and results of the first embedding may be there already: far less than the two copies of before.
  expect(both.bytes - plain.bytes).toBeLessThan(encoderBytes / 2);

  const [expected, got] = [wasm, gpu].map(({ watched }) => watched!.points);
  expect(got!.map(({ step }) => step)).toEqual([0, 1]);
  const flat = (points: typeof expected) => points!.flatMap(({ similarities }) => similarities.flat());
  for (const [i, value] of flat(got).entries())
    expect(Math.abs(value - flat(expected)[i]!)).toBeLessThan(1e-4);
  expect(got![1]!.similarities).not.toEqual(got![0]!.similarities);
  expect(gpu.steps[0]!.anchor).toBeLessThan(1e-6);
  expect(Math.abs(gpu.steps[0]!.loss / wasm.steps[0]!.loss - 1)).toBeLessThan(1e-3);
});
