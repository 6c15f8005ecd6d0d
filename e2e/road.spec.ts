import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import * as ort from 'onnxruntime-node';
import { runCommand } from '../cli/testing/run-command.ts';
import { preprocess, readPreprocessing } from '../src/data/preprocess.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import { presets } from '../src/method/config.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { mmvpPrompt } from '../src/text/prompts.ts';
import { createTokenizer } from '../src/text/tokenizer.ts';
import type { BenchmarkReport, Comparison } from '../workers/protocol.ts';
import { demoImages, type Files, modelBytes, modelText, smallBenchmark, writeFiles } from './demo-files.ts';
import './pages/images-protocol.ts';
import { test } from './watched.ts';

// The built app over its own engine, as a person uses it.

/** Makes a step long enough that a run of few can be paused in its middle. */
const settings = {
  Steps: '6',
  'Images a pass': '1',
  'Passes a step': '4',
  'Checkpoint every': '2',
  'Learning rate': '0.001',
};

test('a folder of images is dropped, the encoder refined, compared and downloaded', async ({
  acuity,
  page,
  baseURL,
}, info) => {
  const images = new Map([
    ...demoImages(6),
    ['broken.png', new TextEncoder().encode('no picture')] as const,
    ['notes.txt', new TextEncoder().encode('remember the milk')] as const,
  ]);
  const benchmark = smallBenchmark(['Texts', 'Color and Appearance'], 3);
  await acuity.open('/');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await acuity.chooseBuiltIn('encoder');
  await acuity.chooseBuiltIn('teacher');
  await acuity.goTo('Images');
  await acuity.dropFolder('Images', writeFiles(info.outputPath('scenes'), images));
  await acuity.waitForWork();
  await expect(page.getByText(/^6 images ·/)).toBeVisible();
  await page.getByText('Names and reasons').click();
  const skipped = page.getByRole('listitem');
  await expect(skipped.filter({ hasText: 'scenes/broken.png' })).toContainText('Not an image; PNG, JPEG');
  await expect(skipped.filter({ hasText: 'scenes/notes.txt' })).toContainText('Not an image file (.txt)');
  await acuity.dropFolder('Benchmark', writeFiles(info.outputPath('pairs'), benchmark));
  await acuity.waitForWork();

  await acuity.start({ preset: 'Quick', settings });
  await acuity.waitForStep(1);
  await acuity.pause();
  await acuity.waitForState('Paused');
  const paused = await acuity.shownRun();
  expect(paused.step).toBeLessThan(6);
  await acuity.resume();
  await acuity.waitForFinish();
  expect(await acuity.shownRun()).toEqual({ step: 6, steps: 6, state: 'Finished' });
  const log = JSON.parse(readFileSync(await acuity.saveLog(info.outputPath('log.json')), 'utf8'));
  expect(log.steps.map(({ step }: { step: number }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(log.images).toEqual({
    name: expect.any(String),
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    mode: 'photo',
  });
  for (const { loss } of log.steps) expect(loss).toBeGreaterThan(0);
  expect(log.steps.at(-1).drift).toBeGreaterThan(0);

  const shown = await acuity.compareWithOriginal();
  expect(shown.patterns.map(({ name }) => name)).toEqual(['Texts', 'Color and Appearance']);
  const saved = await acuity.saveReport(info.outputPath('comparison.json'));
  const { data, ...comparison }: Comparison & { data: object } = JSON.parse(readFileSync(saved, 'utf8'));
  expect(data).toMatchObject({ hash: comparison.before.benchmark, mode: 'reference' });
  expect(shown.before).toBeCloseTo(comparison.before.total, 1);
  expect(shown.after).toBeCloseTo(comparison.after.total, 1);
  const pair = await acuity.openPair(2);
  for (const letter of ['A', 'B']) {
    const picture = pair.getByRole('img', { name: new RegExp(`^Image ${letter}:`) });
    await expect
      .poll(() => picture.evaluate((img) => (img instanceof HTMLImageElement ? img.naturalWidth : 0)))
      .toBeGreaterThan(0);
  }
  const [[first]] = comparison.after.pairs[1]!.similarities;
  await expect(pair.getByRole('table').last()).toContainText(first.toFixed(4));

  const folder = info.outputPath('files');
  const files = await acuity.download(folder);
  expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
    'refined/model.onnx',
    'refined/model.safetensors',
    'refined/config.json',
    'refined/refinement.json',
  ]);
  const told = JSON.parse(readFileSync(join(folder, 'refined/refinement.json'), 'utf8'));
  expect([told.step, told.images]).toEqual([6, log.images]);
  const refined = readFileSync(join(folder, 'refined/model.onnx'));
  const original = modelBytes('acuity-clip/onnx/vision_model.onnx');
  expect(refined.equals(original)).toBe(false);

  const rows = pairRows(comparison.before, benchmark);
  const pixels = await pixelsOf(
    page,
    baseURL!,
    rows.map(({ image }) => image),
  );
  const texts = await textEmbeddings(rows.map(({ statement }) => statement));
  for (const [model, report] of [
    [original, comparison.before],
    [refined, comparison.after],
  ] as const) {
    const embedded = await run(model, { pixel_values: pixels }, 'image_embeds');
    for (const [p, { similarities }] of report.pairs.entries()) {
      for (const i of [0, 1]) {
        for (const j of [0, 1]) {
          const expected = cosine(texts[2 * p + i]!, embedded[2 * p + j]!);
          expect(Math.abs(similarities[i]![j]! - expected)).toBeLessThan(1e-4);
        }
      }
    }
  }
  const clip = new URL('../public/models/acuity-clip', import.meta.url).pathname;
  const { out } = await runCommand(
    info.outputPath('.'),
    ...['evaluate', '--model', join(folder, 'refined'), '--text', clip, '--mmvp', 'pairs', '--json'],
  );
  const { mmvp } = JSON.parse(out);
  expect(mmvp.pairs).toEqual(comparison.after.pairs.map(({ correct }) => correct));
  expect(mmvp.total).toBeCloseTo(comparison.after.total, 9);
  expect(comparison.after.pairs.map((each) => each.similarities)).not.toEqual(
    comparison.before.pairs.map((each) => each.similarities),
  );
  const weights = readFileSync(join(folder, 'refined/model.safetensors'));
  const { tensors } = await readSafetensors(bytesSource('model.safetensors', weights));
  expect([...tensors.keys()]).toContain('vision_model.post_layernorm.weight');
});

test('one click on the first page starts a run that follows a confused pair', async ({ acuity, page }) => {
  await acuity.open('/');
  await acuity.tryDemo();
  await acuity.waitForStep(4);
  const pair = page.getByRole('region', { name: 'A pair that it confuses' });
  await expect(pair.getByText(/^given to /)).toHaveCount(2);
  await acuity.goTo('Refine');
  const { state, steps } = await acuity.shownRun();
  expect({ state, steps }).toEqual({ state: 'Running', steps: presets.textInverse.steps });
  const log = JSON.parse(await readFile(await acuity.saveLog(test.info().outputPath('log.json')), 'utf8'));
  expect(log.config.projection).toBe('text-inverse');
  // The similarities of the original, then those after some steps: no two are the same, but for the
  // first step, whose rate is that of a warm-up's beginning, zero.
  const all: { step: number; similarities: number[][] }[] = log.watched.points;
  expect(all[0]!.step).toBe(0);
  const points = all.filter(({ step }) => step !== 1);
  expect(points.length).toBeGreaterThan(2);
  expect(new Set(points.map(({ similarities }) => similarities[0]![0])).size).toBe(points.length);
  await acuity.stop();
  await acuity.waitForState('Stopped');
});

/** Statement and picture of every row of a report, pair after pair. */
function pairRows(report: BenchmarkReport, files: Files): { statement: string; image: Uint8Array }[] {
  return report.pairs.flatMap(({ images, statements }) =>
    [0, 1].map((i) => {
      const path = images[i]!;
      const found = [...files].find(([name]) => path.endsWith(name));
      if (!found) throw new Error(`${path} is not a file of the benchmark`);
      return { statement: statements[i]!, image: found[1] };
    }),
  );
}

/** Pictures prepared for the encoder: decoded by the browser (e2e/images.spec.ts), the rest under Node. */
async function pixelsOf(page: Page, app: string, images: Uint8Array[]): Promise<ort.Tensor> {
  const pages = new URL(app);
  pages.port = String(Number(pages.port) + 1);
  const decoder = await page.context().newPage();
  await decoder.goto(new URL('/e2e/pages/images.html', pages).href);
  await decoder.waitForFunction(() => window.images !== undefined);
  const preparation = readPreprocessing(JSON.parse(modelText('acuity-clip/preprocessor_config.json')));
  const edge = 64;
  const all = new Float32Array(images.length * 3 * edge * edge);
  for (const [i, bytes] of images.entries()) {
    const file = Buffer.from(bytes).toString('base64');
    const decoded = await decoder.evaluate((f) => window.images!.decode(f, 'reference'), file);
    if (!decoded.ok) throw new Error(decoded.reason);
    const { width, height, rgb } = decoded.value;
    const prepared = preprocess({ width, height, data: Buffer.from(rgb, 'base64') }, preparation);
    expect(prepared.shape).toEqual([3, edge, edge]);
    all.set(prepared.data, i * prepared.data.length);
  }
  await decoder.close();
  return new ort.Tensor('float32', all, [images.length, 3, edge, edge]);
}

async function textEmbeddings(statements: string[]): Promise<Float32Array[]> {
  const json = (name: string) => JSON.parse(modelText(`acuity-clip/${name}`));
  const tokenizer = createTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const { ids } = tokenizer.encode(statements.map(mmvpPrompt));
  const tokens = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [
    statements.length,
    tokenizer.context,
  ]);
  return run(modelBytes('acuity-clip/onnx/text_model.onnx'), { input_ids: tokens }, 'text_embeds');
}

/** The rows of one output. */
async function run(
  model: Uint8Array,
  feeds: Record<string, ort.Tensor>,
  output: string,
): Promise<Float32Array[]> {
  const session = await ort.InferenceSession.create(model);
  const { data, dims } = (await session.run(feeds))[output]!;
  await session.release();
  const [count, width] = dims as [number, number];
  const values = data as Float32Array;
  return Array.from({ length: count }, (_, row) => values.slice(row * width, (row + 1) * width));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let product = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    lengthA += a[i]! ** 2;
    lengthB += b[i]! ** 2;
  }
  return product / Math.sqrt(lengthA * lengthB);
}
