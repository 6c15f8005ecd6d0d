import { describe, expect, it } from 'vitest';
import { queueOf, SerialQueue } from './queue.ts';

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 2));

describe('SerialQueue', () => {
  it('never overlaps a hundred calls made at once and keeps their order', async () => {
    const queue = new SerialQueue();
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const calls = Array.from({ length: 100 }, (_, i) =>
      queue.run(async () => {
        most = Math.max(most, ++running);
        await pause();
        order.push(i);
        running--;
        return i;
      }),
    );
    expect(queue.length).toBe(100);
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(most).toBe(1);
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i));
    await queue.idle();
    expect(queue.length).toBe(0);
  });

  it('goes on after a task that throws or rejects', async () => {
    const queue = new SerialQueue();
    const results = await Promise.allSettled([
      queue.run(() => {
        throw new Error('thrown');
      }),
      queue.run(() => Promise.reject(new Error('rejected'))),
      queue.run(() => 'done'),
    ]);
    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    ).toEqual(['thrown', 'rejected', 'done']);
  });

  it('is one for all that share an ONNX Runtime environment', () => {
    const env = {};
    expect(queueOf({ env })).toBe(queueOf({ env }));
    expect(queueOf({ env })).not.toBe(queueOf({ env: {} }));
  });
});
