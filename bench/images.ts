/**
 * Measures image sets of growing size: listing of a folder, a tar and a zip, memory while listing, the search for
 * near duplicates; the frames of the grid while one scrolls; and decoding with resizing to 224 pixels in Chromium's
 * image workers, beside Pillow on as many processes in the same run. Prints one JSON object a line.
 *
 *   npx tsx bench/images.ts [IMAGES, default 100000] [PYTHON, for Pillow and the grid] [PART: duplicates, listing,
 *                           grid or decoding; default all]
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openAsBlob,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { createServer } from 'vite';
import { folderBlobs } from '../cli/evaluation/folder-blobs.ts';
import { browserArguments, findBrowser } from '../scripts/browser.mjs';
import { expandArchives } from '../src/data/archives.ts';
import { type Fingerprint, findDuplicates } from '../src/data/duplicates.ts';
import { hashed } from '../src/data/testing/pictures.ts';
import type {} from './grid/page.tsx';

const most = Number(process.argv[2] ?? 100_000);
const python = process.argv[3];
const part = process.argv[4];
const folder = mkdtempSync(join(tmpdir(), 'acuity-bench-'));
const report = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** A tar archive of `count` files of `size` bytes. */
function writeTar(path: string, count: number, size: number): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(512 + Math.ceil(size / 512) * 512);
  for (let i = 0; i < count; i++) {
    block.fill(0, 0, 512);
    block.write(`set/${String(i).padStart(7, '0')}.jpg`, 0);
    block.write('0000644\0', 100);
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    block.write('        0', 148);
    block.write('ustar\x0000', 257);
    const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    writeSync(file, block);
  }
  writeSync(file, Buffer.alloc(1024));
  closeSync(file);
}

async function timed<T>(work: () => Promise<T> | T): Promise<{ seconds: number; value: T }> {
  const started = performance.now();
  const value = await work();
  return { seconds: (performance.now() - started) / 1000, value };
}

async function listing(): Promise<void> {
  for (const count of [Math.round(0.1 * most), Math.round(0.3 * most), most]) {
    const tar = join(folder, 'set.tar');
    writeTar(tar, count, 20_000);
    const blob = await openAsBlob(tar);
    const before = process.memoryUsage.rss();
    const { seconds, value } = await timed(() => expandArchives([{ path: 'set.tar', blob }]));
    const megabytes = (process.memoryUsage.rss() - before) / 1e6;
    report({
      what: 'list tar',
      files: value.length,
      archiveMB: Math.round(blob.size / 1e6),
      seconds,
      megabytes,
    });
  }
  rmSync(join(folder, 'set.tar'));
  for (const count of [Math.round(0.1 * most), Math.round(0.3 * most), most]) {
    const path = join(folder, `folder-${count}`);
    for (let i = 0; i < count; i++) {
      if (i % 1000 === 0) mkdirSync(join(path, String(i / 1000)), { recursive: true });
      writeFileSync(join(path, String(Math.floor(i / 1000)), `${i}.jpg`), 'x');
    }
    const { seconds, value } = await timed(() => folderBlobs(path));
    report({ what: 'list folder', files: value.length, seconds });
    rmSync(path, { recursive: true });
  }
}

async function duplicates(): Promise<void> {
  for (const count of [Math.round(0.1 * most), Math.round(0.3 * most), most]) {
    const words = hashed(3, 2 * count);
    const images = Array.from({ length: count }, (_, i): Fingerprint => {
      const word = (at: number) => words[at]!.toString(16).padStart(8, '0');
      return { sha256: String(i), dhash: word(2 * i) + word(2 * i + 1), colour: [i % 256, 0, 0] };
    });
    const { seconds } = await timed(() => findDuplicates(images));
    report({ what: 'find near duplicates', images: count, seconds });
  }
}

