/**
 * Compares the planned peak of a run with what Chromium's GPU process really takes, on the software adapter, where a
 * buffer is memory of that process. Shaders, the browser and the allocator take a share that hardly depends on the
 * size of the models: the wider the encoder, the less it counts.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { demoImages, modelBytes } from '../e2e/demo-files.ts';
import '../e2e/pages/engine-protocol.ts';
import { presets } from '../src/method/config.ts';
import { readModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import type { Tensor } from '../src/onnx/model.ts';
import { streamParts } from '../src/onnx/parts.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import type { BenchBrowser } from './browser.ts';
import { rounded } from './peers/report.ts';
import { MemoryWatch } from './process-memory.ts';
import { markdownTable } from './table.ts';

export interface PlanRow {
  name: string;
  backend: 'webgpu';
  adapter: string;
  dtype: 'float32';
  /** MB (10^6 bytes) of the encoder's weights. */
  weights_mb: number;
  planned_mb: number;
  /** Of the GPU process above the idle page, at the peak. */
  used_mb: number;
  /** Planned divided by used. */
  ratio: number;
  /** Planned MB by part. */
  parts: Record<string, number>;
}

/** MLP units of each of the four blocks: the built-in encoder's, and for 0.35 GB of weights. */
const widths = { 'built-in': 384, wide: 86_016 } as const;
/** Asked of the wide encoder. */
const tolerance = 0.15;

export async function planRows(open: BenchBrowser, say: (line: string) => void): Promise<PlanRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'acuity-plan-'));
  const rows: PlanRow[] = [];
  try {
    for (const [name, units] of Object.entries(widths)) {
      const file = join(folder, 'vision_model.onnx');
      const weights = await writeEncoder(file, units);
      rows.push(await measured(open, `plan-against-use, ${name}`, file, weights));
      say(JSON.stringify(rows.at(-1)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

export const planProblems = (rows: readonly PlanRow[]): string[] =>
  rows
    .filter(({ name, ratio }) => name.endsWith('wide') && Math.abs(ratio - 1) > tolerance)
    .map(({ name, ratio }) => `${name}: ${ratio} times what the GPU process took was planned`);

export const planTable = (rows: readonly PlanRow[]): string =>
  markdownTable(
    ['encoder', 'weights MB', 'planned MB', 'GPU process MB', 'planned / used'],
    rows.map((row) => [
      row.name.replace('plan-against-use, ', ''),
      row.weights_mb,
      row.planned_mb,
      row.used_mb,
      row.ratio,
    ]),
  );

/** The built-in vision tower with MLPs of another width, filled with small numbers. Returns the bytes of its weights. */
async function writeEncoder(path: string, units: number): Promise<number> {
  const model = await readModel(bytesSource('vision', modelBytes('acuity-clip/onnx/vision_model.onnx')));
  let bytes = 0;
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of model.graph.initializers) {
    const shape = tensor.shape.map((size) => (size === widths['built-in'] ? units : size));
    const count = shape.reduce((n, size) => n * size, 1);
    if (tensor.dtype === 'float32') bytes += 4 * count;
    const widened = units !== widths['built-in'] && shape.includes(units);
    initializers.set(
      name,
      widened ? { ...tensor, shape, data: { kind: 'bytes', bytes: small(count) } } : tensor,
    );
  }
  const { parts } = encodeModel({ ...model, graph: { ...model.graph, initializers } });
  await pipeline(Readable.from(streamParts(parts)), createWriteStream(path));
  return bytes;
}

function small(count: number): Uint8Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = 0.004 * Math.sin(i * 12.9898);
  return new Uint8Array(values.buffer);
}

/** One step on the GPU, in a browser of its own. */
function measured(open: BenchBrowser, name: string, file: string, weights: number): Promise<PlanRow> {
  const config = {
    ...presets.quick,
    batchSize: 1,
    steps: 1,
    checkpointEvery: 0,
    optimizer: { ...presets.diva.optimizer, learningRate: 1e-6 },
  };
  const images = [...demoImages(4)].map(
    ([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const,
  );
  return open('e2e/pages/engine.html', async (page) => {
    await page.waitForFunction(() => window.tools !== undefined);
    await page.evaluate(() => {
      const input = document.createElement('input');
      input.type = 'file';
      document.body.append(input);
    });
    await page.locator('input').setInputFiles(file);
    const watch = new MemoryWatch();
    const { request, plan, adapter } = await page.evaluate(
      async ([files, settings]) => {
        const { engine, tools } = window;
        const hardware = await engine.hardware('webgpu');
        const vision = document.querySelector('input')!.files![0]!;
        const parts = (await tools.builtIn('acuity-clip')).map(({ path, blob }) =>
          path.endsWith('vision_model.onnx') ? { path, blob: vision } : { path, blob },
        );
        const { id: encoder } = await engine.loadEncoder({ kind: 'files', name: 'encoder', files: parts });
        const { id: teacher } = await engine.loadTeacher({ kind: 'built-in', id: 'acuity-diffusion' });
        const { id: imageSet } = await engine.addImages('scenes', tools.files(files));
        return {
          request: { encoder, teacher, imageSet, config: settings },
          plan: await engine.planRun({ encoder, teacher, config: settings, total: null }),
          adapter: hardware.adapter?.description ?? 'none',
        };
      },
      [images, config] as const,
    );
    const last = await page.evaluate(async (given) => {
      const { tools } = window;
      const run = await tools.start(given);
      await tools.untilRest(run);
      return tools.events(run).findLast((event) => event.type === 'state')!;
    }, request);
    const used = watch.stop()['gpu-process'].above;
    if (last.type === 'state' && last.state !== 'finished')
      throw new Error(`${name}: the run ended ${last.state}, ${last.problem ?? ''}`);
    const megabytes = (bytes: number) => Math.round(bytes / 1e6);
    return {
      name,
      backend: 'webgpu',
      adapter,
      dtype: 'float32',
      weights_mb: megabytes(weights),
      planned_mb: megabytes(plan.peak),
      used_mb: megabytes(used),
      ratio: rounded(plan.peak / used),
      parts: Object.fromEntries(plan.parts.map((part) => [part.name, megabytes(part.bytes)])),
    };
  });
}
