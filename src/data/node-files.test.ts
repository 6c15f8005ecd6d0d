import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFile, writeParts } from './node-files.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acuity-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('openFile', () => {
  it('reads ranges, under the name of the file alone', async () => {
    const path = join(folder, 'numbers.bin');
    await writeFile(
      path,
      Uint8Array.from({ length: 100 }, (_, i) => i),
    );
    const source = await openFile(path);
    expect(source.name).toBe('numbers.bin');
    expect(source.size).toBe(100);
    expect([...(await source.read(97, 3))]).toEqual([97, 98, 99]);
    await expect(source.read(98, 3)).rejects.toThrow('Bytes 98 to 101 of numbers.bin');
    await truncate(path, 50);
    await expect(source.read(40, 20)).rejects.toThrow('numbers.bin has become shorter than 60 bytes');
    await source.close();
  });

  it('rejects a path that is not there', async () => {
    await expect(openFile(join(folder, 'absent.bin'))).rejects.toThrow('ENOENT');
  });
});

describe('writeParts', () => {
  it('replaces a file by parts of itself', async () => {
    const path = join(folder, 'turned.bin');
    await writeFile(path, Uint8Array.of(1, 2, 3, 4));
    const source = await openFile(path);
    await writeParts(path, [
      { source, offset: 2, length: 2 },
      Uint8Array.of(9),
      { source, offset: 0, length: 2 },
    ]);
    await source.close();
    expect([...(await readFile(path))]).toEqual([3, 4, 9, 1, 2]);
  });

  it('leaves what is there when a part cannot be read', async () => {
    const path = join(folder, 'kept.bin');
    await writeFile(path, Uint8Array.of(5, 6));
    const source = await openFile(path);
    await expect(writeParts(path, [{ source, offset: 1, length: 2 }])).rejects.toThrow(RangeError);
    await source.close();
    expect([...(await readFile(path))]).toEqual([5, 6]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });
});
