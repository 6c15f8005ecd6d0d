import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { BlobStore } from '../src/storage/blobs.ts';
import { openNodeStorage } from './node-storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-storage-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bytes = (...values: number[]) => [Uint8Array.from(values)];

it('keeps values by name over processes, and gives the old or the new one when a write fails', async () => {
  const before = new BlobStore(await openNodeStorage(folder));
  const name = 'embeddings/image/a/reference/cpu/diva';
  await before.put(name, bytes(1, 2), { label: 'rows', bytes: 2, meta: { keys: ['x'] } });
  await before.put('other', bytes(9), { label: 'other', bytes: 1 });
  const failing = (async function* () {
    yield Uint8Array.of(3);
    throw new Error('power cut');
  })();
  await expect(before.put(name, failing, { label: 'rows', bytes: 2 })).rejects.toThrow(/power cut|rows/);

  const store = new BlobStore(await openNodeStorage(folder));
  const { record, blob } = await store.open(name);
  expect([record.meta, [...new Uint8Array(await blob.arrayBuffer())]]).toEqual([{ keys: ['x'] }, [1, 2]]);
  expect((await store.list('embeddings/')).map((each) => each.name)).toEqual([name]);
  await store.put(name, bytes(4, 5, 6), { label: 'rows', bytes: 3 });
  expect((await store.open(name)).blob.size).toBe(3);
  expect(readdirSync(join(folder, 'files'))).toHaveLength(2);
  await store.remove('other');
  expect(await store.get('other')).toBeUndefined();
  expect([readdirSync(join(folder, 'files')).length, readdirSync(join(folder, 'state')).length]).toEqual([
    1, 1,
  ]);
});

it('passes over what is none of its files, and knows a file that was cut', async () => {
  const store = new BlobStore(await openNodeStorage(folder));
  writeFileSync(join(folder, 'state', 'half.json'), '{"key":"blob:em');
  const [only] = await store.list();
  expect(await store.list()).toHaveLength(1);
  truncateSync(join(folder, 'files', only!.file), 1);
  await expect(store.open(only!.name)).rejects.toThrow(/damaged/);
});

it('appends from a byte on', async () => {
  const { files } = await openNodeStorage(folder);
  await files.append('long', 0, bytes(1, 2, 3));
  await files.append('long', 2, bytes(7, 8));
  expect([...new Uint8Array(await (await files.read('long')).arrayBuffer())]).toEqual([1, 2, 7, 8]);
  expect(await files.read('none').catch(() => 'rejected')).toBe('rejected');
});
