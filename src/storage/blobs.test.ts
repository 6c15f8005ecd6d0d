import { describe, expect, it } from 'vitest';
import { BlobStore } from './blobs.ts';
import { StorageError } from './errors.ts';
import { MemoryStorage } from './testing/memory.ts';

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);
const contentOf = async (store: BlobStore, name: string) =>
  new Uint8Array(await (await store.open(name)).blob.arrayBuffer());

describe('BlobStore', () => {
  it('keeps a value, exchanges it, lists and removes it', async () => {
    const storage = new MemoryStorage();
    const store = new BlobStore(storage);
    await store.put('a', [bytes(1, 2), bytes(3)], { label: 'A', bytes: 3, meta: { n: 1 } });
    expect([...(await contentOf(store, 'a'))]).toEqual([1, 2, 3]);
    await store.put('a', [bytes(4)], { label: 'A', bytes: 1, meta: { n: 2 } });
    expect([...(await contentOf(store, 'a'))]).toEqual([4]);
    expect(storage.stored.size).toBe(1);
    await store.setMeta('a', { n: 3 });
    expect(await store.list()).toMatchObject([{ name: 'a', bytes: 1, meta: { n: 3 } }]);
    await store.remove('a');
    expect([await store.list(), storage.stored.size]).toEqual([[], 0]);
    await expect(store.open('a')).rejects.toMatchObject({ problem: 'missing' });
  });

  it('is whole after an interruption at any moment: the old value or the new, and no leftovers after a sweep', async () => {
    const outcomes = new Set<string>();
    for (let crashAt = 0; ; crashAt++) {
      const storage = new MemoryStorage();
      const store = new BlobStore(storage);
      await store.put('a', [bytes(1, 1, 1)], { label: 'A', bytes: 3 });
      let operations = 0;
      // From the crash on nothing works, as when the tab is closed.
      storage.before = () => {
        if (operations++ >= crashAt) throw new Error('closed');
      };
      await store.put('a', [bytes(2, 2), bytes(2)], { label: 'A', bytes: 3 }).catch(() => {});
      const crashed = operations > crashAt;
      storage.before = () => {};
      const reopened = new BlobStore(storage);
      const content = [...(await contentOf(reopened, 'a'))].join('');
      outcomes.add(content);
      await reopened.verify('a');
      await reopened.sweep(Date.now() + 2 * 60 * 60 * 1000);
      expect(storage.stored.size).toBe(1);
      expect([...(await contentOf(reopened, 'a'))].join('')).toBe(content);
      if (!crashed) break;
    }
    expect([...outcomes].sort()).toEqual(['111', '222']);
  });

  it('notices bytes that did not reach the disk and keeps the old value', async () => {
    const storage = new MemoryStorage();
    const store = new BlobStore(storage);
    await store.put('a', [bytes(1)], { label: 'the weights', bytes: 1 });
    storage.corrupt = (given) => given.map((byte, i) => (i === given.length - 1 ? byte ^ 1 : byte));
    const put = store.put('a', [bytes(2, 3)], { label: 'the weights', bytes: 2 });
    await expect(put).rejects.toThrow(/the weights was not stored whole/);
    expect([...(await contentOf(store, 'a'))]).toEqual([1]);
    expect(storage.stored.size).toBe(1);
  });

  it('notices damage later on', async () => {
    const storage = new MemoryStorage();
    const store = new BlobStore(storage);
    // Two pieces of the hash and a little.
    const large = new Uint8Array(2 * 8 * 2 ** 20 + 5).fill(3);
    const { file } = await store.put('a', [large.subarray(0, 1000), large.subarray(1000)], {
      label: 'A',
      bytes: large.length,
    });
    await store.verify('a');
    storage.stored.get(file)![8 * 2 ** 20 + 1] = 4;
    await expect(store.verify('a')).rejects.toMatchObject({ problem: 'damaged' });
    storage.stored.set(file, bytes(3));
    await expect(store.open('a')).rejects.toThrow(/1 of 16777221 bytes are left/);
  });

  it('says how much room is missing and what may go', async () => {
    const storage = new MemoryStorage();
    const store = new BlobStore(storage);
    await store.put('big', [new Uint8Array(5_000_000)], { label: 'photos', bytes: 5_000_000 });
    await store.put('small', [new Uint8Array(20_000)], { label: 'benchmark', bytes: 20_000 });
    storage.quota = 6_000_000;
    const failure: unknown = await store
      .put('new', [new Uint8Array(1_500_000)], { label: 'the checkpoint of step 20', bytes: 1_500_000 })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StorageError);
    expect(failure).toMatchObject({
      problem: 'full',
      needed: 1_500_000,
      message:
        'No room for the checkpoint of step 20: it takes 1.5 MB; about 980 kB are free. ' +
        'Delete what you no longer need: photos (5.0 MB), benchmark (20 kB)',
    });
    expect((await store.list()).map(({ name }) => name)).toEqual(['big', 'small']);
    expect(storage.stored.size).toBe(2);
  });

  it('takes every name that browsers give a full disk for that', async () => {
    for (const name of ['QuotaExceededError', 'AbortError', 'InvalidStateError']) {
      const storage = new MemoryStorage();
      storage.before = (operation) => {
        if (operation === 'update') throw new DOMException('', name);
      };
      const put = new BlobStore(storage).put('a', [bytes(1)], { label: 'A', bytes: 1 });
      await expect(put, name).rejects.toMatchObject({ problem: 'full', needed: 1 });
      expect(storage.stored.size).toBe(0);
    }
    const storage = new MemoryStorage();
    storage.before = () => {
      throw new TypeError('odd');
    };
    const put = new BlobStore(storage).put('a', [bytes(1)], { label: 'A', bytes: 1 });
    await expect(put).rejects.toMatchObject({ problem: 'failed', message: expect.stringContaining('odd') });
  });

  it('does not sweep what another tab may be writing', async () => {
    const storage = new MemoryStorage();
    storage.stored.set(`${Date.now().toString(36)}-x`, bytes(1));
    expect(await new BlobStore(storage).sweep()).toBe(0);
    expect(await new BlobStore(storage).sweep(Date.now() + 2 * 60 * 60 * 1000)).toBe(1);
  });
});
