/** Images at a time that are tried, in this order. */
const candidates = [1, 4, 8, 16, 32];
export const largestBatch = candidates.at(-1)!;
/** A larger batch counts as better when it gives this many times as many images a second. */
const gain = 1.05;
/** The search ends after this many batches in a row that are no better: one may have met a busy moment. */
const patience = 2;
/** A batch is timed over at least this many milliseconds, or so many images. */
const timedFor = 100;
const timedImages = 64;

/**
 * Looks for the batch with the most images a second: larger ones are tried until the rate stops rising. Of each, the
 * first run is let go, since it compiles kernels and reserves memory, and the mean of the next counts.
 */
export class BatchSearch {
  /** The batch to run next. */
  batch = candidates[0]!;
  /** The best so far. */
  best = candidates[0]!;
  settled = false;
  readonly #fits: (batch: number) => boolean;
  #rate = 0;
  /** Batches tried since the best. */
  #since = 0;
  /** Milliseconds of the runs of this batch, the first included. */
  #times: number[] = [];

  /** @param fits whether a batch stays within the memory */
  constructor(fits: (batch: number) => boolean) {
    this.#fits = fits;
  }

  /** Takes down how many milliseconds a whole batch took. */
  record(milliseconds: number): void {
    if (this.settled) return;
    this.#times.push(milliseconds);
    const timed = this.#times.slice(1);
    const sum = timed.reduce((total, time) => total + time, 0);
    const images = timed.length * this.batch;
    if (images === 0 || (sum < timedFor && images < timedImages)) return;
    const rate = images / sum;

    this.#since++;
    if (rate >= gain * this.#rate) {
      this.best = this.batch;
      this.#rate = rate;
      this.#since = 0;
    }
    const next = candidates.find((batch) => batch > this.batch);
    if (this.#since < patience && next !== undefined && this.#fits(next)) {
      this.batch = next;
      this.#times = [];
    } else this.settle();
  }

  /** Ends the search with the best so far. */
  settle(): void {
    this.settled = true;
    this.batch = this.best;
  }
}
