import type { Page } from 'playwright-core';
import { type BlockName, blocks } from './blocks.ts';
import { findPytorch, runPytorch } from './pytorch.ts';
import { type Row, rowOf } from './report.ts';

/** Steps of one turn of each. */
const steps = 20;

/** Acuity on WebAssembly beside PyTorch on the processor: one thread each, and as many as each chooses. */
export async function pytorchRows(page: Page, rounds: number, say: (line: string) => void): Promise<Row[]> {
  const python = findPytorch();
  if (python === undefined) {
    say('cpu-pytorch skipped: no python with PyTorch on the path (ACUITY_PYTHON names one)');
    return [];
  }
  const rows: Row[] = [];
  for (const name of Object.keys(blocks) as BlockName[]) {
    for (const threads of [1, 0]) rows.push(await rowAgainst(page, python, name, threads, rounds));
  }
  return rows;
}

async function rowAgainst(page: Page, python: string, block: BlockName, threads: number, rounds: number) {
  const opened = await page.evaluate((what) => window.openContestant(what), {
    library: 'acuity' as const,
    backend: 'wasm' as const,
    block,
    ...(threads > 0 && { threads }),
  });
  if ('problem' in opened) throw new Error(`${block} cannot run on wasm: ${opened.problem}`);
  const { id } = opened;
  await page.evaluate((k) => window.runSteps(k, 2), id);
  const ours: number[][] = [];
  const theirs: number[][] = [];
  let peer = { gradients: {}, setting: '' };
  for (let round = 0; round < rounds; round++) {
    const what = { id, n: steps };
    ours.push((await page.evaluate((w) => window.runSteps(w.id, w.n), what)).milliseconds);
    const times = await runPytorch(python, blocks[block], steps, threads);
    theirs.push(times.milliseconds);
    peer = times;
  }
  await page.evaluate((k) => window.closeContestant(k), id);
  const place = { name: block, backend: threads === 1 ? 'cpu, 1 thread' : 'cpu', adapter: 'none' };
  return rowOf(place, { ...opened, rounds: ours }, { ...peer, name: 'pytorch', rounds: theirs });
}
