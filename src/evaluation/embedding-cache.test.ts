import { describe, expect, it, vi } from 'vitest';
import { BlobStore } from '../storage/blobs.ts';
import { MemoryStorage } from '../storage/testing/memory.ts';
import { complete, EmbeddingCache, EmbeddingSpace } from './embedding-cache.ts';

const rows = (...entries: [key: string, ...values: number[]][]) =>
  new Map(entries.map(([key, ...values]) => [key, Float32Array.from(values)]));
const plain = async (values: Promise<Float32Array>) => [...(await values)];

describe('EmbeddingCache', () => {
  it('keeps rows for a later visit, by key in any order, apart for each space', async () => {
    const storage = new MemoryStorage();
    const before = await new EmbeddingCache(new BlobStore(storage)).space('image/a');
    await before.add(rows(['x', 1, 2], ['y', 3, 4], ['z', 5, 6]));
    await before.add(rows(['w', 7, 8]));

    const cache = new EmbeddingCache(new BlobStore(storage));
    const space = await cache.space('image/a');
    expect([space.width, space.has('y'), space.has('other')]).toEqual([2, true, false]);
    expect(await plain(space.read(['w', 'z', 'x', 'z']))).toEqual([7, 8, 5, 6, 1, 2, 5, 6]);
    expect((await cache.space('image/ab')).has('x')).toBe(false);
    await expect(space.read(['other'])).rejects.toThrow(/never made/);
  });

  it('refuses rows of another width', async () => {
    const space = await new EmbeddingCache(new BlobStore(new MemoryStorage())).space('s');
    await space.add(rows(['x', 1, 2]));
    await expect(space.add(rows(['y', 1]))).rejects.toThrow(/Embeddings of 1 elements among those of 2/);
  });

  it('makes anew what is damaged or cut off', async () => {
    const storage = new MemoryStorage();
    const space = await new EmbeddingCache(new BlobStore(storage)).space('s');
    await space.add(rows(['x', 1, 2]));
    await space.add(rows(['y', 3, 4]));
    const [cut] = storage.stored.keys();
    storage.stored.set(cut!, new Uint8Array(3));
    const again = await new EmbeddingCache(new BlobStore(storage)).space('s');
    expect([again.has('x'), again.has('y')]).toEqual([false, true]);
    expect(storage.stored.size).toBe(1);
  });

  it('serves the visit from memory where there is no room', async () => {
    const told = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const storage = new MemoryStorage();
    storage.quota = 4;
    const space = await new EmbeddingCache(new BlobStore(storage)).space('s');
    await space.add(rows(['x', 1, 2]));
    expect(await plain(space.read(['x']))).toEqual([1, 2]);
    expect([storage.stored.size, told.mock.calls.length]).toEqual([0, 1]);
    told.mockRestore();
  });

  it('lets the oldest go beyond its limit, but nothing of what is in use', async () => {
    const storage = new MemoryStorage();
    for (const [i, name] of ['old', 'older', 'new'].entries()) {
      vi.useFakeTimers({ now: [2000, 1000, 3000][i]! });
      await (await new EmbeddingCache(new BlobStore(storage)).space(name)).add(rows(['x', i, i]));
    }
    vi.useRealTimers();
    const cache = new EmbeddingCache(new BlobStore(storage), { limit: 24 });
    const older = await cache.space('older');
    await (await cache.space('newest')).add(rows(['x', 9, 9]));
    expect(await plain(older.read(['x']))).toEqual([1, 1]);
    const after = new EmbeddingCache(new BlobStore(storage));
    const has = await Promise.all(
      ['older', 'old', 'new', 'newest'].map(async (name) => (await after.space(name)).has('x')),
    );
    expect(has).toEqual([true, false, true, true]);
  });
});

describe('complete', () => {
  it('makes what is missing once, and keeps what was made before it stopped', async () => {
    const storage = new MemoryStorage();
    const space = await new EmbeddingCache(new BlobStore(storage)).space('s');
    await space.add(rows(['a', 0]));
    const asked: string[][] = [];
    const stopped = complete(space, ['b', 'a', 'b', 'c', 'd'], async (missing, keep) => {
      asked.push(missing);
      await keep(['b', 'c'], Float32Array.of(1, 2));
      throw new DOMException('Cancelled', 'AbortError');
    });
    await expect(stopped).rejects.toThrow('Cancelled');
    const later = await new EmbeddingCache(new BlobStore(storage)).space('s');
    await complete(later, ['d', 'c', 'b'], async (missing, keep) => {
      asked.push(missing);
      await keep(['d'], Float32Array.of(3));
    });
    expect(asked).toEqual([['b', 'c', 'd'], ['d']]);
    expect(await plain(later.read(['a', 'b', 'c', 'd']))).toEqual([0, 1, 2, 3]);
  });

  it('writes full files on the way, so that memory does not grow with the number of rows', async () => {
    const storage = new MemoryStorage();
    const space = await new EmbeddingCache(new BlobStore(storage)).space('s');
    const width = 2 ** 18;
    const each = EmbeddingSpace.rowsAtATime(width);
    const keys = Array.from({ length: 2 * each + 1 }, (_, i) => `k${i}`);
    const files: number[] = [];
    await complete(space, keys, async (missing, keep) => {
      for (const [i, key] of missing.entries()) {
        await keep([key], new Float32Array(width).fill(i));
        files.push(storage.stored.size);
      }
    });
    expect([files[each - 1], files.at(-1), storage.stored.size]).toEqual([1, 2, 3]);
    const last = await space.read([keys.at(-1)!, keys[0]!]);
    expect([last[0], last[width]]).toEqual([2 * each, 0]);
  });
});
