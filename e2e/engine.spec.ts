import { expect, type Page, test } from '@playwright/test';
import * as ort from 'onnxruntime-node';
import { presets, type RefineConfig } from '../src/method/config.ts';
import { readModel } from '../src/onnx/decode.ts';
import type { Tensor } from '../src/onnx/model.ts';
import { collect } from '../src/onnx/parts.ts';
import { patchTensors } from '../src/onnx/patch-tensors.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { RandomStream } from '../src/runtime/random.ts';
import type { BenchmarkReport } from '../workers/protocol.ts';
import { base64, demoImages, smallBenchmark } from './demo-files.ts';
import './pages/engine-protocol.ts';

// The engine worker without the page's rooms, on the built-in models.
test.describe.configure({ mode: 'serial' });

/** The smallest run that does everything. */
const config = (changes: Partial<RefineConfig> = {}): RefineConfig => ({
  ...presets.quick,
  batchSize: 1,
  steps: 2,
  checkpointEvery: 0,
  ...changes,
});

let page: Page;
let given: { encoder: string; teacher: string; imageSet: string };
let benchmark: string;

test.beforeAll(async ({ browser, baseURL }) => {
  const pages = new URL(baseURL!);
  pages.port = String(Number(pages.port) + 1);
  page = await browser.newPage();
  await page.goto(new URL('/e2e/pages/engine.html', pages).href);
  await page.waitForFunction(() => window.tools !== undefined);
  const loaded = await page.evaluate(
    async ([images, pairs]) => {
      const { engine, tools } = window;
      const encoder = await engine.loadEncoder({ kind: 'built-in', id: 'acuity-clip' });
      const teacher = await engine.loadTeacher({ kind: 'built-in', id: 'acuity-diffusion' });
      const imageSet = await engine.addImages('scenes', tools.files(images));
      const small = await engine.addBenchmark('pairs', tools.files(pairs));
      return { encoder: encoder.id, teacher: teacher.id, imageSet: imageSet.id, benchmark: small.id };
    },
    [base64(demoImages(4)), base64(smallBenchmark(['Texts', 'Quantity and Count'], 2))] as const,
  );
  const { benchmark: id, ...rest } = loaded;
  benchmark = id;
  given = rest;
});

test.afterAll(() => page.close());

