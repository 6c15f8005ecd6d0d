import { describe, expect, it } from 'vitest';
import type { FileContent } from './file-content.ts';
import type { ImageJobs, JobResult } from './image-jobs.ts';
import { ImagePool, type PooledWorker } from './image-pool.ts';

type Examined = JobResult<{ sha256: string; width: number; height: number }>;

/** Workers whose `examine` ends when the test says so. */
function setUp(size: number, queueLimit?: number) {
  const started: { blob: FileContent; worker: number; finish: (reason?: string) => void }[] = [];
  const workers: { die: (reason: Error) => void; terminated: boolean }[] = [];
  const make = (): PooledWorker => {
    const number = workers.length;
    const state = { die: (_: Error) => {}, terminated: false };
    workers.push(state);
    const unused = () => Promise.reject(new Error('unused'));
    return {
      jobs: {
        examine: (blob) =>
          new Promise<Examined>((resolve) => {
            started.push({ blob, worker: number, finish: (reason = '') => resolve({ ok: false, reason }) });
          }),
        fingerprint: unused,
        prepare: unused,
        crop: unused,
      },
      failed: new Promise((resolve) => {
        state.die = resolve;
      }),
      terminate: () => {
        state.terminated = true;
      },
    };
  };
  const pool = new ImagePool(make, queueLimit === undefined ? { size } : { size, queueLimit });
  const blob = new Blob([]);
  const examine = (jobs: ImageJobs) => jobs.examine(blob);
  return { pool, started, workers, examine };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('ImagePool', () => {
  it('starts workers as needed, at most as many as allowed, and serves in order', async () => {
    const { pool, started, workers, examine } = setUp(2);
    expect(workers).toHaveLength(0);
    const results = ['a', 'b', 'c'].map((name) =>
      pool.run(examine).then((r) => `${name}${r.ok ? '' : r.reason}`),
    );
    expect([workers.length, started.length]).toEqual([2, 2]);
    started[1]!.finish('2');
    await settled();
    expect(started.map(({ worker }) => worker)).toEqual([0, 1, 1]);
    started[0]!.finish('1');
    started[2]!.finish('3');
    expect(await Promise.all(results)).toEqual(['a1', 'b2', 'c3']);
  });

  it('cancels what waits at once, and frees the worker of a cancelled job when that ends', async () => {
    const { pool, started, examine } = setUp(1);
    const stop = new AbortController();
    const running = pool.run(examine, stop.signal);
    const waiting = pool.run(examine, stop.signal);
    const other = pool.run(examine);
    stop.abort(new Error('not wanted'));
    await expect(running).rejects.toThrow('not wanted');
    await expect(waiting).rejects.toThrow('not wanted');
    expect(started).toHaveLength(1);
    started[0]!.finish();
    await settled();
    started[1]!.finish('done');
    expect(await other).toEqual({ ok: false, reason: 'done' });
    await expect(pool.run(examine, stop.signal)).rejects.toThrow('not wanted');
    expect(started).toHaveLength(2);
  });

  it('replaces a worker that died', async () => {
    const { pool, started, workers, examine } = setUp(1);
    const lost = pool.run(examine);
    const next = pool.run(examine);
    workers[0]!.die(new Error('out of memory'));
    await expect(lost).rejects.toThrow('out of memory');
    await settled();
    expect([workers.length, workers[0]!.terminated]).toEqual([2, true]);
    started[1]!.finish('fine');
    expect(await next).toEqual({ ok: false, reason: 'fine' });
  });

  it('refuses more waiting jobs than its limit', async () => {
    const { pool, examine } = setUp(1, 2);
    const accepted = [pool.run(examine), pool.run(examine), pool.run(examine)];
    await expect(pool.run(examine)).rejects.toThrow(/More than 2 images wait.*map\(\)/);
    pool.close();
    await Promise.allSettled(accepted);
  });

  it('fails everything when closed', async () => {
    const { pool, workers, examine } = setUp(1);
    const results = [pool.run(examine), pool.run(examine)];
    pool.close();
    for (const result of results) await expect(result).rejects.toThrow(/have been stopped/);
    expect(workers[0]!.terminated).toBe(true);
    await expect(pool.run(examine)).rejects.toThrow(/have been stopped/);
  });

  it('maps in the items’ order and takes items only as results are consumed', async () => {
    const { pool, started } = setUp(2);
    let taken = 0;
    function* items() {
      for (; taken < 100; taken++) yield new Blob([String(taken)]);
    }
    const results = pool.map(items(), async (jobs, blob) => {
      const result = jobs.examine(blob);
      // The later one of two ends first.
      const mine = started.at(-1)!;
      setTimeout(() => mine.finish(), started.length % 2 ? 2 : 0);
      await result;
      return blob.text();
    });
    const read: string[] = [];
    for await (const text of results) {
      read.push(text);
      expect(taken).toBeLessThanOrEqual(read.length + 5);
      if (read.length === 20) break;
    }
    expect(read).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    expect(taken).toBeLessThan(30);
  });

  it('passes a failing job of a map on in its turn', async () => {
    const { pool } = setUp(2);
    const read: number[] = [];
    const results = pool.map([1, 2, 3], async (_, item) => {
      if (item === 2) throw new Error('second');
      return item;
    });
    await expect(
      (async () => {
        for await (const item of results) read.push(item);
      })(),
    ).rejects.toThrow('second');
    expect(read).toEqual([1]);
  });
});
