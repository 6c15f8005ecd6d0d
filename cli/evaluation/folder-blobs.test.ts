import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderBlobs } from './folder-blobs.ts';

/** Archives by Python's zipfile and tarfile (tools/reference/archives.py), in base64. */
const fixture: { files: Record<string, string>; whole: Record<string, string> } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/archives.json', import.meta.url), 'utf8'),
);

it('gives plain files, and those of archives', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'acuity-folder-'));
  try {
    writeFileSync(join(folder, 'a.png'), 'picture');
    for (const name of ['deflated.zip', 'packed.tar.gz']) {
      writeFileSync(join(folder, name), Buffer.from(fixture.whole[name]!, 'base64'));
    }
    const read = async (path: string) =>
      Promise.all(
        (await folderBlobs(path)).map(async (file) => [
          file.path,
          Buffer.from(await file.blob.arrayBuffer()).toString('base64'),
        ]),
      );
    const inside = (name: string) =>
      Object.entries(fixture.files).map(([path, content]) => [`${name}/${path}`, content]);
    const all = Object.fromEntries([
      ['a.png', Buffer.from('picture').toString('base64')],
      ...inside('deflated.zip'),
      ...inside('packed.tar.gz'),
    ]);
    expect(Object.fromEntries(await read(folder))).toEqual(all);
    expect(Object.fromEntries(await read(join(folder, 'deflated.zip')))).toEqual(
      Object.fromEntries(inside('deflated.zip')),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
