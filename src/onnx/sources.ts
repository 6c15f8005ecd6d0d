import type { ByteSource } from './model.ts';

/** Bytes in memory as a source. Reads are views, not copies. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      checkRange(name, bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A Blob or File as a source: only what is read comes into memory. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, length) {
      checkRange(name, blob.size, offset, length);
      const piece = blob.slice(offset, offset + length);
      return (length >= streamedBytes && (await filled(piece))) || new Uint8Array(await piece.arrayBuffer());
    },
  };
}

/** Pieces of at least this size are streamed. */
const streamedBytes = 2 ** 20;

/**
 * The bytes of a Blob, streamed into one buffer; null where the browser cannot do that. Chromium keeps what
 * `arrayBuffer()` reads for as long as it likes: a gigabyte of pieces that nobody looks at any more.
 */
async function filled(blob: Blob): Promise<Uint8Array | null> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = blob.stream().getReader({ mode: 'byob' });
  } catch {
    return null;
  }
  let buffer = new ArrayBuffer(blob.size);
  for (let at = 0; at < blob.size; ) {
    const { value, done } = await reader.read(new Uint8Array(buffer, at));
    if (done)
      throw new Error(`The file ended ${blob.size - at} bytes early: it was changed while it was read`);
    at += value.byteLength;
    buffer = value.buffer;
  }
  return new Uint8Array(buffer);
}

/** Throws a RangeError where a read would pass the end of a source of `size` bytes. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new RangeError(`Bytes ${offset} to ${offset + length} of ${name} are asked for, which has ${size}`);
}