test('files that cannot be used are refused by name, with what to do', async () => {
  const said = await page.evaluate(async () => {
    const { engine, tools } = window;
    const clip = await tools.builtIn('acuity-clip');
    const diffusion = await tools.builtIn('acuity-diffusion');
    const without = (files: typeof clip, tail: string) => files.filter(({ path }) => !path.endsWith(tail));
    const cut = (files: typeof clip, tail: string, bytes: number) =>
      files.map((file) => (file.path.endsWith(tail) ? { ...file, blob: file.blob.slice(0, bytes) } : file));
    const encoder = (files: typeof clip) =>
      tools.problem(engine.loadEncoder({ kind: 'files', name: 'my-clip', files }));
    const teacher = (files: typeof clip) =>
      tools.problem(engine.loadTeacher({ kind: 'files', name: 'my-teacher', files }));
    const text = (path: string) => ({ path, blob: new Blob(['no picture']) });
    return {
      noVision: await encoder(without(clip, 'vision_model.onnx')),
      cutVision: await encoder(cut(clip, 'vision_model.onnx', 1_000_000)),
      cutText: await encoder(cut(clip, 'text_model.onnx', 1_000_000)),
      emptyVision: await encoder(cut(clip, 'vision_model.onnx', 0)),
      cutConfig: await encoder(cut(clip, '/config.json', 100)),
      noFiles: await encoder([]),
      teacherAsEncoder: await encoder(diffusion),
      encoderAsTeacher: await teacher(clip),
      noTokenizer: await teacher(without(diffusion, 'tokenizer.json')),
      noUnet: await teacher(without(diffusion, 'unet/model.onnx')),
      cutUnet: await teacher(cut(diffusion, 'unet/model.onnx', 1_000_000)),
      cutAutoencoder: await teacher(cut(diffusion, 'vae_encoder/model.onnx', 100_000)),
      noQuestions: await tools.problem(engine.addBenchmark('pairs', [text('pairs/1.jpg')])),
      brokenImages: await tools.problem(
        engine.addImages('holiday', [text('a/one.png'), text('a/notes.txt')]),
      ),
    };
  });
  const again = /Download or export it again$/;
  expect(said.noVision).toMatch(/^my-clip holds no onnx\/vision_model\.onnx\. Drop the whole folder/);
  expect(said.cutVision).toMatch(/cut short or damaged .*file acuity-clip\/onnx\/vision_model\.onnx/);
  expect(said.cutVision).toMatch(again);
  expect(said.cutText).toMatch(/cut short or damaged .*file acuity-clip\/onnx\/text_model\.onnx/);
  expect(said.emptyVision).toMatch(/holds no graph .*vision_model\.onnx.* Check that it is an ONNX model$/);
  expect(said.cutConfig).toBe('my-clip: config.json is not a JSON object. Download the file again');
  expect(said.noFiles).toBe('my-clip is empty: drop a folder with a model in it');
  expect(said.teacherAsEncoder).toMatch(/^my-clip is a diffusion model: drop it as the teacher/);
  expect(said.encoderAsTeacher).toMatch(/^my-teacher holds no unet\/model\.onnx \(the denoiser\)\. Drop/);
  expect(said.noTokenizer).toMatch(/^my-teacher holds no tokenizer\/tokenizer\.json\. Copy it from/);
  expect(said.noUnet).toMatch(/^my-teacher holds no unet\/model\.onnx \(the denoiser\)\. Drop/);
  expect(said.cutUnet).toMatch(/cut short or damaged .*file acuity-diffusion\/unet\/model\.onnx/);
  expect(said.cutUnet).toMatch(again);
  expect(said.cutAutoencoder).toMatch(/cut short or damaged .*acuity-diffusion\/vae_encoder\/model\.onnx/);
  expect(said.noQuestions).toMatch(/^No Questions\.csv among the files\. Give the whole benchmark folder/);
  expect(said.brokenImages).toMatch(
    /^None of the 2 files is an image .*a\/notes\.txt: Not an image file \(\.txt\)\)\. Drop a folder or an archive of PNG, JPEG or WebP/,
  );
});

test('what is not on this device any more is named', async () => {
  const said = await page.evaluate(
    async ([request, pairs, settings]) => {
      const { engine, tools } = window;
      const encoder = { kind: 'original', encoder: request.encoder } as const;
      return [
        await tools.problem(tools.resume('unknown')),
        await tools.problem(engine.pauseRun('unknown')),
        await tools.problem(engine.stopRun('unknown')),
        await tools.problem(engine.checkOnWebGpu('unknown', 1)),
        await tools.problem(tools.start({ ...request, imageSet: 'unknown', config: settings })),
        await tools.problem(engine.score({ kind: 'checkpoint', id: 'unknown' }, pairs)),
        await tools.problem(engine.score({ kind: 'original', encoder: 'unknown' }, pairs)),
        await tools.problem(engine.score(encoder, 'unknown')),
        await tools.problem(engine.file(pairs, 'unknown.png')),
      ];
    },
    [given, benchmark, config()] as const,
  );
  expect(said).toEqual([
    'This run is no longer on this device',
    'This run is not in work: resume it first',
    'This run is not in work: resume it first',
    'This run is no longer on this device',
    'This image set is no longer on this device',
    'This checkpoint is no longer on this device',
    expect.stringMatching(/^The encoder .* drop its folder again$/),
    expect.stringMatching(/^This benchmark .* drop its folder again$/),
    'unknown.png is not among the files of this benchmark. Add the folder again',
  ]);
});

test('adding images can be cancelled, and nothing of them stays', async () => {
  const result = await page.evaluate(
    async (images) => {
      const { engine, tools } = window;
      const before = (await engine.listImageSets()).length;
      const some = tools.files(images);
      const many = Array.from({ length: 2000 }, (_, i) => ({ ...some[i % 4]!, path: `many/${i}.png` }));
      let seen = 0;
      let asked: Promise<void> | undefined;
      const adding = engine.addImages('many', many, ({ done }) => {
        seen = done;
        asked ??= engine.cancel('images');
      });
      const problem = await tools.problem(adding);
      await asked;
      // The workers serve the next set as before.
      const next = await engine.addImages('next', some.slice(0, 1));
      return { problem, seen, sets: (await engine.listImageSets()).length - before, next: next.count };
    },
    base64(demoImages(4)),
  );
  expect(result.problem).toBe('Cancelled');
  expect(result.seen).toBeLessThan(2000);
  expect(result.sets).toBe(1);
  expect(result.next).toBe(1);
});

