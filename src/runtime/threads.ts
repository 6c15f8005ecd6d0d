import { messageOf } from './errors.ts';
import { probeModel } from './probe-model.ts';
import type { ProbeReply, ProbeRequest } from './threads.worker.ts';

export interface ThreadMeasurement {
  /** The best count. */
  threads: number;
  /** Milliseconds of one run of the probe by thread count; Infinity where the count failed. */
  milliseconds: ReadonlyMap<number, number>;
}

export interface ThreadOptions {
  /** Files of onnxruntime-web, as in {@link RuntimeOptions}. */
  wasmPaths: string;
  /** A model to time instead of the built-in block, such as the training graph itself. Every axis must be fixed. */
  model?: Uint8Array;
  /** Counts to try; by default 1, 2, 4, ... and all cores. */
  candidates?: readonly number[];
}

/** Timed runs for each candidate. */
const budgetMilliseconds = 200;
/** A worker whose threads cannot start never answers: it counts as failed. */
const patienceMilliseconds = 6_000;
/** More threads must win by this share: each costs memory and a core that the page could use. */
const leastGain = 0.05;

const measured = new Map<string, Promise<ThreadMeasurement>>();

/**
 * Finds the number of WebAssembly threads that runs a transformer and convolution block fastest here. More are not
 * always better, and the count is fixed once WebAssembly has started in a worker: each candidate is therefore timed in
 * a worker of its own, which ends afterwards. Only cross-origin isolated pages have threads; elsewhere the answer is 1
 * at once. The result is remembered while the calling worker lives.
 */
export function measureThreads(options: ThreadOptions): Promise<ThreadMeasurement> {
  const one: ThreadMeasurement = { threads: 1, milliseconds: new Map() };
  if (!globalThis.crossOriginIsolated) return Promise.resolve(one);
  const candidates = options.candidates ?? threadCandidates(navigator.hardwareConcurrency);
  if (candidates.length < 2) return Promise.resolve(one);
  const key = JSON.stringify([options.wasmPaths, options.model?.byteLength ?? 0, candidates]);
  let result = measured.get(key);
  if (!result) {
    result = measure(options, candidates);
    measured.set(key, result);
    result.catch(() => measured.delete(key));
  }
  return result;
}

/** 1, 2, 4, ... below the number of cores, and that number. */
export function threadCandidates(cores: number): number[] {
  const candidates: number[] = [];
  for (let count = 1; count < cores; count *= 2) candidates.push(count);
  candidates.push(Math.max(1, cores));
  return candidates;
}

/** The smallest count that no other beats by more than the least gain. */
export function bestThreads(milliseconds: ReadonlyMap<number, number>): number {
  const order = [...milliseconds].sort(([a], [b]) => a - b);
  const best = order.reduce((least, [, time]) => Math.min(least, time), Number.POSITIVE_INFINITY);
  return order.find(([, time]) => time * (1 - leastGain) <= best)?.[0] ?? 1;
}

async function measure(options: ThreadOptions, candidates: readonly number[]): Promise<ThreadMeasurement> {
  const model = options.model ?? (await probeModel());
  const milliseconds = new Map<number, number>();
  // One after another: two probes at once would time each other.
  for (const threads of candidates) {
    milliseconds.set(
      threads,
      await probe({ model, threads, wasmPaths: options.wasmPaths, budgetMilliseconds }),
    );
  }
  return { threads: bestThreads(milliseconds), milliseconds };
}

function probe(request: ProbeRequest): Promise<number> {
  const worker = new Worker(new URL('./threads.worker.ts', import.meta.url), { type: 'module' });
  let clock: ReturnType<typeof setTimeout>;
  return new Promise<number>((resolve) => {
    const fail = (why: string) => {
      console.warn(`${request.threads} WebAssembly threads could not be timed: ${why}`);
      resolve(Number.POSITIVE_INFINITY);
    };
    worker.onmessage = ({ data }: MessageEvent<ProbeReply>) => {
      if ('problem' in data) fail(data.problem);
      else resolve(data.milliseconds);
    };
    worker.onerror = (event) => fail(messageOf(event.message));
    clock = setTimeout(() => fail('no answer'), patienceMilliseconds);
    worker.postMessage(request);
  }).finally(() => {
    clearTimeout(clock);
    worker.terminate();
  });
}
