/** The engine worker alone, for tests that speak to it without the page's rooms. */
import { connectWorker } from '../../src/features/shared/engine-worker.ts';
import type { RunEvent } from '../../workers/protocol.ts';
import './engine-protocol.ts';

const engine = connectWorker();
const events = new Map<string, RunEvent[]>();

/** Events may come before the run's id is known. */
function follow() {
  const gathered: RunEvent[] = [];
  return { gathered, listener: (event: RunEvent) => void gathered.push(event) };
}

const resting: ReadonlySet<string> = new Set(['paused', 'finished', 'stopped', 'failed']);
const atRest = (event: RunEvent) => event.type === 'state' && resting.has(event.state);

async function until(run: string, reached: (event: RunEvent) => boolean): Promise<void> {
  while (!events.get(run)!.some(reached)) await new Promise((resolve) => setTimeout(resolve, 5));
}

window.engine = engine;
window.tools = {
  files: (given) =>
    given.map(([path, base64]) => ({
      path,
      blob: new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]),
    })),
  async builtIn(model) {
    const manifest: Record<string, string[]> = await (await fetch('/models/manifest.json')).json();
    return Promise.all(
      manifest[model]!.map(async (path) => ({
        path: `${model}/${path}`,
        blob: await (await fetch(`/models/${model}/${path}`)).blob(),
      })),
    );
  },
  async start(request) {
    const { gathered, listener } = follow();
    const run = await engine.startRun(request, listener);
    events.set(run, gathered);
    return run;
  },
  async resume(run) {
    const { gathered, listener } = follow();
    events.set(run, gathered);
    await engine.resumeRun(run, listener);
  },
  events: (run) => events.get(run) ?? [],
  untilStep: (run, step) =>
    until(run, (event) => (event.type === 'step' && event.record.step >= step) || atRest(event)),
  untilRest: (run) => until(run, atRest),
  problem: (call) =>
    call.then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
  async base64(blob) {
    let text = '';
    for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte);
    return btoa(text);
  },
};