test('a start can be cancelled while it is prepared, and nothing of it stays', async () => {
  const { problem, states, labels, runs, again } = await page.evaluate(
    async ([models, config]) => {
      const { engine, tools } = window;
      const states: string[] = [];
      const labels = new Set<string>();
      const problem = await tools.problem(
        engine.startRun({ ...models, config }, (event) => {
          if (event.type === 'progress') labels.add(event.progress.label);
          if (event.type !== 'state') return;
          states.push(event.state);
          if (event.state === 'preparing') void engine.cancel('prepare');
        }),
      );
      const runs = await engine.listRuns();
      const bytes: number[] = [];
      const id = await engine.startRun({ ...models, config }, (event) => {
        if (event.type !== 'progress' || event.progress.label !== 'bytes') return;
        bytes.push(event.progress.done / event.progress.total);
      });
      await engine.stopRun(id);
      await engine.deleteRun(id);
      return { problem, states, labels: [...labels], runs: runs.length, again: bytes.at(-1) };
    },
    [given, { ...presets.quick, batchSize: 2, steps: 2 }] as const,
  );
  expect(problem).toContain('Cancelled');
  expect(states).toEqual(['preparing', 'stopped']);
  expect(labels).toEqual([]);
  expect(runs).toBe(0);
  expect(again).toBe(1);
});

test('two scores at once are what each is alone, and cancelling ends both', async () => {
  const result = await page.evaluate(
    async ([request, pairs, settings]) => {
      const { engine, tools } = window;
      const run = await tools.start({ ...request, config: settings });
      await tools.untilRest(run);
      const checkpoint = (await engine.listCheckpoints()).find((other) => other.run === run)!;
      const original = { kind: 'original', encoder: request.encoder } as const;
      const refined = { kind: 'checkpoint', id: checkpoint.id } as const;
      const both = await Promise.all([engine.score(original, pairs), engine.score(refined, pairs)]);
      const alone = [await engine.score(original, pairs), await engine.score(refined, pairs)];
      const cancelled = [engine.score(original, pairs), engine.score(refined, pairs)].map(tools.problem);
      await engine.cancel('score');
      return { both, alone, cancelled: await Promise.all(cancelled) };
    },
    [given, benchmark, config({ optimizer: { ...presets.quick.optimizer, learningRate: 1e-3 } })] as const,
  );
  const similarities = (reports: BenchmarkReport[]) =>
    reports.map(({ pairs }) => pairs.map((pair) => pair.similarities));
  expect(similarities(result.both)).toEqual(similarities(result.alone));
  const [original, refined] = similarities(result.both);
  expect(refined).not.toEqual(original);
  expect(original).toHaveLength(4);
  expect(result.cancelled).toEqual(['Cancelled', 'Cancelled']);
});

