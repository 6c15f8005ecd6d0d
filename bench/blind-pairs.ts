/**
 * Measures the search for blind pairs among images of growing number, beside numpy block by block on the same files
 * and threads in the same run: seconds, their ratio, and the most memory that the search holds. Both give the same
 * pairs, or the bench fails. Prints one JSON object a line.
 *
 *   npx tsx bench/blind-pairs.ts PYTHON [IMAGES, default 100000] [WIDTH, default 512]
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openAsBlob, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { findBlindPairs } from '../src/evaluation/blind-pairs.ts';
import { RuntimeProduct } from '../src/evaluation/block-product.ts';
import type { RowSource } from '../src/evaluation/embeddings.ts';
import { mulberry32 } from '../src/evaluation/statistics.ts';
import { type OrtModule, openRuntime } from '../src/runtime/runtime.ts';

const [python, most = '100000', wide = '512'] = process.argv.slice(2);
if (!python) throw new Error('Usage: npx tsx bench/blind-pairs.ts PYTHON [IMAGES] [WIDTH]');
const width = Number(wide);
const threads = 2;
const block = 1024;
const bounds = { alike: 0.95, different: 0.6 };

const peer = `
import sys, time, numpy as np
first, second, count, width, block, alike, different = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]), *map(float, sys.argv[6:8])
a = np.memmap(first, np.float32, "r", shape=(count, width))
b = np.memmap(second, np.float32, "r", shape=(count, width))
unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
start, pairs = time.perf_counter(), 0
for i in range(0, count, block):
    x, y = unit(a[i:i + block]), unit(b[i:i + block])
    for j in range(i, count, block):
        near = x @ unit(a[j:j + block]).T > alike
        if i == j:
            near = np.triu(near, 1)
        if near.any():
            pairs += int((near & (y @ unit(b[j:j + block]).T < different)).sum())
print(pairs, time.perf_counter() - start)
`;

/** Clouds of a few near-equal rows each by the first encoder; by the second any rows. */
function writeRows(path: string, count: number, seed: number, crowd: number): void {
  const random = mulberry32(seed);
  const file = openSync(path, 'w');
  let centre = new Float32Array(width);
  for (let row = 0; row < count; row++) {
    if (row % crowd === 0) centre = Float32Array.from({ length: width }, () => random() - 0.5);
    writeSync(
      file,
      centre.map((value) => value + 0.2 * (random() - 0.5)),
    );
  }
  closeSync(file);
}

async function rowsOf(path: string, rows: number): Promise<RowSource> {
  const blob = await openAsBlob(path);
  return {
    rows,
    width,
    read: async (from, count) =>
      new Float32Array(await blob.slice(4 * width * from, 4 * width * (from + count)).arrayBuffer()),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'acuity-bench-'));
try {
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu', threads });
  for (const share of [0.1, 0.3, 1]) {
    const count = Math.round(share * Number(most));
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    writeRows(first, count, 1, 5);
    writeRows(second, count, 2, 1);
    const products = await RuntimeProduct.open(runtime, width, block);
    const idle = process.memoryUsage.rss();
    let peak = idle;
    const started = performance.now();
    const found = await findBlindPairs(await rowsOf(first, count), await rowsOf(second, count), {
      ...{ ...bounds, block, most: count * 5, product: products.product },
      pause: async () => {
        peak = Math.max(peak, process.memoryUsage.rss());
      },
    });
    const seconds = (performance.now() - started) / 1000;
    await products.release();
    const args = [first, second, count, width, block, bounds.alike, bounds.different].map(String);
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
    const [pairs, numpySeconds] = execFileSync(python, ['-c', peer, ...args], { env, encoding: 'utf8' })
      .split(' ')
      .map(Number) as [number, number];
    if (pairs !== found.length) throw new Error(`numpy finds ${pairs} pairs, Acuity ${found.length}`);
    const megabytes = (peak - idle) / 1e6;
    const result = {
      images: count,
      width,
      pairs,
      seconds,
      numpySeconds,
      ratio: seconds / numpySeconds,
      megabytes,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
