import type { CheckpointSummary, Listener, RunEvent, RunState, RunSummary, StepRecord } from '../protocol.ts';
import type { PreparedRun } from './runs.ts';
import type { WatchedPair } from './watched-pair.ts';

export interface RunLoopParts {
  summary: RunSummary;
  prepared: PreparedRun;
  /** Of the summary's watched pair. */
  watch?: WatchedPair;
  /** Writes the weights and the optimiser whole, and the run's records with them. */
  checkpoint(run: RunSummary, prepared: PreparedRun): Promise<CheckpointSummary>;
  /** Keeps the run's state for later visits. */
  save(run: RunSummary): Promise<void>;
  listener: Listener<RunEvent>;
}

/** Points of a watched pair's curve over a whole run. */
const watchedPoints = 60;

/**
 * Drives one run: steps, checkpoints, pause, resume and stop. The summary that it was given is kept up to date, so
 * that whoever lists the runs sees the present.
 */
export class RunLoop {
  readonly summary: RunSummary;
  readonly #parts: RunLoopParts;
  #listener: Listener<RunEvent>;
  #wish: 'run' | 'pause' | 'stop' = 'run';
  #lastCheckpoint: number;
  /** Resolves when the loop has ended: finished, paused, stopped or failed. */
  done: Promise<void>;

  constructor(parts: RunLoopParts) {
    this.summary = parts.summary;
    this.#parts = parts;
    this.#listener = parts.listener;
    this.#lastCheckpoint = parts.prepared.refinement.step;
    this.done = this.#run();
  }

  /** Tells another listener from now on: that of a page that was loaded again. */
  listen(listener: Listener<RunEvent>): void {
    this.#listener = listener;
  }

  /** Ends after the step in hand, with a checkpoint; {@link resume} goes on without loading anything. */
  pause(): Promise<void> {
    this.#wish = 'pause';
    return this.done;
  }

  /** Ends after the step in hand, with a checkpoint, and gives the memory back. */
  async stop(): Promise<void> {
    this.#wish = 'stop';
    await this.done;
    // A loop that had already come to rest did not see the wish.
    if (this.summary.state === 'paused') await this.#enter('stopped');
    await this.release();
  }

  /** Goes on after a pause. */
  resume(): void {
    if (this.summary.state !== 'paused') return;
    this.#wish = 'run';
    this.done = this.#run();
  }

  #released: Promise<void> | undefined;
  release(): Promise<void> {
    const { prepared, watch } = this.#parts;
    // The pair's session reads the run's weights.
    this.#released ??= Promise.resolve(watch?.release()).then(() => prepared.release());
    return this.#released;
  }

  async #run(): Promise<void> {
    const { summary } = this;
    try {
      await this.#enter('running');
      const { steps, checkpointEvery } = summary.config;
      const { refinement } = this.#parts.prepared;
      await this.#watch();
      while (refinement.step < steps && this.#wish === 'run') {
        const record: StepRecord = await refinement.next();
        summary.steps.push(record);
        summary.step = record.step;
        this.#listener({ type: 'step', record, secondsLeft: secondsLeft(summary) });
        await this.#watch();
        const due = checkpointEvery > 0 && record.step % checkpointEvery === 0;
        if (due && record.step < steps) await this.#checkpoint();
      }
      await this.#checkpoint();
      await this.#enter(
        refinement.step >= steps ? 'finished' : this.#wish === 'pause' ? 'paused' : 'stopped',
      );
      if (summary.state !== 'paused') await this.release();
    } catch (error) {
      await this.#fail(error instanceof Error ? error.message : String(error));
      await this.release().catch(() => undefined);
    }
  }

  /** A point of the watched pair's curve, where one is due. */
  async #watch(): Promise<void> {
    const { summary } = this;
    const { watch, prepared } = this.#parts;
    if (!watch || !summary.watched) return;
    const { step } = prepared.refinement;
    const { points } = summary.watched;
    const every = Math.max(1, Math.round(summary.config.steps / watchedPoints));
    if ((step % every !== 0 && step < summary.config.steps) || points.at(-1)?.step === step) return;
    const point = { step, similarities: await watch.similarities(() => prepared.refinement.weights()) };
    points.push(point);
    this.#listener({ type: 'pair', point });
  }

  async #checkpoint(): Promise<void> {
    const { refinement } = this.#parts.prepared;
    if (refinement.step === this.#lastCheckpoint) return;
    const checkpoint = await this.#parts.checkpoint(this.summary, this.#parts.prepared);
    this.#lastCheckpoint = refinement.step;
    this.#listener({ type: 'checkpoint', checkpoint });
    // A page that ends without a word leaves its run as it was here.
    await this.#parts.save(this.summary);
  }

  async #fail(problem: string): Promise<void> {
    this.summary.state = 'failed';
    this.summary.problem = problem;
    // Without room not even the state can be kept; the person hears of it all the same.
    await this.#parts.save(this.summary).catch(() => undefined);
    this.#listener({ type: 'state', state: 'failed', problem });
  }

  async #enter(state: RunState): Promise<void> {
    this.summary.state = state;
    await this.#parts.save(this.summary);
    this.#listener({ type: 'state', state });
  }
}

/** From the median of the last steps, which one slow step does not move. */
function secondsLeft({ steps, step, config }: RunSummary): number {
  const recent = steps
    .slice(-15)
    .map((record) => record.ms)
    .sort((a, b) => a - b);
  const median = recent[Math.floor(recent.length / 2)] ?? 0;
  return ((config.steps - step) * median) / 1000;
}
