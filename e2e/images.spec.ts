import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import * as ort from 'onnxruntime-node';
import { openFile } from '../src/data/node-files.ts';
import { readPreprocessing } from '../src/data/preprocess.ts';
import { resizeImage } from '../src/data/resize.ts';
import { differenceFrom, embeddingFixture } from '../src/data/testing/embedding-fixture.ts';
import { ImageEmbedder } from '../src/evaluation/embed.ts';
import { readModel } from '../src/onnx/decode.ts';
import { type OrtModule, openRuntime } from '../src/runtime/runtime.ts';
import './pages/images-protocol.ts';

/** Files of every kind with Pillow's pixels (tools/reference/images.py). */
const fixture: {
  good: {
    name: string;
    file: string;
    width: number;
    height: number;
    rgba: string;
    photo: { width: number; height: number; rgb: string };
  }[];
  near: { name: string; file: string; width: number; height: number; rgb: string }[];
  refused: { name: string; file: string; reason: string }[];
} = JSON.parse(readFileSync(new URL('../tools/reference/fixtures/images.json', import.meta.url), 'utf8'));

test.describe.configure({ mode: 'serial' });

let page: Page;

test.beforeAll(async ({ browser, baseURL }) => {
  const pages = new URL(baseURL!);
  pages.port = String(Number(pages.port) + 1);
  page = await browser.newPage();
  await page.goto(new URL('/e2e/pages/images.html', pages).href);
  await page.waitForFunction(() => window.images !== undefined);
});

test.afterAll(() => page.close());

const dropAlpha = (rgba: string): Buffer => {
  const pixels = Buffer.from(rgba, 'base64');
  return Buffer.from(pixels.filter((_, i) => i % 4 !== 3));
};

test('reference mode gives Pillow’s pixels, photo mode the upright picture over white', async () => {
  for (const { name, file, width, height, rgba, photo } of fixture.good) {
    const reference = await page.evaluate((f) => window.images!.decode(f, 'reference'), file);
    expect(reference, name).toEqual({
      ok: true,
      value: { width, height, rgb: dropAlpha(rgba).toString('base64') },
    });
    const seen = await page.evaluate((f) => window.images!.decode(f, 'photo'), file);
    expect(seen, name).toEqual({ ok: true, value: photo });
  }
});

test('AVIF gives Pillow’s pixels within the rounding of its colours', async () => {
  for (const { name, file, width, height, rgb } of fixture.near) {
    const result = await page.evaluate((f) => window.images!.decode(f, 'reference'), file);
    if (!result.ok) throw new Error(`${name}: ${result.reason}`);
    expect([result.value.width, result.value.height], name).toEqual([width, height]);
    const [seen, wanted] = [result.value.rgb, rgb].map((pixels) => Buffer.from(pixels, 'base64'));
    const worst = seen!.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted![i]!)), 0);
    expect(worst, name).toBeLessThanOrEqual(2);
  }
});

test('files that cannot be read give their reason', async () => {
  for (const { name, file, reason } of fixture.refused) {
    const result = await page.evaluate((f) => window.images!.decode(f, 'reference'), file);
    expect(result, name).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  }
  const damaged = Buffer.from(fixture.good.find(({ name }) => name === 'rgb.png')!.file, 'base64');
  const data = damaged.indexOf('IDAT') + 8;
  damaged.fill(0xa5, data, data + 20);
  const result = await page.evaluate((f) => window.images!.examine(f), damaged.toString('base64'));
  expect(result).toEqual({
    ok: false,
    reason: expect.stringMatching(/data is damaged and cannot be decoded/),
  });
});

