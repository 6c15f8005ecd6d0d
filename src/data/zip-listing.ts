import { BlobReader, type FileEntry, ZipReader } from '@zip.js/zip.js/lib/zip-core.js';
import { ArchiveError, type FoundFile } from './found-file.ts';

/** Beyond the header's 30 bytes and the name: room for the extra fields of a local header, at most 64 KiB. */
const headerRoom = 30 + 2 * 0xffff;

/**
 * The files of a zip archive as its central directory lists them, Zip64 too. Nothing but that directory is read.
 *
 * @throws ArchiveError when there is no directory to read
 */
export async function* zipEntries(archive: Blob): AsyncGenerator<FoundFile> {
  const reader = new ZipReader(new BlobReader(archive), { strictness: 'tolerant' });
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (!entry.directory) yield found(archive, entry);
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new ArchiveError(
      `The zip archive cannot be read: it is cut off or damaged (${detail}). Download or pack it again`,
    );
  }
}

function found(archive: Blob, entry: FileEntry): FoundFile {
  const { filename: path, offset, compressedSize, uncompressedSize, compressionMethod, crc32 } = entry;
  if (entry.encrypted)
    return { path, refused: 'It is encrypted: unpack the archive with its password first' };
  if (compressionMethod !== 0 && compressionMethod !== 8) {
    return {
      path,
      refused: `It is packed by method ${compressionMethod}; stored and deflated ones are read. Pack the archive again`,
    };
  }
  if (offset + 30 + compressedSize > archive.size)
    return { path, refused: 'The archive is cut off within this file' };
  return {
    path,
    blob: {
      archived: archive.slice(offset, Math.min(archive.size, offset + headerRoom + compressedSize)),
      method: compressionMethod === 0 ? 'stored' : 'deflated',
      packedSize: compressedSize,
      size: uncompressedSize,
      crc32: (crc32 ?? 0) >>> 0,
    },
  };
}
