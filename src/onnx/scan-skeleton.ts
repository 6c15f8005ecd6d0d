import { UnsupportedModelError } from './errors.ts';
import { limits } from './limits.ts';

/** Bytes kept for the length of a message, which is known only when it ends: a varint may be padded. */
const lengthBytes = 5;

/** Writes protobuf fields into a growing buffer. */
export class SkeletonWriter {
  readonly #file: string;
  #bytes = new Uint8Array(2 ** 16);
  #length = 0;

  constructor(file: string) {
    this.#file = file;
  }

  varint(value: number): void {
    this.#reserve(10);
    for (; value >= 0x80; value = Math.floor(value / 128)) this.#bytes[this.#length++] = (value % 128) | 0x80;
    this.#bytes[this.#length++] = value;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Begins a message and returns the mark that `close` takes. */
  open(): number {
    this.#reserve(lengthBytes);
    this.#length += lengthBytes;
    return this.#length;
  }

  /** Ends the message begun at a mark and writes its length before it. */
  close(mark: number): void {
    let length = this.#length - mark;
    for (let i = mark - lengthBytes; i < mark; i++) {
      this.#bytes[i] = (length % 128) | (i < mark - 1 ? 0x80 : 0);
      length = Math.floor(length / 128);
    }
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    if (need > limits.skeletonBytes) {
      throw new UnsupportedModelError(
        `The model without its weights takes more than ${limits.skeletonBytes} bytes`,
        {
          file: this.#file,
        },
      );
    }
    const grown = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
