import { detect } from '../../src/runtime/device.ts';
import type { ImageOpening, ImageReply, ImageRequest } from './contestant.ts';

declare global {
  interface Window {
    embedding: {
      adapter(): Promise<string | null>;
      /** Returns its setting, or why it cannot be opened. */
      open(name: string, opening: ImageOpening): Promise<{ setting: string } | { problem: string }>;
      /** Embeds the first `count` images; seconds it took, and images at a time at its end. */
      run(name: string, count: number, batch: number): Promise<{ seconds: number; batch: number }>;
      /** Largest difference between what two made of the first image in their last runs, at length 1. */
      difference(one: string, other: string): number;
      close(name: string): void;
    };
  }
}

const workers = new Map<string, Worker>();
const last = new Map<string, Float32Array[]>();

function ask(name: string, request: ImageRequest): Promise<ImageReply> {
  const worker = workers.get(name)!;
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<ImageReply>) => resolve(data);
    worker.onerror = (event) => resolve({ problem: event.message || 'the worker could not be loaded' });
    worker.postMessage(request);
  });
}

/** JPEG files of 640 x 480 pixels, each another. */
async function photographs(count: number): Promise<Blob[]> {
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext('2d')!;
  const files: Blob[] = [];
  for (let i = 0; i < count; i++) {
    const sky = context.createLinearGradient(0, 0, 640, 480);
    sky.addColorStop(0, `hsl(${(i * 47) % 360} 60% 70%)`);
    sky.addColorStop(1, `hsl(${(i * 71) % 360} 50% 30%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 480);
    for (let k = 0; k < 60; k++) {
      context.fillStyle = `hsl(${(i * 31 + k * 77) % 360} 70% ${20 + ((k * 13) % 60)}% / 0.7)`;
      context.beginPath();
      context.arc((k * 197 + i * 53) % 640, (k * 89 + i * 29) % 480, 8 + ((k * 7) % 50), 0, 7);
      context.fill();
    }
    files.push(await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 }));
  }
  return files;
}

let files: Blob[] = [];

window.embedding = {
  async adapter() {
    const report = await detect();
    return report && `${report.description}${report.software ? ' (software)' : ''}`;
  },
  async open(name, open) {
    workers.set(
      name,
      new Worker(new URL('./contestant.worker.ts', import.meta.url), { type: 'module', name }),
    );
    const reply = await ask(name, { open });
    if ('setting' in reply) return reply;
    return { problem: 'problem' in reply ? reply.problem : 'no setting' };
  },
  async run(name, count, batch) {
    while (files.length < count) files = await photographs(count);
    const reply = await ask(name, { files: files.slice(0, count), batch });
    if (!('seconds' in reply)) throw new Error(`${name}: ${'problem' in reply ? reply.problem : 'no time'}`);
    last.set(name, reply.embeddings);
    return { seconds: reply.seconds, batch: reply.batch };
  },
  difference(one, other) {
    const [a, b] = [one, other].map((name) => {
      const row = last.get(name)![0]!;
      const length = Math.hypot(...row);
      return row.map((value) => value / length);
    });
    return a!.reduce((most, value, i) => Math.max(most, Math.abs(value - b![i]!)), 0);
  },
  close: (name) => workers.get(name)?.terminate(),
};
