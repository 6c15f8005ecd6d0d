import { inspectAvif } from './avif-file.ts';
import { ImageFileError, type ImageFileInfo } from './image-file-info.ts';

export { ImageFileError, type ImageFileInfo };

/**
 * Reads the structure of a PNG, JPEG, WebP, AVIF or GIF file and makes sure that it is whole.
 *
 * @throws ImageFileError with the reason: empty, cut off, another kind of file.
 */
export function inspectImageFile(bytes: Uint8Array): ImageFileInfo {
  if (bytes.length === 0) throw new ImageFileError('The file is empty');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (startsWith(bytes, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
      return inspectPng(bytes, view);
    if (startsWith(bytes, 0, [0xff, 0xd8, 0xff])) return inspectJpeg(bytes, view);
    if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 4) === 'WEBP') return inspectWebp(bytes, view);
    if (text(bytes, 0, 4) === 'GIF8') return inspectGif(view);
    if (/^ftypavi[fs]/.test(text(bytes, 4, 8))) return inspectAvif(bytes, view);
  } catch (error) {
    // A DataView refuses to read past the end.
    if (error instanceof RangeError) throw cutOff();
    throw error;
  }
  throw new ImageFileError(`${kindOf(bytes)}; PNG, JPEG, WebP, AVIF and GIF are read`);
}

/**
 * The file with its orientation set to upright, so that a decoder gives the pixels as stored. Returns the same bytes
 * when there is nothing to change.
 */
export function neutraliseOrientation(bytes: Uint8Array, info: ImageFileInfo): Uint8Array {
  const at = info.orientationAt;
  if (!at || info.orientation === 1) return bytes;
  if ('from' in at) {
    const rest = new Uint8Array(bytes.length - (at.to - at.from));
    rest.set(bytes.subarray(0, at.from));
    rest.set(bytes.subarray(at.to), at.from);
    return rest;
  }
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint16(at.offset, 1, at.littleEndian);
  return copy;
}

const cutOff = () => new ImageFileError('The file is cut off before its end');
const broken = (what: string) => new ImageFileError(`The file is damaged: ${what}`);

type Orientation = Pick<ImageFileInfo, 'orientation' | 'orientationAt'>;
const upright: Orientation = { orientation: 1, orientationAt: undefined };

/** PNG (Portable Network Graphics, third edition), sections 5.3, 11.2.1, 11.3.1.1 and the eXIf chunk. */
function inspectPng(bytes: Uint8Array, view: DataView): ImageFileInfo {
  if (bytes.length < 33) throw cutOff();
  if (text(bytes, 12, 4) !== 'IHDR') throw broken('its header is missing');
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const bitDepth = view.getUint8(24);
  const colourType = view.getUint8(25);
  const components = colourType === 0 || colourType === 4 ? 1 : 3;
  if (width === 0 || height === 0) throw broken('it has no pixels');
  let alpha = colourType === 4 || colourType === 6;
  let rotation = upright;
  let pixels = false;
  for (let at = 8; ; ) {
    const length = view.getUint32(at);
    const type = text(bytes, at + 4, 4);
    if (at + 12 + length > bytes.length) throw cutOff();
    if (type === 'IEND') break;
    if (type === 'tRNS') alpha = true;
    if (type === 'IDAT') pixels = true;
    if (type === 'eXIf') {
      // The chunk goes as a whole: a changed number would need a new checksum.
      const { orientation } = readExif(bytes, at + 8, length);
      rotation = { orientation, orientationAt: { from: at, to: at + 12 + length } };
    }
    at += 12 + length;
  }
  if (!pixels) throw broken('it holds no pixel data');
  return { format: 'png', width, height, alpha, bitDepth, components, ...rotation };
}

/** JPEG (ITU-T T.81), annex B; EXIF in APP1. */
function inspectJpeg(bytes: Uint8Array, view: DataView): ImageFileInfo {
  let frame: Pick<ImageFileInfo, 'width' | 'height' | 'bitDepth' | 'components'> | undefined;
  let rotation = upright;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) throw broken('a marker is missing');
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0xd9) throw broken('it holds no pixel data');
    const length = view.getUint16(at + 2);
    // SOF0 to SOF15 but for DHT, JPG and DAC.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      frame = {
        bitDepth: view.getUint8(at + 4),
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: view.getUint8(at + 9),
      };
    }
    if (marker === 0xe1 && text(bytes, at + 4, 6) === 'Exif\0\0') {
      rotation = readExif(bytes, at + 10, length - 8);
    }
    if (marker === 0xda) {
      if (!endsAfter(bytes, at + 2 + length)) throw cutOff();
      break;
    }
    at += 2 + length;
    if (at >= bytes.length) throw cutOff();
  }
  if (!frame || frame.width === 0 || frame.height === 0) throw broken('its size is missing');
  return { format: 'jpeg', alpha: false, ...frame, ...rotation };
}

/** Whether an end marker follows the pixel data; some cameras add bytes after it. */
function endsAfter(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.lastIndexOf(0xd9); at > from; at = bytes.lastIndexOf(0xd9, at - 1)) {
    if (bytes[at - 1] === 0xff) return true;
  }
  return false;
}

