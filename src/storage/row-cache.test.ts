import { expect, it } from 'vitest';
import { BlobStore } from './blobs.ts';
import { RowCache } from './row-cache.ts';
import { MemoryStorage } from './testing/memory.ts';

it('lets the oldest rows go when the room it may take is full', async () => {
  const storage = new MemoryStorage();
  const open = () => new RowCache(new BlobStore(storage), { prefix: 'rows', label: 'Rows', mostBytes: 40 });
  const cache = open();
  for (const key of ['a', 'b', 'c']) {
    await cache.add('space', new Map([[key, new Float32Array(4).fill(key.charCodeAt(0))]]));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const rows of [cache, open()]) {
    expect(await rows.get('space', 'a')).toBeUndefined();
    expect([...(await rows.get('space', 'b'))!]).toEqual([98, 98, 98, 98]);
    expect([...(await rows.get('space', 'c'))!]).toEqual([99, 99, 99, 99]);
    expect(await rows.get('another', 'c')).toBeUndefined();
  }
});
