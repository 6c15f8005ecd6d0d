import { crc32 } from 'hash-wasm';
import { ImageFileError } from './image-file.ts';

/**
 * A file inside a zip archive, unpacked when it is read. Survives a structured clone, and costs no memory: `archived`
 * is a slice of the archive.
 */
export interface PackedFile {
  /** From the file's local header on, to where the next thing begins. */
  archived: Blob;
  method: 'stored' | 'deflated';
  /** Bytes in the archive. */
  packedSize: number;
  /** Bytes once unpacked. */
  size: number;
  crc32: number;
}

/** Where a file's bytes are. Both have a `size`. */
export type FileContent = Blob | PackedFile;

/** A file with its path relative to what was given, `/` between parts; every `NamedBlob` is one. */
export interface SourceFile {
  path: string;
  blob: FileContent;
}

/**
 * The bytes of a file, unpacked and compared with the archive's checksum.
 *
 * @throws ImageFileError with the reason: gone, cut off, damaged, larger than it states.
 */
export async function contentBytes(content: FileContent): Promise<Uint8Array<ArrayBuffer>> {
  if (!('archived' in content)) return blobBytes(content);
  const header = await blobBytes(content.archived.slice(0, 30));
  const view = new DataView(header.buffer);
  if (header.length < 30 || view.getUint32(0, true) !== 0x04034b50) {
    throw new ImageFileError('The archive is damaged: the file is not where its list says');
  }
  const start = 30 + view.getUint16(26, true) + view.getUint16(28, true);
  const data = content.archived.slice(start, start + content.packedSize);
  if (data.size < content.packedSize) throw new ImageFileError('The archive is cut off within this file');
  const bytes = content.method === 'stored' ? await blobBytes(data) : await inflate(data, content.size);
  if (bytes.length !== content.size) {
    throw new ImageFileError(`The archive states ${content.size} bytes, and holds ${bytes.length}`);
  }
  if (Number.parseInt(await crc32(bytes), 16) !== content.crc32) {
    throw new ImageFileError('The archive is damaged: the file’s checksum differs');
  }
  return bytes;
}

/** A file as a plain blob, for readers that know no archives. Unpacks it into memory. */
export async function contentBlob(content: FileContent): Promise<Blob> {
  return 'archived' in content ? new Blob([await contentBytes(content)]) : content;
}

/** Stops as soon as more comes out than was stated: a small file may unpack to very many bytes. */
async function inflate(data: Blob, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  try {
    const reader = data.stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (filled + read.value.length > size) {
        await reader.cancel().catch(() => undefined);
        throw new ImageFileError(`The file unpacks to more than the ${size} bytes that its archive states`);
      }
      bytes.set(read.value, filled);
      filled += read.value.length;
    }
  } catch (error) {
    if (error instanceof ImageFileError) throw error;
    throw new ImageFileError('The archive is damaged: the file cannot be unpacked');
  }
  return bytes.subarray(0, filled);
}

async function blobBytes(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw new ImageFileError('The file can no longer be read: it was moved, changed or removed');
  }
}
