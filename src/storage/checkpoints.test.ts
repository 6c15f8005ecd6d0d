import { describe, expect, it } from 'vitest';
import { presets } from '../method/config.ts';
import { BlobStore } from './blobs.ts';
import { type Checkpoint, CheckpointStore } from './checkpoints.ts';
import { MemoryStorage } from './testing/memory.ts';

const checkpoint = (id: string, step: number): Checkpoint => ({
  id,
  run: 'r',
  step,
  createdAt: '2026-01-02T03:04:05.000Z',
  config: presets.quick,
  encoder: 'e',
  loss: 0.5,
  records: [{ step, loss: 0.5, gradientNorm: 1, learningRate: 1e-4, drift: 0.1, ms: 7 }],
  tensors: new Map([
    ['weights/a', Uint8Array.of(1, 2, 3, step)],
    ['weights/empty', new Uint8Array(0)],
    ['optimizer/a', Uint8Array.of(9, 8)],
  ]),
});

describe('CheckpointStore', () => {
  it('gives back what it was given', async () => {
    const store = new CheckpointStore(new BlobStore(new MemoryStorage()));
    const given = checkpoint('one', 20);
    const { tensors, ...info } = given;
    expect(await store.save(given)).toEqual({ ...info, bytes: 6 });
    expect(await store.load('one')).toEqual(given);
    expect(await store.list()).toEqual([{ ...info, bytes: 6 }]);
    await store.remove('one');
    expect(await store.list()).toEqual([]);
    await expect(store.load('one')).rejects.toThrow(/no longer on this device/);
  });

  it('lets the old one go only once the new one is whole', async () => {
    const storage = new MemoryStorage();
    const store = new CheckpointStore(new BlobStore(storage));
    await store.save(checkpoint('one', 20));
    storage.quota = 10;
    await expect(store.save(checkpoint('two', 40), { replaces: ['one'] })).rejects.toMatchObject({
      problem: 'full',
      needed: 6,
      message: expect.stringMatching(/the checkpoint of step 40.*the checkpoint of step 20/),
    });
    expect((await store.list()).map(({ id }) => id)).toEqual(['one']);
    storage.quota = 12;
    await store.save(checkpoint('two', 40), { replaces: ['one'] });
    expect((await store.list()).map(({ id, step }) => [id, step])).toEqual([['two', 40]]);
    expect((await store.load('two')).tensors.get('weights/a')).toEqual(Uint8Array.of(1, 2, 3, 40));
    expect(storage.stored.size).toBe(1);
  });

  it('does not load damaged weights', async () => {
    const storage = new MemoryStorage();
    const store = new CheckpointStore(new BlobStore(storage));
    await store.save(checkpoint('one', 20));
    const [file] = storage.stored.values();
    file![1] = 77;
    await expect(store.load('one')).rejects.toMatchObject({ problem: 'damaged' });
  });

  it('lists the newest first', async () => {
    const store = new CheckpointStore(new BlobStore(new MemoryStorage()));
    for (const step of [20, 40, 60]) {
      await store.save(checkpoint(`s${step}`, step));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect((await store.list()).map(({ step }) => step)).toEqual([60, 40, 20]);
  });
});
