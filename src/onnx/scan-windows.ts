import { MalformedModelError } from './errors.ts';
import type { ByteSource } from './model.ts';
import { wire } from './scan-fields.ts';

const smallest = 2 ** 14;
const largest = 2 ** 20;

/**
 * A cursor over a source that holds one window of it at a time. Windows grow while reading goes straight on and
 * start small after a jump, so that hopping over weights reads little of them.
 */
export class Windows {
  /** Where the next byte is read, from the start of the source. */
  position = 0;
  readonly #source: ByteSource;
  readonly #file: string;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #next = smallest;

  constructor(source: ByteSource, file: string) {
    this.#source = source;
    this.#file = file;
  }

  /** Whether the next `length` bytes are in the window. */
  holds(length: number): boolean {
    return this.position >= this.#start && this.position + length <= this.#start + this.#bytes.length;
  }

  /** Brings the next `length` bytes into the window; they must lie within the source. */
  async load(length: number): Promise<void> {
    const goesOn = this.position >= this.#start && this.position <= this.#start + this.#bytes.length;
    this.#next = goesOn ? Math.min(2 * this.#next, largest) : smallest;
    const want = Math.min(Math.max(length, this.#next), this.#source.size - this.position);
    this.#bytes = await this.#source.read(this.position, want);
    this.#start = this.position;
    if (this.#bytes.length !== want) throw this.cut();
  }

  /** The next `length` bytes, which the window must hold, without a copy; the cursor moves past them. */
  take(length: number): Uint8Array {
    const from = this.position - this.#start;
    this.position += length;
    return this.#bytes.subarray(from, from + length);
  }

  /** A varint that ends before `end`. Values beyond 2^53 lose their last digits, which no length or tag has. */
  varint(end: number): number {
    let value = 0;
    for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
      if (this.position >= end) throw this.cut();
      const byte = this.#bytes[this.position++ - this.#start]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new MalformedModelError(`A number of more than 10 bytes ends at byte ${this.position}`, {
      file: this.#file,
    });
  }

  /** Moves past one value that has no length of its own and ends before `end`. */
  skip(type: number, end: number): void {
    if (type === wire.varint) {
      this.varint(end);
      return;
    }
    this.position += type === wire.fixed64 ? 8 : 4;
    if (this.position > end) throw this.cut();
  }

  cut(): MalformedModelError {
    return new MalformedModelError(
      `The file is cut short or damaged at byte ${this.position}`,
      { file: this.#file },
      'Download or export it again',
    );
  }
}
