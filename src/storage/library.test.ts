import { describe, expect, it } from 'vitest';
import { BlobStore } from './blobs.ts';
import { Collection } from './collection.ts';
import { Library } from './library.ts';
import { MemoryStorage } from './testing/memory.ts';

const file = (path: string, content: string, type = 'image/png') => ({
  path,
  blob: new Blob([content], { type }),
});
const pause = () => new Promise((resolve) => setTimeout(resolve, 2));

describe('Library', () => {
  it('gives back files with their paths, types and bytes', async () => {
    const storage = new MemoryStorage();
    const library = new Library(new BlobStore(storage));
    const files = [
      file('s/a.png', 'first'),
      file('s/empty.jpg', '', 'image/jpeg'),
      file('s/b.webp', 'second'),
    ];
    const { item } = await library.keep(
      { kind: 'images', id: 'x', name: 'Holiday', summary: { hash: 'h' } },
      files,
    );
    expect(item).toMatchObject({ id: 'x', name: 'Holiday', bytes: 11, files: 3, summary: { hash: 'h' } });
    const opened = await new Library(new BlobStore(storage)).open('images', 'x');
    expect(
      await Promise.all(opened.map(async ({ path, blob }) => [path, blob.type, await blob.text()])),
    ).toEqual([
      ['s/a.png', 'image/png', 'first'],
      ['s/empty.jpg', 'image/jpeg', ''],
      ['s/b.webp', 'image/png', 'second'],
    ]);
    expect(storage.stored.size).toBe(1);
  });

  it('keeps kinds apart, lists the newest first and forgets', async () => {
    const library = new Library(new BlobStore(new MemoryStorage()));
    for (const [kind, id] of [
      ['images', '1'],
      ['model', '1'],
      ['images', '2'],
    ] as const) {
      await library.keep({ kind, id, name: `${kind} ${id}`, summary: null }, [file('f', id)]);
      await pause();
    }
    expect((await library.list()).map(({ name }) => name)).toEqual(['images 2', 'model 1', 'images 1']);
    expect((await library.list('images')).map(({ id }) => id)).toEqual(['2', '1']);
    await library.remove('images', '1');
    await expect(library.open('images', '1')).rejects.toMatchObject({ problem: 'missing' });
    expect(await library.open('model', '1')).toHaveLength(1);
  });

  it('makes room under the cap, oldest first, and spares what is in use', async () => {
    const library = new Library(new BlobStore(new MemoryStorage()), { images: 10 });
    const keep = (id: string, bytes: number, inUse: string[] = []) =>
      library.keep({ kind: 'images', id, name: id, summary: null }, [file('f', 'x'.repeat(bytes))], {
        inUse: new Set(inUse),
      });
    for (const id of ['a', 'b', 'c']) {
      expect((await keep(id, 3)).removed).toEqual([]);
      await pause();
    }
    expect((await keep('d', 3, ['a'])).removed.map(({ id }) => id)).toEqual(['b']);
    expect((await library.list()).map(({ id }) => id).sort()).toEqual(['a', 'c', 'd']);
    // The same id again takes its own place.
    expect((await keep('d', 4)).removed).toEqual([]);
    await expect(keep('e', 8, ['a'])).rejects.toMatchObject({
      problem: 'full',
      message: expect.stringMatching(
        /^e takes 8 bytes, and at most 10 bytes are kept.*3 bytes are in use by runs/,
      ),
    });
    expect((await library.list()).map(({ id }) => id).sort()).toEqual(['a', 'c', 'd']);
  });
});

describe('Collection', () => {
  it('keeps values by id and passes over those of another version', async () => {
    const storage = new MemoryStorage();
    const isNumber = (value: unknown): value is number => typeof value === 'number';
    const runs = new Collection(storage.state, 'run', isNumber);
    await runs.put('a', 1);
    await runs.put('b', 2);
    await new Collection(storage.state, 'run2', isNumber).put('c', 3);
    storage.values.set('run:old', 'text');
    expect(await runs.all()).toEqual([1, 2]);
    expect([await runs.get('a'), await runs.get('old'), await runs.get('none')]).toEqual([
      1,
      undefined,
      undefined,
    ]);
    await runs.remove('a', 'b');
    expect(await runs.all()).toEqual([]);
  });
});
