import process from 'node:process';
import type { Page } from 'playwright-core';
import { type BenchBrowser, withPages } from './browser.ts';
import { growthProblems, growthRows, growthTable } from './cost-growth/cost-growth.ts';
import { embeddingRows, embeddingTable } from './embedding.ts';
import { loadingProblems, loadingRows, loadingTable } from './loading/loading.ts';
import { type BlockName, blocks } from './peers/blocks.ts';
import { Contest, type Pace } from './peers/measure.ts';
import { pytorchRows } from './peers/measure-pytorch.ts';
import { disagreements, type Row } from './peers/report.ts';
import { planProblems, planRows, planTable } from './plan-against-use.ts';
import { markdownTable } from './table.ts';

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

/** Runs the benches asked for and prints them. Returns the exit code: 1 when gradients do not agree, 64 for a wrong name. */
export async function bench(options: BenchOptions, say: (line: string) => void): Promise<number> {
  const peers = [...(Object.keys(blocks) as BlockName[]), 'cpu-pytorch'];
  const names = [...peers, ...Object.keys(others)];
  const wanted = options.only === undefined ? names : names.filter((name) => name === options.only);
  if (wanted.length === 0) {
    say(`there is no bench "${options.only}": choose ${names.join(' or ')}`);
    return 64;
  }
  const results = await withPages(options.gpu, async (open) => {
    const found: Result[] = [];
    const beside = wanted.filter((name) => peers.includes(name));
    if (beside.length > 0) found.push(await besidePeers(open, options, beside, say));
    // The quick mode has four minutes in all.
    for (const [name, run] of Object.entries(others))
      if (wanted.includes(name) && (options.only || !(options.quick || onlyByName.has(name))))
        found.push(await run(open, options, say));
    return found;
  });
  const rows = results.flatMap((result) => result.rows);
  process.stdout.write(
    options.json
      ? `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`
      : `${results.map(({ table }) => table).join('\n\n')}\n`,
  );
  const wrong = results.flatMap(({ problems }) => problems);
  for (const line of wrong) say(line);
  return wrong.length === 0 ? 0 : 1;
}

interface Result {
  rows: readonly object[];
  table: string;
  /** What is not as it should be; empty when all is well. */
  problems: readonly string[];
}

type Say = (line: string) => void;

/** Measurements for which a large package is installed first. */
const onlyByName: ReadonlySet<string> = new Set(['embedding']);

/** Benches whose rows have figures of their own beside the common ones. */
const others: Record<string, (open: BenchBrowser, options: BenchOptions, say: Say) => Promise<Result>> = {
  async embedding(_, options, say) {
    const rows = await embeddingRows(options, say);
    return { rows, table: embeddingTable(rows), problems: [] };
  },
  async loading(open, { quick: short }, say) {
    const rows = await loadingRows(open, short, say);
    return { rows, table: loadingTable(rows), problems: loadingProblems(rows) };
  },
  async 'plan-against-use'(_, { gpu }, say) {
    const rows = await withPages(gpu, (open) => planRows(open, say), '../e2e/pages/vite.config.ts');
    return { rows, table: planTable(rows), problems: planProblems(rows) };
  },
  async 'cost-growth'(_, { quick: short }, say) {
    const rows = await growthRows(short, say);
    return { rows, table: growthTable(rows), problems: growthProblems(rows) };
  },
};

async function besidePeers(
  open: BenchBrowser,
  options: BenchOptions,
  wanted: readonly string[],
  say: Say,
): Promise<Result> {
  const pace: Pace = options.quick
    ? { ...quick, deadline: Date.now() + 1000 * quickSeconds }
    : { ...thorough, deadline: Number.POSITIVE_INFINITY };
  const rows = await open('bench/peers/page.html', async (page) => {
    await ready(page, options.gpu);
    const found: Row[] = [];
    for (const name of wanted) {
      if (name === 'cpu-pytorch') {
        if (!options.quick || options.only)
          found.push(...(await pytorchRows(page, options.quick ? 2 : 5, say)));
      } else found.push(...(await new Contest(page, name as BlockName, pace, say).rows()));
    }
    return found;
  });
  return { rows, table: tableOf(rows), problems: disagreements(rows) };
}

async function ready(page: Page, gpu: boolean): Promise<void> {
  await page.waitForFunction(() => 'adapter' in window, undefined, { timeout: 60_000 });
  if (!gpu) return;
  const adapter = await page.evaluate(() => window.adapter());
  if (!adapter || adapter.software) {
    throw new Error(`--gpu: the browser offers ${adapter?.description ?? 'no adapter'}, not a real GPU`);
  }
}

function tableOf(rows: readonly Row[]): string {
  const range = ([low, high]: [number, number]) => `${low}-${high}`;
  const table = markdownTable(
    ['block', 'backend', 'Acuity', 'ms', 'peer', 'ms', 'ratio', 'gradients differ by'],
    rows.map((row) => [
      row.name,
      row.backend,
      row.ours_setting,
      `${row.ours_ms} (${range(row.ours_spread)})`,
      `${row.peer} on ${row.peer_setting}`,
      `${row.peer_ms} (${range(row.peer_spread)})`,
      `${row.ratio} (${range(row.ratio_spread)})`,
      row.max_rel_err.toExponential(0),
    ]),
  );
  return `Adapter: ${rows[0]?.adapter ?? 'none'}. Milliseconds a step: median (lowest-highest).\n\n${table}`;
}
