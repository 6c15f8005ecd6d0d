/** Decoded pixels: 8-bit RGB without padding, [height, width, 3]. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** A rectangle of whole pixels inside an image. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * Cuts a rectangle out. Where the rectangle passes the image's edges, the result is black, as in the centre crop of
 * `transformers` for images smaller than the crop.
 */
export function cropImage(image: RgbImage, box: Box): RgbImage {
  const data = new Uint8Array(box.width * box.height * 3);
  const left = Math.max(0, box.left);
  const right = Math.min(image.width, box.left + box.width);
  for (let y = Math.max(0, box.top); y < Math.min(image.height, box.top + box.height); y++) {
    const row = image.data.subarray((y * image.width + left) * 3, (y * image.width + right) * 3);
    data.set(row, ((y - box.top) * box.width + left - box.left) * 3);
  }
  return { width: box.width, height: box.height, data };
}
