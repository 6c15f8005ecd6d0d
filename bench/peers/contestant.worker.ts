import { blocks, valuesOf } from './blocks.ts';
import type { Contestant, Opening, Reply, Request } from './contestant.ts';

const makers = {
  acuity: async () => (await import('./acuity.ts')).openAcuity,
  'jax-js': async () => (await import('./jax.ts')).openJax,
  tfjs: async () => (await import('./tfjs.ts')).openTfjs,
};

async function open({ library, backend, block, threads }: Opening): Promise<Contestant> {
  const make = await makers[library]();
  return make(blocks[block], valuesOf(blocks[block]), backend, threads);
}

let contestant: Contestant | undefined;

async function answer(request: Request): Promise<Reply> {
  if ('open' in request) {
    contestant = await open(request.open);
    return { gradients: await contestant.gradients(), setting: contestant.setting };
  }
  const milliseconds: number[] = [];
  let loss = Number.NaN;
  for (let i = 0; i < request.steps; i++) {
    const from = performance.now();
    loss = await contestant!.step();
    milliseconds.push(performance.now() - from);
  }
  return { milliseconds, loss };
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  let reply: Reply;
  try {
    reply = await answer(data);
  } catch (error) {
    reply = { problem: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(reply);
};
