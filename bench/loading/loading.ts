/** What loading takes: seconds, and the memory of the page's process and of the GPU's above the idle page. */
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchBrowser } from '../browser.ts';
import { rounded } from '../peers/report.ts';
import { MemoryWatch } from '../process-memory.ts';
import { markdownTable } from '../table.ts';
import type { LoadRequest } from './protocol.ts';
import './protocol.ts';

export interface LoadingRow {
  name: string;
  backend: 'webgpu';
  adapter: string;
  dtype: 'float16';
  ours_ms: number;
  peer: string;
  peer_ms: number;
  /** Ours divided by the peer's. */
  ratio: number;
  /** Of the weights read back from the GPU: 0, or infinite where a byte differs. */
  max_rel_err: number;
  /** MB (10^6 bytes) above the idle page, at the peak; `gpu_process_mb` holds the buffers on a software adapter. */
  renderer_mb: number;
  gpu_process_mb: number;
  peer_renderer_mb: number;
  peer_gpu_process_mb: number;
}

/** Bytes of a small CLIP, of ViT-L/14 in float32 and of SD 2.1's UNet in float16. */
const sizes = [0.35e9, 1.2e9, 1.7e9];
/** Asked of the largest: MB of the page's process above the idle page. */
const mostRenderer = 500;

export async function loadingRows(
  browser: BenchBrowser,
  quick: boolean,
  say: (line: string) => void,
): Promise<LoadingRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'acuity-loading-'));
  const rows: LoadingRow[] = [];
  try {
    for (const bytes of quick ? sizes.slice(0, 1) : sizes) {
      const file = join(folder, 'weights.bin');
      writeRandom(file, bytes);
      const measure = (request: LoadRequest) => loadOnce(browser, file, request);
      const peer = await measure({ place: 'dropped file', way: 'whole' });
      for (const place of ['dropped file', 'OPFS'] as const) {
        const ours = await measure({ place, way: 'streamed' });
        rows.push({
          name: `loading ${(bytes / 1e9).toFixed(2)} GB, ${place}`,
          backend: 'webgpu',
          adapter: ours.adapter,
          dtype: 'float16',
          ours_ms: rounded(ours.milliseconds),
          peer: 'whole file in memory first',
          peer_ms: rounded(peer.milliseconds),
          ratio: rounded(ours.milliseconds / peer.milliseconds),
          max_rel_err: ours.wrong + peer.wrong === 0 ? 0 : Number.POSITIVE_INFINITY,
          renderer_mb: Math.round(ours.renderer / 1e6),
          gpu_process_mb: Math.round(ours.gpuProcess / 1e6),
          peer_renderer_mb: Math.round(peer.renderer / 1e6),
          peer_gpu_process_mb: Math.round(peer.gpuProcess / 1e6),
        });
        say(JSON.stringify(rows.at(-1)));
      }
      rmSync(file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

/** Rows that are not as asked, as lines for the person. */
export const loadingProblems = (rows: readonly LoadingRow[]): string[] =>
  rows.flatMap(({ name, max_rel_err, renderer_mb }) => [
    ...(max_rel_err === 0 ? [] : [`${name}: the weights on the GPU are not the file's`]),
    ...(renderer_mb < mostRenderer
      ? []
      : [`${name}: ${renderer_mb} MB in the page's process, ${mostRenderer} asked`]),
  ]);

export const loadingTable = (rows: readonly LoadingRow[]): string =>
  markdownTable(
    [
      'loading',
      's',
      'renderer MB',
      'GPU process MB',
      'peer',
      's',
      'renderer MB',
      'GPU process MB',
      'ratio of s',
    ],
    rows.map((row) => [
      row.name,
      (row.ours_ms / 1000).toFixed(1),
      row.renderer_mb,
      row.gpu_process_mb,
      row.peer,
      (row.peer_ms / 1000).toFixed(1),
      row.peer_renderer_mb,
      row.peer_gpu_process_mb,
      row.ratio,
    ]),
  );

/** In a browser of its own, so that no earlier load's memory is in the way. */
function loadOnce(browser: BenchBrowser, file: string, request: LoadRequest) {
  return browser('bench/loading/page.html', async (page) => {
    await page.waitForFunction(() => 'loadFile' in window);
    await page.locator('input').setInputFiles(file);
    let idle = page;
    if (request.place === 'OPFS') {
      await page.evaluate(() => window.keepFile());
      // The copying is not what is measured: its page goes with its process.
      idle = await page.context().newPage();
      idle.setDefaultTimeout(0);
      await idle.goto(page.url());
      await idle.waitForFunction(() => 'loadFile' in window);
      await page.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const watch = new MemoryWatch();
    const reply = await idle.evaluate((what) => window.loadFile(what), request);
    const memory = watch.stop();
    return { ...reply, renderer: memory.renderer.above, gpuProcess: memory['gpu-process'].above };
  });
}

function writeRandom(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  const piece = Buffer.alloc(50e6);
  for (let at = 0; at < bytes; at += piece.length)
    writeSync(file, randomFillSync(piece), 0, Math.min(piece.length, bytes - at));
  closeSync(file);
}
