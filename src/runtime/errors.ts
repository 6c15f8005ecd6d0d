/** A session, tensor or device was used wrongly, or ONNX Runtime refused; the message says what to do. */
export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError';
}

/**
 * The GPU device is gone (driver reset, GPU process crash, sleep). Its buffers are gone too: open a new device,
 * make the sessions again and fill the weights from the last checkpoint.
 */
export class DeviceLostError extends RuntimeError {
  override readonly name = 'DeviceLostError';
  /** Generation of the device that was lost; signals of an older generation say nothing about the present one. */
  readonly generation: number;

  constructor(what: string, generation: number, cause: string) {
    super(
      `${what}: the GPU device was lost (${cause}). Open the device again and continue from the last checkpoint`,
    );
    this.generation = generation;
  }
}

/**
 * The GPU had no memory for something. WebGPU tells so late, and what was made without memory holds no numbers:
 * nothing on the device can be used any more.
 */
export class OutOfMemoryError extends RuntimeError {
  override readonly name = 'OutOfMemoryError';

  constructor(what: string, heldBytes: number | null, cause: string) {
    const held = heldBytes === null ? '' : ` with ${sizeOf(heldBytes)} of weights and results on it`;
    super(
      `${what}: the GPU's memory is full${held} (${cause}). Take a smaller batch, float16 models, recomputation, LoRA or fewer blocks, or close other tabs that use the GPU; then start again or continue from the last checkpoint`,
    );
  }
}

const sizeOf = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

/** The message of anything thrown; ONNX Runtime also throws bare numbers and strings. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
