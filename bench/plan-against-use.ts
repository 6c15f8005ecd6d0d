/**
 * Compares the planned peak of a run with what Chromium's GPU process really takes, on the software adapter, where a
 * buffer is memory of that process. Shaders, the browser and the allocator take a constant share: the growth from one
 * batch size to the next shows whether the plan counts right. Writes JSON to standard output.
 *
 *   npx tsx bench/plan-against-use.ts [BATCH ...]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';
import { demoImages } from '../e2e/demo-files.ts';
import '../e2e/pages/engine-protocol.ts';
import { browserArguments, findBrowser } from '../scripts/browser.mjs';
import { presets } from '../src/method/config.ts';

const batches = process.argv.slice(2).map(Number);
const vite = await createServer({
  configFile: 'e2e/pages/vite.config.ts',
  logLevel: 'error',
  server: { port: 0, host: '127.0.0.1' },
});
await vite.listen();
const address = vite.resolvedUrls!.local[0]!;
const executablePath = findBrowser();
const images = [...demoImages(64)].map(
  ([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const,
);

/** Resident bytes of the GPU process below this one. */
function gpuProcessBytes(): number {
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      if (!command.includes('--type=gpu-process') || !isBelow(id)) continue;
      return 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))![1]);
    } catch {
      // It ended while it was looked at.
    }
  }
  return 0;
}

function isBelow(id: string): boolean {
  for (let at = id; Number(at) > 1; ) {
    if (Number(at) === process.pid) return true;
    at = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${at}/status`, 'utf8'))![1]!;
  }
  return false;
}

const results = [];
for (const batchSize of batches.length > 0 ? batches : [4, 16, 32]) {
  const browser = await chromium.launch({
    args: browserArguments,
    ...(executablePath ? { executablePath } : {}),
  });
  try {
    const page = await browser.newPage();
    await page.goto(new URL('/e2e/pages/engine.html', address).href);
    await page.waitForFunction(() => window.tools !== undefined);
    const config = { ...presets.quick, batchSize, steps: 1, checkpointEvery: 0 };
    const { request, plan } = await page.evaluate(
      async ([files, settings]) => {
        const { engine, tools } = window;
        await engine.hardware('webgpu');
        const { id: encoder } = await engine.loadEncoder({ kind: 'built-in', id: 'acuity-clip' });
        const { id: teacher } = await engine.loadTeacher({ kind: 'built-in', id: 'acuity-diffusion' });
        const { id: imageSet } = await engine.addImages('scenes', tools.files(files));
        return {
          request: { encoder, teacher, imageSet, config: settings },
          plan: await engine.planRun({ encoder, teacher, config: settings, total: null }),
        };
      },
      [images, config] as const,
    );
    const idle = gpuProcessBytes();
    let peak = idle;
    const watch = setInterval(() => {
      peak = Math.max(peak, gpuProcessBytes());
    }, 50);
    const state = await page.evaluate(async (given) => {
      const run = await window.tools.start(given);
      await window.tools.untilRest(run);
      const last = window.tools.events(run).findLast((event) => event.type === 'state');
      return JSON.stringify(last);
    }, request);
    clearInterval(watch);
    results.push({ batchSize, planned: plan.peak, parts: plan.parts, used: peak - idle, idle, state });
    console.error(
      `batch ${batchSize}: planned ${plan.peak / 1e6} MB, used ${(peak - idle) / 1e6} MB, ${state}`,
    );
  } finally {
    await browser.close();
  }
}
await vite.close();
console.log(JSON.stringify(results, null, 2));
