/** One regular file of a tar archive: where its bytes are. */
export interface TarEntry {
  path: string;
  /** Of the first byte of its content. */
  offset: number;
  size: number;
}

/** Reads up to `length` bytes from `offset` on; fewer at the end of the archive. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

/** An archive whose structure cannot be followed; the message is the reason, for the person. */
export class TarError extends Error {
  override readonly name = 'TarError';
}

const block = 512;
/** Headers are read in windows: small files come many to a read, large ones are jumped over. */
const windowSize = 2 ** 20;
const largeFile = windowSize / 4;
/** Longest extended header (names) that is read. */
const longestExtension = 2 ** 20;

/**
 * The regular files of a tar archive (POSIX.1-2001: ustar and pax; GNU long names and base-256 sizes), in their order.
 * Contents are jumped over. An archive that breaks off within a file gives the files before it, then throws.
 *
 * @param size bytes of the whole archive
 * @throws TarError at the first header that is damaged or whose content passes the archive's end
 */
export async function* tarEntries(size: number, read: ReadRange): AsyncGenerator<TarEntry> {
  let window: Uint8Array = new Uint8Array();
  let windowAt = 0;
  let jumped = false;
  const bytesAt = async (offset: number, length: number): Promise<Uint8Array> => {
    if (offset < windowAt || offset + length > windowAt + window.length) {
      window = await read(offset, Math.max(jumped ? 8 * block : windowSize, length));
      windowAt = offset;
    }
    return window.subarray(offset - windowAt, offset - windowAt + length);
  };

  let longName: string | undefined;
  let extended = new Map<string, string>();
  let global = new Map<string, string>();
  for (let at = 0; at < size; ) {
    const header = await bytesAt(at, block);
    if (header.length < block) throw cutOff();
    // Two blocks of zeros end an archive; some writers leave one.
    if (header.every((byte) => byte === 0)) return;
    if (!checksumHolds(header)) {
      throw new TarError(
        at === 0 ? 'Not a tar archive' : `The archive is damaged: its header at byte ${at} is not one`,
      );
    }
    const type = String.fromCharCode(header[156]!);
    const stated = extended.get('size') ?? global.get('size');
    const length = stated === undefined || isExtension(type) ? numberOf(header, 124, 12) : Number(stated);
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new TarError(`The archive is damaged: a file at byte ${at} states an impossible size`);
    }
    const content = at + block;
    if (content + length > size) throw cutOff();
    at = content + Math.ceil(length / block) * block;
    jumped = length > largeFile;
    if (isExtension(type)) {
      if (length > longestExtension) throw new TarError('The archive is damaged: a name is over 1 MiB long');
      const bytes = await bytesAt(content, length);
      if (type === 'L') longName = utf8(bytes).replace(/\0.*$/s, '');
      if (type === 'x') extended = paxRecords(bytes);
      if (type === 'g') global = new Map([...global, ...paxRecords(bytes)]);
      continue;
    }
    // '0' and NUL are regular files, '7' is read as one; links, devices and folders hold nothing.
    if (type === '0' || type === '\0' || type === '7') {
      const path = extended.get('path') ?? longName ?? global.get('path') ?? nameOf(header);
      if (!path.endsWith('/')) yield { path, offset: content, size: length };
    }
    longName = undefined;
    extended = new Map();
  }
}

const cutOff = () => new TarError('The archive is cut off before its end');
const isExtension = (type: string): boolean => 'LKxg'.includes(type);

function checksumHolds(header: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  return sum === numberOf(header, 148, 8);
}

/** Octal digits, or GNU's base 256 where the first bit is set. NaN when it is neither. */
function numberOf(header: Uint8Array, at: number, length: number): number {
  if (header[at]! & 0x80) {
    let value = header[at]! & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + header[at + i]!;
    return value;
  }
  const digits = textOf(header, at, length).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

function nameOf(header: Uint8Array): string {
  const name = textOf(header, 0, 100);
  // Old GNU headers ("ustar  ") have other fields where POSIX has the prefix.
  const prefix = textOf(header, 257, 6) === 'ustar' && header[263] === 0x30 ? textOf(header, 345, 155) : '';
  return prefix ? `${prefix}/${name}` : name;
}

/** Lines "length key=value\n", the length counting the whole line. */
function paxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(utf8(bytes.subarray(at, space)));
    if (space < 0 || !Number.isInteger(length) || length < 5 || at + length > bytes.length) {
      throw new TarError('The archive is damaged: an extended header cannot be read');
    }
    const record = utf8(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** Up to the first NUL. */
function textOf(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return utf8(end < 0 ? field : field.subarray(0, end));
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
