/**
 * Images a second from image files to embeddings, beside transformers.js in the same browser: the same model files, the
 * same images, WebAssembly with as many threads and WebGPU where there is an adapter. transformers.js gets the batch
 * that it is fastest with here; Acuity measures its own, as it does in the app. Then the two take turns.
 *
 *   npm run -s bench -- --only embedding [--quick] [--json] [--gpu]
 *
 * ACUITY_ENCODER names a folder with an encoder in the layout of transformers.js repositories
 * (`python tools/reference/random_clip.py FOLDER` makes one of ViT-B/32's size); by default the built-in one.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, normalize } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { createServer, type Plugin } from 'vite';
import { browserArguments, findBrowser } from '../scripts/browser.mjs';
import type { BenchOptions } from './bench.ts';
import type { Backend } from './embedding/contestant.ts';
import type {} from './embedding/page.ts';

export interface EmbeddingRow {
  name: 'embedding';
  model: string;
  backend: Backend;
  adapter: string;
  threads: number;
  images: number;
  /** Images a second, medians, with the batch that was best. */
  ours: number;
  ours_batch: number;
  peer: 'transformers.js';
  theirs: number;
  peer_batch: number;
  /** Median over rounds of ours / theirs, lowest and highest. */
  ratio: number;
  ratio_spread: [number, number];
  /** Of the first image's embedding, at length 1: transformers.js resizes by a canvas. */
  difference: number;
}

/** Tried for transformers.js. */
const batches = [1, 4, 8, 16, 32];
/** Enough for Acuity to try as many. */
const firstImages = 448;
const home = fileURLToPath(new URL('embedding/', import.meta.url));

/** Flags under which Chromium on Linux uses a GPU without a display. */
const gpuArguments = ['--enable-features=Vulkan', '--use-angle=vulkan', '--ignore-gpu-blocklist'];

export async function embeddingRows(
  options: BenchOptions,
  say: (line: string) => void,
): Promise<EmbeddingRow[]> {
  installPeer(say);
  const folder = process.env['ACUITY_ENCODER'];
  const server = await createServer({
    configFile: fileURLToPath(new URL('peers/vite.config.ts', import.meta.url)),
    logLevel: 'silent',
    plugins: folder === undefined ? [] : [givenModel(folder)],
    // The decoders of the image workers, beside what the other benches need; one of them is no module.
    optimizeDeps: { include: ['omggif'] },
    server: { port: 0 },
  });
  await server.listen();
  const executablePath = findBrowser();
  const browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [...browserArguments, ...(options.gpu ? gpuArguments : [])],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.setDefaultTimeout(0);
    await page.goto(new URL('bench/embedding/page.html', server.resolvedUrls!.local[0]!).href);
    await page.waitForFunction(() => 'embedding' in window, undefined, { timeout: 60_000 });
    const adapter = await page.evaluate(() => window.embedding.adapter());
    const rows: EmbeddingRow[] = [];
    for (const backend of ['wasm', 'webgpu'] as const) {
      if (backend === 'webgpu' && (adapter === null || /\(software\)$/.test(adapter))) {
        say(`WebAssembly alone: the browser offers ${adapter ?? 'no WebGPU adapter'}`);
      } else rows.push(await measure(page, { backend, adapter: adapter ?? 'none', folder, ...options }, say));
    }
    return rows;
  } finally {
    await browser.close();
    await server.close();
  }
}

interface Measurement extends BenchOptions {
  backend: Backend;
  adapter: string;
  folder: string | undefined;
}

