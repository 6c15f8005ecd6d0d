import type { ImageMode } from '../../src/data/decode.ts';
import type { CropJob, JobResult } from '../../src/data/image-jobs.ts';
import type { Preprocessing } from '../../src/data/preprocess.ts';

/** Files as a test hands them over: base64. */
export interface ImagesPage {
  /** Pixels of a file as the browser's decoder and the mode give them, base64 of RGB. */
  decode(file: string, mode: ImageMode): Promise<JobResult<{ width: number; height: number; rgb: string }>>;
  /** Through an image worker. Values and pixels as base64 of their bytes. */
  prepare(file: string, mode: ImageMode, preprocessing: Preprocessing): Promise<JobResult<string>>;
  crop(file: string, mode: ImageMode, job: CropJob): Promise<JobResult<{ teacher: string; encoder: string }>>;
  examine(file: string): Promise<JobResult<{ sha256: string; width: number; height: number }>>;
  /** Paths and sizes of the last drop, or of the folder input. */
  dropped(): Promise<[string, number][]>;
  picked(): [string, number][];
}

declare global {
  interface Window {
    images?: ImagesPage;
  }
}
