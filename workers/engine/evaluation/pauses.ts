import type { EmbeddingParts } from './embeddings.ts';

/** Milliseconds of work between two breaths. */
const breath = 50;

/**
 * For long sums on the processor: tells how far they are and lets the worker hear that it is to stop.
 *
 * @returns to be called with the share that is done, from 0 to 1; throws the signal's reason when cancelled
 */
export function pauses(
  { signal, progress }: Pick<EmbeddingParts, 'signal' | 'progress'>,
  label: string,
): (share: number) => Promise<void> {
  const started = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  return async (share) => {
    const now = performance.now();
    if (now - last < breath) return;
    const secondsLeft = share > 0 ? ((now - started) / 1000 / share) * (1 - share) : null;
    progress({ label, done: Math.round(100 * share), total: 100, secondsLeft });
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal.throwIfAborted();
    last = performance.now();
  };
}
