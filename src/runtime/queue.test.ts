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

  it('takes steps first, then what is made ahead, then evaluation, each in the order given, never two at once', async () => {
    const queue = new SerialQueue();
    const given = ['evaluation', 'ahead', 'step', undefined] as const;
    const order: string[] = [];
    let running = 0;
    let most = 0;
    const calls = Array.from({ length: 40 }, (_, i) =>
      queue.run(
        async () => {
          most = Math.max(most, ++running);
          await pause();
          order.push(`${given[i % 4] ?? 'step'} ${i}`);
          running--;
        },
        given[i % 4],
      ),
    );
    await Promise.all(calls);
    const turn = (kinds: readonly number[], name: string) =>
      Array.from({ length: 40 }, (_, i) => i)
        .filter((i) => kinds.includes(i % 4))
        .map((i) => `${name} ${i}`);
    expect(order).toEqual([...turn([2, 3], 'step'), ...turn([1], 'ahead'), ...turn([0], 'evaluation')]);
    expect(most).toBe(1);
  });

  it('lets a step wait for no more than the one evaluation in work', async () => {
    const queue = new SerialQueue();
    const order: string[] = [];
    const evaluation = Array.from({ length: 30 }, (_, i) =>
      queue.run(async () => {
        await pause();
        order.push(`evaluation ${i}`);
      }, 'evaluation'),
    );
    await evaluation[9];
    const before = order.length;
    await queue.run(() => {
      order.push('step');
    });
    expect(order.indexOf('step') - before).toBeLessThanOrEqual(1);
    await Promise.all(evaluation);
    expect(order.filter((name) => name !== 'step')).toEqual(evaluation.map((_, i) => `evaluation ${i}`));
  });

  it('goes on with lower priorities after a step that fails, and after it was empty', async () => {
    const queue = new SerialQueue();
    const evaluation = queue.run(() => 'evaluated', 'evaluation');
    await expect(queue.run(() => Promise.reject(new Error('step')))).rejects.toThrow('step');
    expect(await evaluation).toBe('evaluated');
    await queue.idle();
    expect(queue.length).toBe(0);
    expect(await queue.run(() => 'again', 'ahead')).toBe('again');
  });

  it('is one for all that share an ONNX Runtime environment', () => {
    const env = {};
    expect(queueOf({ env })).toBe(queueOf({ env }));
    expect(queueOf({ env })).not.toBe(queueOf({ env: {} }));
  });
});
