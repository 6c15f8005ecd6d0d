import process from 'node:process';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { browserArguments, findBrowser } from '../scripts/browser.mjs';
import { embeddingRows, embeddingTable } from './embedding.ts';
import { type BlockName, blocks } from './peers/blocks.ts';
import { Contest, type Pace } from './peers/measure.ts';
import { pytorchRows } from './peers/measure-pytorch.ts';
import { disagreements, type Row } from './peers/report.ts';

export interface BenchOptions {
  /** Within four minutes on two cores. */
  quick: boolean;
  json: boolean;
  /** Refuse to measure on a software adapter. */
  gpu: boolean;
  only?: string | undefined;
}

const quick = { rounds: 12, least: 3, seconds: 12 };
const thorough = { rounds: 40, least: 10, seconds: 90 };
/** Leaves room within four minutes for what a slow machine has yet to open. */
const quickSeconds = 140;

/** Flags under which Chromium on Linux uses a GPU without a display. */
const gpuArguments = ['--enable-features=Vulkan', '--use-angle=vulkan', '--ignore-gpu-blocklist'];

/** Runs the benches asked for and prints them. Returns the exit code: 1 when gradients do not agree, 64 for a wrong name. */
export async function bench(options: BenchOptions, say: (line: string) => void): Promise<number> {
  const names = [...(Object.keys(blocks) as BlockName[]), 'cpu-pytorch' as const, 'embedding' as const];
  const wanted = options.only === undefined ? names : names.filter((name) => name === options.only);
  if (wanted.length === 0) {
    say(`there is no bench "${options.only}": choose ${names.join(' or ')}`);
    return 64;
  }
  if (options.only === 'embedding') {
    const rows = await embeddingRows(options, say);
    process.stdout.write(`${options.json ? JSON.stringify(rows, null, 2) : embeddingTable(rows)}\n`);
    return 0;
  }
  const pace: Pace = options.quick
    ? { ...quick, deadline: Date.now() + 1000 * quickSeconds }
    : { ...thorough, deadline: Number.POSITIVE_INFINITY };
  const rows = await inBrowser(options, async (page) => {
    const found: Row[] = [];
    for (const name of wanted) {
      // A measurement of its own, for which a large package is installed first.
      if (name === 'embedding') continue;
      if (name === 'cpu-pytorch') {
        if (!options.quick || options.only)
          found.push(...(await pytorchRows(page, options.quick ? 2 : 5, say)));
      } else found.push(...(await new Contest(page, name, pace, say).rows()));
    }
    return found;
  });
  process.stdout.write(
    options.json ? `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n` : `${tableOf(rows)}\n`,
  );
  const wrong = disagreements(rows);
  for (const line of wrong) say(line);
  return wrong.length === 0 ? 0 : 1;
}

async function inBrowser<T>(
  { gpu }: Pick<BenchOptions, 'gpu'>,
  work: (page: import('playwright-core').Page) => Promise<T>,
): Promise<T> {
  const server = await createServer({
    configFile: new URL('peers/vite.config.ts', import.meta.url).pathname,
    logLevel: 'silent',
    server: { port: 0 },
  });
  await server.listen();
  const executablePath = findBrowser();
  const browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [...browserArguments, ...(gpu ? gpuArguments : [])],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    const base = server.resolvedUrls!.local[0]!;
    await page.goto(new URL('bench/peers/page.html', base).href);
    await page.waitForFunction(() => 'adapter' in window, undefined, { timeout: 60_000 });
    if (gpu) {
      const adapter = await page.evaluate(() => window.adapter());
      if (!adapter || adapter.software) {
        throw new Error(`--gpu: the browser offers ${adapter?.description ?? 'no adapter'}, not a real GPU`);
      }
    }
    return await work(page);
  } finally {
    await browser.close();
    await server.close();
  }
}

function tableOf(rows: readonly Row[]): string {
  const line = (...cells: (string | number)[]) => `| ${cells.join(' | ')} |`;
  const range = ([low, high]: [number, number]) => `${low}-${high}`;
  return [
    `Adapter: ${rows[0]?.adapter ?? 'none'}. Milliseconds a step: median (lowest-highest).`,
    '',
    line('block', 'backend', 'Acuity', 'ms', 'peer', 'ms', 'ratio', 'gradients differ by'),
    line(...new Array<string>(8).fill('---')),
    ...rows.map((row) =>
      line(
        row.name,
        row.backend,
        row.ours_setting,
        `${row.ours_ms} (${range(row.ours_spread)})`,
        `${row.peer} on ${row.peer_setting}`,
        `${row.peer_ms} (${range(row.peer_spread)})`,
        `${row.ratio} (${range(row.ratio_spread)})`,
        row.max_rel_err.toExponential(0),
      ),
    ),
  ].join('\n');
}
