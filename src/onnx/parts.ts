import type { ByteSource } from './model.ts';

/** A piece of a file that is being written: bytes in memory, or a range of a source that nobody has to hold. */
export type Part =
  | Uint8Array
  | { readonly source: ByteSource; readonly offset: number; readonly length: number };

/** Bytes of all parts together. */
export const sizeOfParts = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0);

/** All parts as one buffer; for files that fit into memory. */
export async function collect(parts: readonly Part[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeOfParts(parts));
  let at = 0;
  for await (const chunk of streamParts(parts)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * The bytes of all parts in order, in chunks of at most `chunkBytes`. Short parts are joined, so that a model of many
 * small tensors does not become many small writes.
 */
export async function* streamParts(
  parts: readonly Part[],
  chunkBytes = 4 * 2 ** 20,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer = new Uint8Array(0);
  let filled = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const length = Math.min(chunkBytes - filled, part.length - at);
      const bytes =
        part instanceof Uint8Array
          ? part.subarray(at, at + length)
          : await part.source.read(part.offset + at, length);
      at += length;
      if (filled === 0 && length === chunkBytes) {
        yield bytes;
        continue;
      }
      if (buffer.length === 0) buffer = new Uint8Array(chunkBytes);
      buffer.set(bytes, filled);
      filled += length;
      if (filled < chunkBytes) continue;
      yield buffer;
      buffer = new Uint8Array(0);
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
