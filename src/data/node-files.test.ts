import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFile } from './node-files.ts';

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