test('the training graph runs from its file alone, and its gradient is the slope of its loss', async () => {
  const settings = config();
  const file = await page.evaluate(
    async ([{ encoder, teacher }, c]) => {
      const { path, blob } = await window.engine.exportTrainingGraph({ encoder, teacher, config: c });
      return { path, bytes: await window.tools.base64(blob) };
    },
    [given, settings] as const,
  );
  expect(file.path).toBe('training.onnx');
  const source = bytesSource(file.path, new Uint8Array(Buffer.from(file.bytes, 'base64')));
  const model = await readModel(source);
  const values = new RandomStream(7, 'training graph');

  const run = async (weights: ReadonlyMap<string, Float32Array>) => {
    const changed = new Map([...weights].map(([name, data]) => [name, new Uint8Array(data.buffer)]));
    const patched = await patchTensors(source, model, changed);
    // It warns of every weight whose value may be fed.
    const session = await ort.InferenceSession.create(await collect(patched.parts), { logSeverityLevel: 3 });
    const results = await session.run(feeds);
    await session.release();
    return results;
  };
  const feeds: Record<string, ort.Tensor> = {};
  let drawn = 0;
  for (const { name, shape } of model.graph.inputs) {
    if (model.graph.initializers.has(name)) continue;
    const dims = shape!.map(Number);
    const size = dims.reduce((n, d) => n * d, 1);
    const data = values.normal({ step: drawn++ }, size);
    if (name === 'timestep') data.fill(400);
    if (name === 'signal_scale') data.fill(0.8);
    if (name === 'noise_scale') data.fill(0.6);
    if (name === 'loss_scale') data.fill(1);
    if (name === 'selection') {
      data.fill(0);
      const [, rows, tokens] = dims as [number, number, number];
      for (let row = 0; row < rows; row++) data[row * tokens + (row % tokens)] = 1;
    }
    feeds[name] = new ort.Tensor('float32', data, dims);
  }
  expect(Object.keys(feeds)).toHaveLength(9);

  const results = await run(new Map());
  const trained = Object.keys(results).flatMap((output) => /^grad:(.*)$/.exec(output)?.[1] ?? []);
  const gradients = new Map(trained.map((name) => [name, results[`grad:${name}`]!.data as Float32Array]));
  let norm = 0;
  for (const gradient of gradients.values()) for (const x of gradient) norm += x * x;
  norm = Math.sqrt(norm);
  expect(norm).toBeGreaterThan(0);

  const loss = async (distance: number) => {
    const moved = new Map<string, Float32Array>();
    for (const [name, gradient] of gradients) {
      const weight = await elementsOf(model.graph.initializers.get(name)!);
      moved.set(
        name,
        weight.map((w, i) => w + (distance * gradient[i]!) / norm),
      );
    }
    return Number((await run(moved))['loss']!.data[0]);
  };
  const distance = 0.005;
  const slope = ((await loss(distance)) - (await loss(-distance))) / (2 * distance);
  expect(Math.abs(slope / norm - 1)).toBeLessThan(0.01);
});

async function elementsOf({ data }: Tensor): Promise<Float32Array> {
  if (data.kind === 'strings') throw new TypeError('a weight is made of numbers');
  const bytes = data.kind === 'bytes' ? data.bytes : await data.source.read(data.offset, data.length);
  return new Float32Array(bytes.slice().buffer);
}

test('a full disk ends the run with what to do; older checkpoints stay and it goes on from them', async () => {
  const run = await page.evaluate(
    async ([request, c]) => {
      const { engine, tools } = window;
      const id = await tools.start({ ...request, config: c });
      await tools.untilStep(id, 2);
      await engine.pauseRun(id);
      return id;
    },
    [given, config({ steps: 40, checkpointEvery: 2 })] as const,
  );
  const checkpoints = () =>
    page.evaluate(
      async (id) =>
        (await window.engine.listCheckpoints()).filter(({ run: of }) => of === id).map(({ step }) => step),
      run,
    );
  const kept = await checkpoints();
  expect(kept.length).toBeGreaterThan(0);

  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1024 });
  const failed = await page.evaluate(async (id) => {
    await window.tools.resume(id);
    await window.tools.untilRest(id);
    return window.tools.events(id).at(-1);
  }, run);
  expect(failed).toMatchObject({ type: 'state', state: 'failed' });
  expect(failed).toHaveProperty(
    'problem',
    expect.stringMatching(/^No room for the checkpoint of step \d+: it takes \d+(\.\d)? MB.* Delete what/),
  );
  expect(await checkpoints()).toEqual(kept);

  await session.send('Storage.overrideQuotaForOrigin', { origin });
  const resumed = await page.evaluate(async (id) => {
    const { engine, tools } = window;
    await tools.resume(id);
    await tools.untilStep(id, 1);
    const first = tools.events(id).find((event) => event.type === 'step');
    await engine.stopRun(id);
    return { first, state: (await engine.listRuns()).find((other) => other.id === id)?.state };
  }, run);
  expect(resumed.first).toMatchObject({ record: { step: Math.max(...kept) + 1 } });
  expect(resumed.state).toBe('stopped');
});

