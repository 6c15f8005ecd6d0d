/** What an image file's own bytes say, read without decoding a pixel. */
export interface ImageFileInfo {
  format: 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';
  /** As stored, before any rotation. */
  width: number;
  height: number;
  /** Whether pixels may be transparent. */
  alpha: boolean;
  bitDepth: number;
  /** Colour components of a JPEG or PNG, without opacity: 1 grey, 3 colour, 4 CMYK. 3 in other files. */
  components: number;
  /** EXIF orientation, 1 (upright) to 8. */
  orientation: number;
  /** Where in the file the orientation's number is, or the whole chunk that holds it, to neutralise it. */
  orientationAt: { offset: number; littleEndian: boolean } | { from: number; to: number } | undefined;
}

/** A file that cannot be read as an image; the message is the reason, for the person. */
export class ImageFileError extends Error {
  override readonly name = 'ImageFileError';
}
