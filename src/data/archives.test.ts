import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expandArchives, type Spill } from './archives.ts';
import { contentBytes } from './file-content.ts';
import type { FoundFile } from './found-file.ts';
import { bytesOf } from './testing/image-files.ts';

/** Archives by Python's zipfile and tarfile (tools/reference/archives.py), in base64. */
const fixture: {
  files: Record<string, string>;
  whole: Record<string, string>;
  hostile: Record<string, string>;
  bomb: string;
} = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/archives.json', import.meta.url), 'utf8'),
);

const spill: Spill = (stream) => new Response(stream).blob();
const expand = (path: string, bytes: Uint8Array<ArrayBuffer>) =>
  expandArchives([{ path, blob: new Blob([bytes]) }], { spill });
const hostile = (name: string) => expand(name, bytesOf(fixture.hostile[name]!));

/** Path and content of each file, or the reason why it has none. */
async function readAll(found: readonly FoundFile[]): Promise<[string, string][]> {
  const read = async (file: FoundFile) =>
    'refused' in file
      ? file.refused
      : contentBytes(file.blob).then(
          (bytes) => Buffer.from(bytes).toString('base64'),
          (error: Error) => error.message,
        );
  return Promise.all(found.map(async (file): Promise<[string, string]> => [file.path, await read(file)]));
}
const text = (content: string) => Buffer.from(content).toString('base64');

describe('expandArchives', () => {
  it.each(Object.keys(fixture.whole))('lists and reads what Python packed: %s', async (name) => {
    const read = await readAll(await expand(`drop/${name}`, bytesOf(fixture.whole[name]!)));
    expect(Object.fromEntries(read)).toEqual(
      Object.fromEntries(Object.entries(fixture.files).map(([path, file]) => [`drop/${name}/${path}`, file])),
    );
    expect(read[0]![0]).toBe(`drop/${name}/set/a2.txt`);
  });

  it('passes other files on and keeps the order of all', async () => {
    const blob = new Blob(['x']);
    const found = await expandArchives(
      [
        { path: 'c.png', blob },
        { path: 'b.zip', blob: new Blob([bytesOf(fixture.hostile['twice.zip']!)]) },
        { path: 'a.png', blob },
      ],
      {},
    );
    expect(found.map(({ path }) => path)).toEqual(['a.png', 'b.zip/same.txt', 'b.zip/same.txt', 'c.png']);
  });

  it.each(['traversal.zip', 'traversal.tar'])('refuses paths that lead out: %s', async (name) => {
    const found = await hostile(name);
    const refused = found.filter((file) => 'refused' in file);
    expect(refused.map(({ refused: reason }) => reason)).toEqual(
      Array(4).fill('Its path leads out of the archive'),
    );
    expect(found.filter((file) => 'blob' in file).map(({ path }) => path)).toEqual([`${name}/ok/b.txt`]);
  });

  it.each([
    ['lying.zip', /more than the 100 bytes/],
    ['short.zip', /states 100000 bytes, and holds 320/],
    ['huge.zip', /at most 1073741824 are read/],
    ['outside.zip', /cut off|damaged/],
    ['checksum.zip', /checksum differs/],
    ['broken.zip', /cannot be unpacked/],
    ['encrypted.zip', /encrypted/],
    ['method.zip', /packed by method 14/],
    ['cut.zip', /zip archive cannot be read/],
    ['text.zip', /zip archive cannot be read/],
    ['empty.zip', /empty/],
    ['text.tar', /Not a tar archive/],
    ['header.tar', /Not a tar archive|damaged/],
    ['size.tar', /cut off|impossible size/],
    ['cut.tar.gz', /damaged or cut off/],
    ['text.tgz', /damaged or cut off/],
  ])('gives the reason of %s', async (name, reason) => {
    const read = await readAll(await hostile(name));
    expect(read.map(([, content]) => content)).toEqual([expect.stringMatching(reason)]);
  });

  it('names the second of two equal paths, and archives inside archives', async () => {
    expect(await readAll(await hostile('twice.zip'))).toEqual([
      ['twice.zip/same.txt', text('first')],
      ['twice.zip/same.txt', 'Another file has the same path'],
    ]);
    expect(await readAll(await hostile('nested.zip'))).toEqual([
      ['nested.zip/b.txt', text('b')],
      ['nested.zip/inner.zip', expect.stringMatching(/archive inside an archive/)],
    ]);
  });

  it('keeps the files before the place where a tar archive breaks off', async () => {
    const read = await readAll(await hostile('cut.tar'));
    expect(read).toEqual([
      ['cut.tar', expect.stringMatching(/cut off/)],
      ['cut.tar/set/a2.txt', text('two')],
    ]);
  });

  it('stops a bomb before it fills the disk', async () => {
    let written = 0;
    const counting: Spill = async (stream) => {
      const reader = stream.getReader();
      for (let r = await reader.read(); !r.done; r = await reader.read()) written += r.value.length;
      return new Blob([]);
    };
    const bomb = new Uint8Array(inflateSync(bytesOf(fixture.bomb)));
    const found = await expandArchives([{ path: 'b.tar.gz', blob: new Blob([bomb]) }], { spill: counting });
    expect(found).toEqual([{ path: 'b.tar.gz', refused: expect.stringMatching(/over 100 times its size/) }]);
    expect(written).toBeLessThan(2 ** 26 + 101 * bomb.length);
  });

  it('stops when cancelled', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(
      expandArchives([{ path: 'a.png', blob: new Blob([]) }], { signal: stop.signal }),
    ).rejects.toThrow('enough');
  });
});
