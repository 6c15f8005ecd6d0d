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
  /** Uniform numbers in [0, 1) that decide the crop (`numbersPerCrop` of src/data/training-crop.ts). */
  uniforms: readonly number[];
  teacherSize: number;
  encoderSize: number;
}

/** Where the loop gets its images: the pool of image workers in a browser, plain functions in tests and under Node. */
export interface CropSource {
  readonly count: number;
  crop(request: CropRequest): Promise<CropPixels>;
}
