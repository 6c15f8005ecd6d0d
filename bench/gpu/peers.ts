/**
 * Times blocks beside jax-js and TensorFlow.js on a real GPU where no browser can use it: all three run under Node on
 * Dawn, the WebGPU implementation of Chromium, by the bindings of the package `webgpu`. Each runs the code that it runs
 * in a tab. Prints a row of JSON for each block and peer.
 *
 *   npm install --no-save webgpu          (Node 22 or later: earlier ones cannot hand it shared memory)
 *   npx esbuild bench/gpu/peers.ts --bundle --platform=node --format=esm --conditions=onnxruntime-web-use-extern-wasm \
 *     --outfile=peers.mjs
 *   node peers.mjs node_modules/webgpu/index.js node_modules/onnxruntime-web/dist/ [SECONDS [NAME...]]
 */
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { type Block, blocks, largeBlocks, valuesOf } from '../peers/blocks.ts';
import type { Contestant } from '../peers/contestant.ts';
import { median, rowOf } from '../peers/report.ts';
import { openDawn } from './dawn.ts';

const [bindings = '', ortFolder = '', seconds = '15', ...wanted] = process.argv.slice(2);
const say = (line: string) => process.stderr.write(`peers: ${line}\n`);

const adapter = await openDawn(bindings);
say(adapter);

// After the globals that they look for.
const makers = {
  acuity: async (block: Block) => {
    const folder = pathToFileURL(`${resolve(ortFolder)}/`).href;
    return (await import('../peers/acuity.ts')).openAcuity(block, valuesOf(block), 'webgpu', 1, folder);
  },
  'jax-js': async (block: Block) =>
    (await import('../peers/jax.ts')).openJax(block, valuesOf(block), 'webgpu'),
  tfjs: async (block: Block) => (await import('../peers/tfjs.ts')).openTfjs(block, valuesOf(block), 'webgpu'),
};

interface Entrant {
  library: keyof typeof makers;
  contestant: Contestant;
  setting: string;
  gradients: Record<string, number[]>;
  rounds: number[][];
}

async function enter(library: Entrant['library'], block: Block): Promise<Entrant | undefined> {
  try {
    const contestant = await makers[library](block);
    const gradients = Object.entries(await contestant.gradients()).map(([name, of]) => [name, [...of]]);
    for (let i = 0; i < 3; i++) await contestant.step();
    return {
      library,
      contestant,
      setting: contestant.setting,
      gradients: Object.fromEntries(gradients),
      rounds: [],
    };
  } catch (error) {
    say(`${block.name}, ${library}: cannot (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

async function turn({ contestant, rounds }: Entrant): Promise<void> {
  const round: number[] = [];
  for (let i = 0; i < 10; i++) {
    const from = performance.now();
    await contestant.step();
    round.push(performance.now() - from);
  }
  rounds.push(round);
}

for (const block of [...Object.values(blocks), ...Object.values(largeBlocks)]) {
  if (wanted.length > 0 && !wanted.includes(block.name)) continue;
  const entrants: Entrant[] = [];
  for (const library of ['acuity', 'jax-js', 'tfjs'] as const) {
    const entrant = await enter(library, block);
    if (entrant) entrants.push(entrant);
    if (entrant) await turn(entrant);
    say(`${block.name}, ${library}: ${median(entrant?.rounds.flat() ?? []).toFixed(2)} ms a step`);
  }
  const until = Date.now() + 1000 * Number(seconds);
  while (Date.now() < until) for (const entrant of entrants) await turn(entrant);
  const [ours, ...peers] = entrants;
  if (ours?.library !== 'acuity') continue;
  for (const { library, ...peer } of peers) {
    const row = rowOf({ name: block.name, backend: 'webgpu', adapter }, ours, { ...peer, name: library });
    process.stdout.write(`${JSON.stringify(row)}\n`);
  }
}
process.exit(0);