test('a lost GPU device ends the run with what to do; a new one agrees with WebAssembly', async () => {
  const worker = page.workers().find((other) => other.url().includes('engine.worker'))!;
  // No hook in the app: the worker's own devices are noted down as the browser makes them.
  await worker.evaluate(() => {
    const devices: GPUDevice[] = [];
    Reflect.set(globalThis, 'devices', devices);
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      devices.push(device);
      return device;
    };
  });
  const run = await page.evaluate(
    async ([request, c]) => {
      const { engine, tools } = window;
      const { provider } = await engine.hardware('webgpu');
      if (provider !== 'webgpu') throw new Error('no WebGPU adapter');
      const id = await tools.start({ ...request, config: c });
      // In the middle of its first step.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return id;
    },
    [given, config({ steps: 1000 })] as const,
  );
  await worker.evaluate(() => {
    const devices: GPUDevice[] = Reflect.get(globalThis, 'devices');
    devices.at(-1)!.destroy();
  });
  const lost = await page.evaluate(async (id) => {
    await window.tools.untilRest(id);
    return window.tools.events(id).at(-1);
  }, run);
  expect(lost).toMatchObject({ type: 'state', state: 'failed' });
  expect(lost).toHaveProperty(
    'problem',
    expect.stringMatching(/GPU device was lost .* continue from the last checkpoint/),
  );

  const check = await page.evaluate((id) => window.engine.checkOnWebGpu(id, 1), run);
  expect(check.gradientRelativeError).toBeGreaterThan(0);
  expect(check.gradientRelativeError).toBeLessThanOrEqual(1e-3);
  expect(Math.abs(check.loss[0]! / check.wasmLoss[0]! - 1)).toBeLessThan(1e-3);
  expect(check.dispatches).toBeGreaterThan(500);

  // Without a checkpoint it begins again, here on the processor.
  const resumed = await page.evaluate(async (id) => {
    const { engine, tools } = window;
    await engine.hardware('auto');
    await tools.resume(id);
    await tools.untilStep(id, 1);
    await engine.stopRun(id);
    const { provider, steps } = (await engine.listRuns()).find((other) => other.id === id)!;
    return { provider, loss: steps[0]?.loss };
  }, run);
  expect(resumed).toEqual({ provider: 'wasm', loss: check.wasmLoss[0] });
});

test('projection first, then low-rank factors: both optimisers on the GPU agree with WebAssembly', async () => {
  const check = await page.evaluate(
    async ([request, c]) => {
      const { engine, tools } = window;
      await engine.hardware('wasm');
      const id = await tools.start({ ...request, config: c });
      await engine.stopRun(id);
      return engine.checkOnWebGpu(id, 2);
    },
    [
      given,
      config({
        steps: 4,
        average: 0.9,
        projectorWarmup: 1,
        projectorLearningRate: 1e-2,
        trainable: { kind: 'lora', rank: 4, alpha: 8 },
        // AdamW's first steps turn the sign of a rounding error into a whole step.
        optimizer: { ...presets.diva.optimizer, learningRate: 0.1, schedule: 'constant', warmup: 0 },
      }),
    ] as const,
  );
  expect(check.loss).toHaveLength(2);
  expect(check.gradientRelativeError).toBeLessThanOrEqual(1e-3);
  for (const [step, loss] of check.loss.entries())
    expect(Math.abs(loss / check.wasmLoss[step]! - 1), `step ${step + 1}`).toBeLessThan(1e-3);
});

test('runs go on with the number of threads that they were made with', async () => {
  const measured = await page.evaluate(async () => (await window.engine.hardware()).wasmThreads);
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  // As if this device had been measured otherwise on an earlier visit.
  const other = measured === 1 ? Math.min(2, cores) : 1;
  await page.evaluate(
    (threads) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open('acuity-state');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const change = opening.result.transaction('state', 'readwrite');
          change.objectStore('state').put(threads, 'threads');
          change.onerror = () => reject(change.error);
          change.oncomplete = () => {
            opening.result.close();
            resolve();
          };
        };
      }),
    other,
  );
  await page.reload();
  await page.waitForFunction(() => window.tools !== undefined);
  const again = await page.evaluate(async () => {
    const { engine } = window;
    const { wasmThreads } = await engine.hardware();
    const runs = await engine.listRuns();
    for (const { id } of runs) await engine.deleteRun(id);
    return {
      wasmThreads,
      runs: runs.length,
      left: await engine.listRuns(),
      kept: await engine.listCheckpoints(),
    };
  });
  expect(again).toMatchObject({ wasmThreads: other, left: [], kept: [] });
  expect(again.runs).toBeGreaterThan(0);
});
