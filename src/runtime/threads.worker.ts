/** A throw-away worker that times one number of WebAssembly threads. */
import * as ort from 'onnxruntime-web/webgpu';
import { sizeOf } from '../onnx/data-types.ts';
import { messageOf } from './errors.ts';
import { openRuntime } from './runtime.ts';
import type { Slot } from './session.ts';
import { cpuTensor, type DeviceTensor, runtimeDataType } from './tensor.ts';

export interface ProbeRequest {
  model: Uint8Array;
  threads: number;
  wasmPaths: string;
  /** Time for the timed runs; at least three are made. */
  budgetMilliseconds: number;
}

export type ProbeReply = { milliseconds: number } | { problem: string };

self.onmessage = async ({ data }: MessageEvent<ProbeRequest>) => {
  let reply: ProbeReply;
  try {
    reply = { milliseconds: await time(data) };
  } catch (error) {
    reply = { problem: messageOf(error) };
  }
  self.postMessage(reply);
};

/** The median of the timed runs, after one that warms up. */
async function time({ model, threads, wasmPaths, budgetMilliseconds }: ProbeRequest): Promise<number> {
  const runtime = await openRuntime({ ort, provider: 'wasm', threads, wasmPaths });
  const session = await runtime.session(model, { name: 'probe' });
  const feeds = new Map([...session.inputs].map(([name, slot]) => [name, constant(slot)]));
  await session.run(feeds);
  const times: number[] = [];
  const end = performance.now() + budgetMilliseconds;
  do {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  } while (times.length < 3 || performance.now() < end);
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Small numbers for floats, zeros for indices. */
function constant(slot: Slot): DeviceTensor {
  const shape = slot.shape.filter((size): size is number => typeof size === 'number');
  const dtype = runtimeDataType(slot.dtype as 'float32', `Input "${slot.name}"`);
  if (dtype !== 'float32') return cpuTensor({ dtype, shape });
  return { dtype, shape, data: new Float32Array(sizeOf(shape)).fill(0.01) };
}
