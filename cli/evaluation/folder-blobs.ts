import { openAsBlob, rmSync } from 'node:fs';
import { mkdtemp, open, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative, sep } from 'node:path';
import { expandArchives, isArchive, plainFiles, type Spill } from '../../src/data/archives.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';

/**
 * All files under a folder, and those inside its archives (zip, tar, tar.gz), paths relative to it with `/` between
 * parts, in natural order; hidden ones left out. Plain files stay on disk until they are read.
 *
 * @param folder may be an archive itself
 */
export async function folderBlobs(folder: string): Promise<NamedBlob[]> {
  if (isArchive({ path: folder })) {
    return unpacked([{ path: basename(folder), blob: await openAsBlob(folder) }]);
  }
  const found: NamedBlob[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    const path = relative(folder, full).split(sep).join('/');
    if (path.split('/').some((part) => part.startsWith('.'))) continue;
    found.push({ path, blob: await openAsBlob(full) });
  }
  return unpacked(found);
}

/** The files, those inside archives in place of them. */
export const unpacked = async (files: readonly NamedBlob[]): Promise<NamedBlob[]> =>
  plainFiles(await expandArchives(files, { spill: nodeSpill }));

/** Unpacks to a temporary file, which goes when the process ends. */
const nodeSpill: Spill = async (stream, name) => {
  const folder = await mkdtemp(join(tmpdir(), 'acuity-'));
  process.once('exit', () => void rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, basename(name));
  const file = await open(path, 'w');
  try {
    for await (const chunk of stream) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
  return openAsBlob(path);
};