async function measure(
  page: Page,
  { backend, adapter, folder, quick }: Measurement,
  say: (line: string) => void,
): Promise<EmbeddingRow> {
  const model = folder === undefined ? '/models/acuity-clip/' : '/given-models/encoder/';
  const threads = cpus().length;
  const names = { acuity: `acuity ${backend}`, 'transformers.js': `transformers.js ${backend}` } as const;
  const best = new Map<string, { batch: number; seconds: number }>();
  for (const [library, name] of Object.entries(names)) {
    const opening = { library: library as keyof typeof names, backend, model, threads };
    const reply = await page.evaluate(([n, o]) => window.embedding.open(n, o), [name, opening] as const);
    if ('problem' in reply) throw new Error(`${name}: ${reply.problem}`);
    const run = (count: number, batch: number) =>
      page.evaluate(([n, c, b]) => window.embedding.run(n, c, b), [name, count, batch] as const);
    if (library === 'acuity') {
      const { batch } = await run(firstImages, 1);
      const { seconds } = await run(2 * batch, batch);
      best.set(name, { batch, seconds: seconds / (2 * batch) });
      say(`${name}, batch ${batch}: chosen by it`);
      continue;
    }
    for (const batch of batches) {
      // The first run of a batch opens its session or compiles its kernels.
      await run(batch, batch);
      const seconds = (await run(2 * batch, batch)).seconds / (2 * batch);
      say(`${name}, batch ${batch}: ${(1 / seconds).toFixed(1)} images a second`);
      if (seconds < (best.get(name)?.seconds ?? Number.POSITIVE_INFINITY)) best.set(name, { batch, seconds });
      // Larger ones would be no better, and take long.
      if (seconds > 1.3 * best.get(name)!.seconds) break;
    }
  }
  const slower = Math.max(...[...best.values()].map(({ seconds }) => seconds));
  // About three seconds a turn, so that starts and ends of batches weigh little.
  const images = Math.min(512, Math.max(32, Math.round((quick ? 1 : 3) / slower / 32) * 32));
  const times = new Map<string, number[]>(Object.values(names).map((name) => [name, []]));
  for (let round = 0; round < (quick ? 5 : 15); round++) {
    const order = Object.values(names);
    for (const name of round % 2 === 0 ? order : order.toReversed()) {
      const { batch } = best.get(name)!;
      const { seconds } = await page.evaluate(([n, c, b]) => window.embedding.run(n, c, b), [
        name,
        images,
        batch,
      ] as const);
      // A session that was opened for this turn took its time: the first round is let go.
      if (round > 0) times.get(name)!.push(seconds);
    }
  }
  const [ours, theirs] = Object.values(names).map((name) => times.get(name)!);
  const ratios = ours!.map((seconds, i) => theirs![i]! / seconds);
  const difference = await page.evaluate(
    ([a, b]) => window.embedding.difference(a, b),
    Object.values(names) as [string, string],
  );
  for (const name of Object.values(names)) await page.evaluate((n) => window.embedding.close(n), name);
  return {
    name: 'embedding',
    model: folder ?? 'built-in (64 x 64)',
    backend,
    adapter,
    threads,
    images,
    ours: round(images / median(ours!)),
    ours_batch: best.get(names.acuity)!.batch,
    peer: 'transformers.js',
    theirs: round(images / median(theirs!)),
    peer_batch: best.get(names['transformers.js'])!.batch,
    ratio: round(median(ratios)),
    ratio_spread: [round(Math.min(...ratios)), round(Math.max(...ratios))],
    difference,
  };
}

export function embeddingTable(rows: readonly EmbeddingRow[]): string {
  const line = (...cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [
    `Model: ${rows[0]?.model}. Adapter: ${rows[0]?.adapter}. Images a second, from JPEG files of 640 x 480 to embeddings.`,
    '',
    line('backend', 'Acuity', 'batch', 'transformers.js', 'batch', 'ratio', 'embeddings differ by'),
    line(...new Array<string>(7).fill('---')),
    ...rows.map((row) =>
      line(
        row.backend === 'wasm' ? `wasm, ${row.threads} threads` : row.backend,
        row.ours,
        row.ours_batch,
        row.theirs,
        row.peer_batch,
        `${row.ratio} (${row.ratio_spread.join('-')})`,
        row.difference.toExponential(0),
      ),
    ),
  ].join('\n');
}

/** The peer and its own ONNX Runtime are large, and needed here alone. */
function installPeer(say: (line: string) => void): void {
  if (existsSync(join(home, 'node_modules', '@huggingface', 'transformers'))) return;
  say('installing transformers.js for this bench');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const given = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync(npm, given, {
    cwd: home,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('npm ci failed in bench/embedding: see the lines above');
}

/** Serves a folder of this computer as `/given-models/encoder/`. */
function givenModel(folder: string): Plugin {
  return {
    name: 'given-model',
    configureServer(server) {
      server.middlewares.use('/given-models/encoder', (request, response) => {
        const path = join(folder, normalize(decodeURIComponent(request.url!.split('?')[0]!)));
        if (!existsSync(path) || !statSync(path).isFile()) return void response.writeHead(404).end();
        response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
        response.setHeader('Content-Length', statSync(path).size);
        createReadStream(path).pipe(response);
      });
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const round = (value: number): number => Number(value.toPrecision(3));
