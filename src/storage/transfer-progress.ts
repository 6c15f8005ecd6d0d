/** How far a download is. Bytes, bytes a second, seconds. */
export interface TransferProgress {
  path: string;
  received: number;
  size: number;
  /** Over the last seconds; 0 until it is known. */
  speed: number;
  /** Seconds left for this file; null until the speed is known. */
  secondsLeft: number | null;
  total: { received: number; size: number; secondsLeft: number | null };
}

/** The speed is that of so many last seconds. */
const windowSeconds = 5;

/** Adds up what arrives over several files. Bytes that were there before count as received but not into the speed. */
export class TransferMeter {
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #received = new Map<string, number>();
  readonly #clock: () => number;
  readonly #arrivals: { at: number; bytes: number }[] = [];
  #recent = 0;
  /** Bytes of all files, and what of them is here: a report of one file among 100,000 must not add them all up. */
  readonly #size: number;
  #sum = 0;

  /** @param clock milliseconds */
  constructor(sizes: ReadonlyMap<string, number>, clock: () => number = () => performance.now()) {
    this.#sizes = sizes;
    this.#size = [...sizes.values()].reduce((all, bytes) => all + bytes, 0);
    this.#clock = clock;
  }

  /** Sets what a file has without anything having been sent, such as at a resumption or a new start. */
  set(path: string, received: number): TransferProgress {
    this.#sum += received - (this.#received.get(path) ?? 0);
    this.#received.set(path, received);
    return this.#report(path);
  }

  /** Notes bytes that arrived. */
  add(path: string, bytes: number): TransferProgress {
    this.#received.set(path, (this.#received.get(path) ?? 0) + bytes);
    this.#sum += bytes;
    this.#arrivals.push({ at: this.#clock(), bytes });
    this.#recent += bytes;
    return this.#report(path);
  }

  #report(path: string): TransferProgress {
    const speed = this.#speed();
    const left = (bytes: number) => (speed > 0 ? bytes / speed : bytes === 0 ? 0 : null);
    const size = this.#sizes.get(path) ?? 0;
    const received = this.#received.get(path) ?? 0;
    const total = { received: this.#sum, size: this.#size };
    return {
      path,
      received,
      size,
      speed,
      secondsLeft: left(size - received),
      total: { ...total, secondsLeft: left(total.size - total.received) },
    };
  }

  #speed(): number {
    const now = this.#clock();
    while (this.#arrivals.length > 1 && now - this.#arrivals[0]!.at > 1000 * windowSeconds) {
      this.#recent -= this.#arrivals.shift()!.bytes;
    }
    const [first] = this.#arrivals;
    // The first arrival opens the window: its bytes came before it.
    if (!first || now <= first.at) return 0;
    return (1000 * (this.#recent - first.bytes)) / (now - first.at);
  }
}
