import { detect } from '../../src/runtime/device.ts';
import type { Reply, Request } from './contestant.ts';

const workers: Worker[] = [];

function ask(id: number, request: Request): Promise<Reply> {
  const worker = workers[id]!;
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
    worker.onerror = (event) => resolve({ problem: event.message || 'the worker could not be loaded' });
    worker.postMessage(request);
  });
}

window.adapter = async () => {
  const report = await detect();
  return report && { description: report.description, software: report.software };
};

window.openContestant = async (opening) => {
  const id = workers.length;
  workers.push(new Worker(new URL('./contestant.worker.ts', import.meta.url), { type: 'module' }));
  const reply = await ask(id, { open: opening });
  if (!('gradients' in reply)) {
    workers[id]!.terminate();
    return { problem: 'problem' in reply ? reply.problem : 'no gradients' };
  }
  const gradients = Object.fromEntries(
    Object.entries(reply.gradients).map(([name, values]) => [name, Array.from(values)]),
  );
  return { id, gradients, setting: reply.setting };
};

window.runSteps = async (id, steps) => {
  const reply = await ask(id, { steps });
  if (!('milliseconds' in reply)) throw new Error('problem' in reply ? reply.problem : 'no times');
  return reply;
};

window.closeContestant = (id) => workers[id]!.terminate();
