export type Backend = 'wasm' | 'webgpu';

/** An encoder that turns image files into embeddings. */
export interface ImageContestant {
  /** Batches that it can take; each is ready when it has been asked for once. */
  embed(files: readonly Blob[], batch: number): Promise<Float32Array[]>;
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
  | { seconds: number; embeddings: Float32Array[] }
  | { problem: string };
