import { deviceProblem, type OpenDevice } from './device.ts';
import { DeviceLostError, messageOf, type RuntimeError } from './errors.ts';

const smallBytes = 4096;

/**
 * Reads GPU buffers late: the copy takes its place in the device's queue at once, mapping waits in the background, so
 * that later work is never held up. Small reads (losses, norms) reuse their staging buffers.
 */
export class Readback {
  readonly #opened: OpenDevice;
  readonly #free: GPUBuffer[] = [];

  constructor(opened: OpenDevice) {
    this.#opened = opened;
  }

  /**
   * `length` bytes from the start of a buffer, as they are after the work submitted so far.
   *
   * @param what begins the message of an error, such as `The loss cannot be read`
   */
  async read(buffer: GPUBuffer, length: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
    const staging = this.#copy(buffer, Math.ceil(length / 4) * 4);
    try {
      await staging.mapAsync(GPUMapMode.READ);
    } catch (error) {
      staging.destroy();
      // An error of the GPU is told a moment after what it made impossible.
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw this.#problem(what) ?? new DeviceLostError(what, this.#opened.generation, messageOf(error));
    }
    // Errors of earlier commands have arrived by now.
    const problem = this.#problem(what);
    if (problem) {
      staging.destroy();
      throw problem;
    }
    const result = new Uint8Array(staging.getMappedRange(), 0, length).slice();
    staging.unmap();
    if (staging.size === smallBytes && this.#free.length < 16) this.#free.push(staging);
    else staging.destroy();
    return result;
  }

  #problem(what: string): RuntimeError | null {
    return deviceProblem(this.#opened, what);
  }

  release(): void {
    for (const buffer of this.#free) buffer.destroy();
    this.#free.length = 0;
  }

  #copy(buffer: GPUBuffer, size: number): GPUBuffer {
    const { device } = this.#opened;
    const staging =
      (size <= smallBytes ? this.#free.pop() : undefined) ??
      device.createBuffer({
        size: Math.max(size, smallBytes),
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    return staging;
  }
}
