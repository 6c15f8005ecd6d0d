/** The pixels of one square crop, for both branches. RGB bytes, row by row. */
export interface CropPixels {
  /** [teacherSize, teacherSize, 3] */
  teacher: Uint8Array;
  /** [encoderSize, encoderSize, 3] */
  encoder: Uint8Array;
}

export interface CropRequest {
  /** Index of the image in its set. */
  image: number;
  /** Smallest share of the area that the crop keeps; 1 takes the centre square. */
  scale: number;
  /** Uniform numbers in [0, 1) that decide the crop. */
  uniforms: readonly number[];
  teacherSize: number;
  encoderSize: number;
}

/** Where the loop gets its images: the pool of image workers in a browser, plain functions in tests and under Node. */
export interface CropSource {
  readonly count: number;
  crop(request: CropRequest): Promise<CropPixels>;
}

/**
 * RGB bytes to one image of an NCHW float batch, (x / 255 - mean) / std.
 *
 * @param pixels [size, size, 3]
 * @param out the batch's elements
 * @param slot index of the image in the batch
 */
export function toPlanes(
  pixels: Uint8Array,
  size: number,
  mean: readonly number[],
  std: readonly number[],
  out: Float32Array,
  slot: number,
): void {
  const plane = size * size;
  const start = slot * 3 * plane;
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * std[channel]!);
    const shift = mean[channel]! / std[channel]!;
    const at = start + channel * plane;
    for (let i = 0; i < plane; i++) out[at + i] = pixels[3 * i + channel]! * scale - shift;
  }
}
