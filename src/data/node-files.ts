import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ByteSource } from '../onnx/model.ts';
import { type Part, streamParts } from '../onnx/parts.ts';
import { checkRange } from '../onnx/sources.ts';

/**
 * Opens a file under Node as a source of byte ranges. The file must stay as it is until `close`.
 *
 * @throws the file system's error where the path cannot be opened.
 */
export async function openFile(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  const name = basename(path);
  return {
    name,
    size,
    async read(offset, length) {
      checkRange(name, size, offset, length);
      const bytes = new Uint8Array(length);
      for (let filled = 0; filled < length; ) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new RangeError(`${name} has become shorter than ${offset + length} bytes`);
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/**
 * The other files of a folder as sources, by name: where a model's external data may lie. They are opened on the
 * first read and read without being held, so that a folder of many files costs nothing.
 *
 * @param except name of the file that is already open
 */
export async function siblings(folder: string, except: string): Promise<Map<string, ByteSource>> {
  const found = new Map<string, ByteSource>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name === except) continue;
    const path = join(folder, entry.name);
    found.set(entry.name, lazyFile(path, (await stat(path)).size));
  }
  return found;
}

function lazyFile(path: string, size: number): ByteSource {
  return {
    name: basename(path),
    size,
    async read(offset, length) {
      const file = await openFile(path);
      try {
        return await file.read(offset, length);
      } finally {
        await file.close();
      }
    },
  };
}

/**
 * Writes parts to a file; at most a few megabytes are in memory at once. A file of that name is replaced when the new
 * one is whole, so that parts may be ranges of the very file that they replace.
 */
export async function writeParts(path: string, parts: readonly Part[]): Promise<void> {
  const partial = `${path}.partial`;
  const handle = await open(partial, 'w');
  try {
    for await (const chunk of streamParts(parts)) await handle.writeFile(chunk);
    await handle.close();
    await rename(partial, path);
  } catch (error) {
    await handle.close();
    await rm(partial, { force: true });
    throw error;
  }
}
