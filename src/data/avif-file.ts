import { ImageFileError, type ImageFileInfo } from './image-file-info.ts';

/** Boxes that hold others, with the bytes before the first of them. */
const containers: Partial<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 };

/**
 * Reads the structure of an AVIF file (ISO/IEC 23008-12, AV1 Image File Format): size, depth, transparency.
 *
 * @throws ImageFileError cut off, damaged, or with a rotation of its own
 */
export function inspectAvif(bytes: Uint8Array, view: DataView): ImageFileInfo {
  let width = 0;
  let height = 0;
  let alpha = false;
  let bitDepth = 8;
  let content = false;
  const walk = (from: number, to: number): void => {
    for (let at = from; at + 8 <= to; ) {
      const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      const stated = view.getUint32(at);
      const length = stated === 1 ? Number(view.getBigUint64(at + 8)) : stated === 0 ? to - at : stated;
      const data = at + (stated === 1 ? 16 : 8);
      if (at + length > to || length < 8) {
        throw new ImageFileError('The file is cut off before its end');
      }
      const skip = containers[type];
      if (skip !== undefined) walk(data + skip, at + length);
      // A grid has the size of the whole, which is the largest, and that of its tiles.
      if (type === 'ispe' && view.getUint32(data + 4) >= width && view.getUint32(data + 8) >= height) {
        width = view.getUint32(data + 4);
        height = view.getUint32(data + 8);
      }
      if (type === 'auxC') alpha ||= textAt(data + 4, at + length).includes(':alpha');
      // AV1CodecConfigurationBox: high_bitdepth and twelve_bit.
      if (type === 'av1C' && (view.getUint8(data + 2) & 0x40) !== 0) {
        bitDepth = (view.getUint8(data + 2) & 0x20) !== 0 ? 12 : 10;
      }
      const turned = type === 'irot' && (view.getUint8(data) & 3) !== 0;
      if (turned || type === 'imir') {
        throw new ImageFileError('An AVIF image that is stored turned or mirrored: save it upright');
      }
      if (type === 'mdat') content ||= length > 8;
      at += length;
    }
  };
  const textAt = (from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));
  walk(0, bytes.length);
  if (!content || width === 0 || height === 0) {
    throw new ImageFileError('The file is damaged: it holds no pixel data');
  }
  return {
    format: 'avif',
    width,
    height,
    alpha,
    bitDepth,
    components: 3,
    orientation: 1,
    orientationAt: undefined,
  };
}
