import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { sortNaturally } from '../../src/data/sources.ts';

/** A file that is read when it is asked for: listing a large folder costs no memory. */
class FileBlob extends Blob {
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await readFile(this.#path);
    return new Uint8Array(bytes).buffer;
  }

  override text(): Promise<string> {
    return readFile(this.#path, 'utf8');
  }
}

/** All files under a folder, paths relative to it with `/` between parts, in natural order; hidden ones left out. */
export async function folderBlobs(folder: string): Promise<NamedBlob[]> {
  const found: NamedBlob[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    const path = relative(folder, full).split(sep).join('/');
    if (path.split('/').some((part) => part.startsWith('.'))) continue;
    found.push({ path, blob: new FileBlob(full) });
  }
  return sortNaturally(found);
}
