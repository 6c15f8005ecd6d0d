import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ByteSource } from '../onnx/model.ts';
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