test('the embeddings of fifty images of every kind are those of transformers and open_clip', async () => {
  const { images, encoders } = embeddingFixture();
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu', threads: 1 });
  for (const encoder of encoders) {
    const file = await openFile(encoder.model);
    const model = await readModel(file);
    const embedder = await ImageEmbedder.open(runtime, model, { imageSize: 224, batch: 1 });
    await file.close();
    for (const [i, { name, bytes }] of images.entries()) {
      const prepared = await page.evaluate(([f, p]) => window.images!.prepare(f, 'reference', p), [
        Buffer.from(bytes).toString('base64'),
        encoder.preprocessing,
      ] as const);
      if (!prepared.ok) throw new Error(`${name}: ${prepared.reason}`);
      const pixels = new Float32Array(new Uint8Array(Buffer.from(prepared.value, 'base64')).buffer);
      const difference = differenceFrom(encoder.embeddings[i]!, await embedder.embed(pixels));
      expect(difference, `${encoder.name} on ${name}`).toBeLessThan(name.endsWith('.avif') ? 1e-3 : 1e-5);
    }
    await embedder.release();
  }
});

test('workers hash, prepare and crop', async () => {
  const { file, rgba, width, height } = fixture.good.find(({ name }) => name === 'colour.jpg')!;
  const examined = await page.evaluate((f) => window.images!.examine(f), file);
  const sha256 = createHash('sha256').update(Buffer.from(file, 'base64')).digest('hex');
  expect(examined).toEqual({ ok: true, value: { sha256, width, height } });

  const image = { width, height, data: new Uint8Array(dropAlpha(rgba)) };
  const job = { scale: 1, uniforms: Array(22).fill(0.5), teacherSize: 16, encoderSize: 8 };
  const box = { left: 3, top: 0, width: 13, height: 13 };
  const teacher = resizeImage(image, 16, 16, 'bicubic', box);
  const encoder = resizeImage(teacher, 8, 8, 'bilinear');
  const crop = await page.evaluate(([f, j]) => window.images!.crop(f, 'photo', j), [file, job] as const);
  expect(crop).toEqual({
    ok: true,
    value: {
      teacher: Buffer.from(teacher.data).toString('base64'),
      encoder: Buffer.from(encoder.data).toString('base64'),
    },
  });

  const recipe = readPreprocessing({
    size: { width: 5, height: 4 },
    do_center_crop: false,
    do_normalize: false,
  });
  const prepared = await page.evaluate(([f, p]) => window.images!.prepare(f, 'photo', p), [
    file,
    recipe,
  ] as const);
  const small = resizeImage(image, 5, 4, 'bicubic');
  const planes = [0, 1, 2].flatMap((c) => Array.from({ length: 20 }, (_, i) => small.data[3 * i + c]! / 255));
  expect(prepared).toEqual({
    ok: true,
    value: Buffer.from(new Float32Array(planes).buffer).toString('base64'),
  });
});

test.describe('folders', () => {
  let folder: string;
  test.beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'acuity-images-'));
    mkdirSync(join(folder, 'set', 'deep', 'er'), { recursive: true });
    for (const [path, bytes] of [
      ['set/a10.png', 3],
      ['set/a2.png', 2],
      ['set/deep/er/b.jpg', 5],
      ['set/.hidden', 1],
    ] as const) {
      writeFileSync(join(folder, path), Buffer.alloc(bytes));
    }
    // More than the portion in which a browser hands over a folder's entries.
    mkdirSync(join(folder, 'set', 'many'));
    for (let i = 0; i < 120; i++) writeFileSync(join(folder, 'set', 'many', `${i}.webp`), 'x');
  });
  test.afterAll(() => rmSync(folder, { recursive: true }));

  const expected: [string, number][] = [
    ['set/a2.png', 2],
    ['set/a10.png', 3],
    ['set/deep/er/b.jpg', 5],
    ...Array.from({ length: 120 }, (_, i): [string, number] => [`set/many/${i}.webp`, 1]),
  ];

  test('a picked folder gives its files in natural order', async () => {
    await page.locator('#folder').setInputFiles(join(folder, 'set'));
    expect(await page.evaluate(() => window.images!.picked())).toEqual(expected);
  });

  test('a dropped folder gives its files, nested ones too', async () => {
    const box = (await page.locator('#drop').boundingBox())!;
    const session = await page.context().newCDPSession(page);
    const at = {
      x: box.x + 5,
      y: box.y + 5,
      data: { items: [], files: [join(folder, 'set')], dragOperationsMask: 1 },
    };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, ...at });
    }
    await expect.poll(() => page.evaluate(() => window.images!.dropped())).toEqual(expected);
  });
});
