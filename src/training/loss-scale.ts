/** First scale: that of PyTorch's GradScaler. */
const first = 2 ** 16;
const largest = 2 ** 24;
/**
 * Steps without overflow before the scale doubles. GradScaler waits for 2,000, in trainings of hundreds of thousands of
 * steps; a refinement takes hundreds.
 */
const interval = 200;

/** What continues a loss scale exactly. */
interface LossScaleState {
  scale: number;
  /** Steps since it last changed. */
  since: number;
  skipped: number;
}

/**
 * The factor that lifts gradients above the smallest float16, as large as they bear (Micikevicius et al. 2017, "Mixed
 * precision training", section 3.2): halved when a gradient overflows, and doubled after a while without.
 * A run does not lose the step as GradScaler's loops do: its draws have addresses, so the same step is taken again.
 */
export class LossScale {
  #state: LossScaleState = { scale: first, since: 0, skipped: 0 };

  get value(): number {
    return this.#state.scale;
  }

  /** Updates that were skipped so far. */
  get skipped(): number {
    return this.#state.skipped;
  }

  /**
   * Hears of gradients that were not finite, whose update changed nothing.
   *
   * @returns whether to take the step again, with the smaller scale; false where no scale helps
   */
  lower(): boolean {
    const state = this.#state;
    if (state.scale <= 1) return false;
    state.scale /= 2;
    state.since = 0;
    state.skipped++;
    return true;
  }

  /** Hears of a step that updated. */
  succeed(): void {
    const state = this.#state;
    state.since++;
    if (state.since >= interval && state.scale < largest) {
      state.scale *= 2;
      state.since = 0;
    }
  }

  /** Three float64. */
  bytes(): Uint8Array<ArrayBuffer> {
    const { scale, since, skipped } = this.#state;
    return new Uint8Array(Float64Array.of(scale, since, skipped).buffer);
  }

  restore(bytes: Uint8Array): void {
    const [scale, since, skipped] = new Float64Array(bytes.slice().buffer);
    this.#state = { scale: scale!, since: since!, skipped: skipped! };
  }
}
