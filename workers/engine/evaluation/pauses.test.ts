import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Progress } from '../../protocol.ts';
import { pauses } from './pauses.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('tells the share and the time left, not more often than a person sees, and hears a cancellation', async () => {
  const told: Progress[] = [];
  const cancelled = new AbortController();
  const pause = pauses(
    { signal: cancelled.signal, progress: (event) => told.push(event) },
    'percent of the linear probe',
  );
  await pause(0);
  for (const share of [0.1, 0.2, 0.25]) {
    vi.advanceTimersByTime(20);
    await pause(share);
  }
  expect(told).toEqual([
    { label: 'percent of the linear probe', done: 0, total: 100, secondsLeft: null },
    { label: 'percent of the linear probe', done: 25, total: 100, secondsLeft: expect.closeTo(0.18, 9) },
  ]);
  vi.advanceTimersByTime(60);
  cancelled.abort(new DOMException('Cancelled', 'AbortError'));
  await expect(pause(0.3)).rejects.toThrow('Cancelled');
});
