export type Backend = 'wasm' | 'webgpu';

/** An encoder that turns image files into embeddings. */
export interface ImageContestant {
  /**
   * @param batch images at a time, ready when it has been asked for once; one that measures which is best takes its own
   * @returns an embedding each, and the batch that it took last
   */
  embed(files: readonly Blob[], batch: number): Promise<{ rows: Float32Array[]; batch: number }>;
  /** In words: threads, adapter. */
  setting: string;
}

export interface ImageOpening {
  library: 'acuity' | 'transformers.js';
  backend: Backend;
  /** Address of the model's folder, in the layout of transformers.js repositories, with a slash at its end. */
  model: string;
  threads: number;
}

export type ImageRequest = { open: ImageOpening } | { files: Blob[]; batch: number };

export type ImageReply =
  | { setting: string }
  | { seconds: number; batch: number; embeddings: Float32Array[] }
  | { problem: string };