/** Runs in the page: the same JPEG file over and over, through two image workers. */
const inBrowser = async ({ file, count }: { file: string; count: number }): Promise<number> => {
  const { createImagePool } = await import(/* @vite-ignore */ '/workers/image-workers.ts' as string);
  const { readPreprocessing } = await import(/* @vite-ignore */ '/src/data/preprocess.ts' as string);
  const blob = new Blob([Uint8Array.from(atob(file), (c) => c.charCodeAt(0))]);
  const recipe = readPreprocessing({});
  const pool = createImagePool(2);
  const run = async (images: number) => {
    const blobs = Array.from({ length: images }, () => blob);
    const job = (jobs: { prepare: (...given: unknown[]) => unknown }, one: Blob) =>
      jobs.prepare(one, 'photo', recipe);
    for await (const _ of pool.map(blobs, job)) {
      // Results are let go.
    }
  };
  await run(20);
  const started = performance.now();
  await run(count);
  const perSecond = count / ((performance.now() - started) / 1000);
  pool.close();
  return perSecond;
};

const pillow = `
import io, json, sys, time
from concurrent.futures import ProcessPoolExecutor
from PIL import Image
def one(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    scale = 224 / min(width, height)
    return image.resize((int(width * scale), int(height * scale)), Image.Resampling.BICUBIC).size
if __name__ == "__main__":
    data = open(sys.argv[1], "rb").read()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(one, [data] * 20))
        start = time.perf_counter()
        list(pool.map(one, [data] * 400, chunksize=10))
        print(400 / (time.perf_counter() - start))
`;

/** A JPEG of 640 x 480 pixels. */
function makeJpeg(): string {
  const jpeg = join(folder, 'photo.jpg');
  const make = `import numpy as np; from PIL import Image
x = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
Image.fromarray(x).resize((640, 480), Image.Resampling.BICUBIC).save(${JSON.stringify(jpeg)}, quality=90)`;
  execFileSync(python!, ['-c', make]);
  return jpeg;
}

async function inChromium(path: string, work: (page: Page) => Promise<void>): Promise<void> {
  const server = await createServer({ configFile: 'e2e/pages/vite.config.ts', logLevel: 'error' });
  await server.listen(0);
  const executablePath = findBrowser();
  const browser = await chromium.launch({
    args: browserArguments,
    ...(executablePath && { executablePath }),
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    // The TypeScript runner names the functions inside the one that the page gets.
    await page.addInitScript('globalThis.__name = (named) => named');
    await page.goto(`${server.resolvedUrls!.local[0]}${path}`);
    await work(page);
  } finally {
    await browser.close();
    await server.close();
  }
}

async function grid(): Promise<void> {
  if (!python) return;
  const file = readFileSync(makeJpeg()).toString('base64');
  await inChromium('bench/grid/page.html', async (page) => {
    await page.waitForFunction(() => 'scrollGrid' in window);
    report({ what: 'frames of a page that stands still', ...(await page.evaluate(() => window.still())) });
    for (const speed of [500, 3000, 30_000]) {
      for (const count of [most / 10, most]) {
        const measured = await page.evaluate(([n, f, s]) => window.scrollGrid(n, f, s, 5), [
          count,
          file,
          speed,
        ] as const);
        report({ what: 'frames while the grid scrolls', images: count, pixelsPerSecond: speed, ...measured });
      }
    }
  });
}

async function decoding(): Promise<void> {
  if (!python) return;
  const jpeg = makeJpeg();
  const script = join(folder, 'pillow.py');
  writeFileSync(script, pillow);
  await inChromium('e2e/pages/images.html', async (page) => {
    const file = readFileSync(jpeg).toString('base64');
    const acuity = await page.evaluate(inBrowser, { file, count: 400 });
    const peer = Number(execFileSync(python, [script, jpeg], { encoding: 'utf8' }));
    report({
      what: 'decode 640 x 480 JPEG and resize to 224, images a second',
      acuityTwoWorkers: acuity,
      pillowTwoProcesses: peer,
      ratio: acuity / peer,
    });
  });
}

const parts = { duplicates, listing, grid, decoding };
try {
  for (const [name, work] of Object.entries(parts)) if (part === undefined || part === name) await work();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
