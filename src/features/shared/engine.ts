import type { Engine } from '../../../workers/protocol.ts';
import { connectWorker } from './engine-worker.ts';

let current: Engine | undefined;

/** The page's one engine; the first call starts its worker. */
export function engine(): Engine {
  current ??= connectWorker();
  return current;
}

/** Puts another engine in the worker's place, before anything called {@link engine}. */
export function provideEngine(other: Engine): void {
  current = other;
}