/** WebP (RFC 9649), section 2: VP8, VP8L and VP8X. */
function inspectWebp(bytes: Uint8Array, view: DataView): ImageFileInfo {
  const end = view.getUint32(4, true) + 8;
  if (end > bytes.length) throw cutOff();
  let size: { width: number; height: number } | undefined;
  let alpha = false;
  let rotation = upright;
  for (let at = 12; at + 8 <= end; ) {
    const type = text(bytes, at, 4);
    const length = view.getUint32(at + 4, true);
    const data = at + 8;
    if (data + length > end) throw cutOff();
    if (type === 'VP8X') {
      alpha ||= (view.getUint8(data) & 0x10) !== 0;
      if ((view.getUint8(data) & 0x02) !== 0) throw new ImageFileError('An animation; still images are read');
      size ??= {
        width: (view.getUint32(data + 4, true) & 0xffffff) + 1,
        height: (view.getUint32(data + 6, true) >>> 8) + 1,
      };
    } else if (type === 'VP8L') {
      const packed = view.getUint32(data + 1, true);
      alpha ||= (packed & (1 << 28)) !== 0;
      size ??= { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
    } else if (type === 'VP8 ') {
      size ??= {
        width: view.getUint16(data + 6, true) & 0x3fff,
        height: view.getUint16(data + 8, true) & 0x3fff,
      };
    } else if (type === 'EXIF') {
      const prefix = text(bytes, data, 6) === 'Exif\0\0' ? 6 : 0;
      rotation = readExif(bytes, data + prefix, length - prefix);
    }
    at = data + length + (length & 1);
  }
  if (!size) throw broken('it holds no pixel data');
  return { format: 'webp', ...size, alpha, bitDepth: 8, components: 3, ...rotation };
}

/** GIF89a (CompuServe), sections 17 to 24: blocks up to the trailer. */
function inspectGif(view: DataView): ImageFileInfo {
  const width = view.getUint16(6, true);
  const height = view.getUint16(8, true);
  if (width === 0 || height === 0) throw broken('it has no pixels');
  const tableSize = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let alpha = false;
  let frames = 0;
  for (let at = 13 + tableSize(view.getUint8(10)); ; ) {
    const kind = view.getUint8(at);
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      // Graphic control extension: whether a colour of the next frame is transparent.
      if (frames === 0 && view.getUint8(at + 1) === 0xf9) alpha = (view.getUint8(at + 3) & 1) !== 0;
      at += 2;
    } else if (kind === 0x2c) {
      const covers = view.getUint16(at + 5, true) >= width && view.getUint16(at + 7, true) >= height;
      if (frames === 0 && !covers) alpha = true;
      frames++;
      at += 11 + tableSize(view.getUint8(at + 9));
    } else throw broken('a block of an unknown kind');
    for (let length = view.getUint8(at); length > 0; length = view.getUint8(at)) at += 1 + length;
    at += 1;
  }
  if (frames === 0) throw broken('it holds no pixel data');
  return { format: 'gif', width, height, alpha, bitDepth: 8, components: 3, ...upright };
}

/** The orientation tag (0x0112) of the first directory of a TIFF structure; upright when it cannot be read. */
function readExif(bytes: Uint8Array, start: number, length: number): Orientation {
  const end = Math.min(bytes.length, start + length);
  if (end - start < 14) return upright;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const littleEndian = view.getUint16(0) === 0x4949;
  if ((!littleEndian && view.getUint16(0) !== 0x4d4d) || view.getUint16(2, littleEndian) !== 42)
    return upright;
  const directory = view.getUint32(4, littleEndian);
  if (directory + 2 > view.byteLength) return upright;
  const entries = view.getUint16(directory, littleEndian);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > view.byteLength) return upright;
    if (view.getUint16(entry, littleEndian) !== 0x0112) continue;
    const orientation = view.getUint16(entry + 8, littleEndian);
    if (orientation < 1 || orientation > 8) return upright;
    return { orientation, orientationAt: { offset: start + entry + 8, littleEndian } };
  }
  return upright;
}

/** Names what the bytes are instead, as far as their beginning tells. */
function kindOf(bytes: Uint8Array): string {
  const head = text(bytes, 0, 512);
  if (head.startsWith('BM')) return 'A BMP image';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'A TIFF image';
  if (head.slice(4, 8) === 'ftyp') return 'A HEIC image or a video';
  if (head.startsWith('PK\x03\x04')) return 'A zip archive';
  if (head.startsWith('%PDF')) return 'A PDF document';
  if (/^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?<svg/i.test(head)) return 'An SVG drawing';
  if (/^\s*<(!doctype html|html)/i.test(head)) return 'A web page, perhaps a failed download';
  return 'Not an image';
}

function startsWith(bytes: Uint8Array, at: number, wanted: readonly number[]): boolean {
  return wanted.every((byte, i) => bytes[at + i] === byte);
}

/** Bytes as Latin-1 characters. */
const text = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));
