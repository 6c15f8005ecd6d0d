import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFile } from '../../data/node-files.ts';
import { ModelFolder } from '../../exchange/folder.ts';
import type { ByteSource } from '../../onnx/model.ts';

/** A model that ships with the app, read from the repository. */
export async function builtIn(id: string): Promise<ModelFolder> {
  const base = fileURLToPath(new URL(`../../../public/models/${id}`, import.meta.url));
  const files = new Map<string, ByteSource>();
  for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(base, path), await openFile(path));
  }
  return new ModelFolder(id, files);
}
