import type { ImageJobs } from './image-jobs.ts';

/** One worker of a pool. */
export interface PooledWorker<Jobs = ImageJobs> {
  jobs: Jobs;
  /** Resolves when the worker has died, with the reason. */
  failed: Promise<Error>;
  terminate(): void;
}

/** A job that waits or runs. */
interface Entry<Jobs> {
  /** Settles the caller's promise; resolves when the worker is free again. */
  start(worker: PooledWorker<Jobs>): Promise<void>;
  fail(reason: unknown): void;
}

/**
 * Spreads jobs over several workers, first come, first served. Workers start when they are first needed; one that
 * died is replaced and its job fails.
 */
export class ImagePool<Jobs = ImageJobs> {
  /** Workers at most. */
  readonly size: number;
  readonly #make: () => PooledWorker<Jobs>;
  readonly #queueLimit: number;
  readonly #queue: Entry<Jobs>[] = [];
  readonly #running = new Set<Entry<Jobs>>();
  readonly #idle: PooledWorker<Jobs>[] = [];
  readonly #alive = new Set<PooledWorker<Jobs>>();
  #closed: Error | undefined;

  /**
   * @param options.size workers at most.
   * @param options.queueLimit jobs that may wait; more are refused, since each holds its file.
   */
  constructor(make: () => PooledWorker<Jobs>, options: { size: number; queueLimit?: number }) {
    this.size = Math.max(1, options.size);
    this.#make = make;
    this.#queueLimit = options.queueLimit ?? 1024;
  }

  /**
   * Runs one job.
   *
   * @throws the signal's reason as soon as it is cancelled; a job that had begun runs on, unheard.
   */
  run<T>(job: (jobs: Jobs) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) throw this.#closed;
      signal?.throwIfAborted();
      if (this.#queue.length >= this.#queueLimit) {
        throw new Error(`More than ${this.#queueLimit} images wait for the workers: hand them over by map()`);
      }
      const entry: Entry<Jobs> = {
        start: async (worker) => {
          try {
            const death = worker.failed.then((reason) => {
              throw reason;
            });
            resolve(await Promise.race([job(worker.jobs), death]));
          } catch (error) {
            reject(error);
          }
          signal?.removeEventListener('abort', cancel);
        },
        fail: reject,
      };
      const cancel = () => {
        const place = this.#queue.indexOf(entry);
        if (place >= 0) this.#queue.splice(place, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      this.#queue.push(entry);
      this.#dispatch();
    });
  }

  /**
   * Runs a job for each item and gives the results in the items' order, taking items only as fast as results are
   * consumed: memory stays the same however many there are.
   *
   * @param options.ahead items in work or done beyond the one being consumed; default: twice the workers.
   */
  async *map<Item, T>(
    items: Iterable<Item> | AsyncIterable<Item>,
    job: (jobs: Jobs, item: Item) => Promise<T>,
    options: { signal?: AbortSignal; ahead?: number } = {},
  ): AsyncGenerator<T, void, undefined> {
    const ahead = options.ahead ?? 2 * this.size;
    const enough = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, enough.signal]) : enough.signal;
    const pending: Promise<T>[] = [];
    try {
      for await (const item of items) {
        const result = this.run((jobs) => job(jobs, item), signal);
        // Heard in its turn below; until then a failure must not count as unhandled.
        result.catch(() => {});
        pending.push(result);
        if (pending.length > ahead) yield await pending.shift()!;
      }
      while (pending.length > 0) yield await pending.shift()!;
    } finally {
      enough.abort(new Error('No more results are wanted'));
    }
  }

  /** Ends all workers. Jobs that wait or run fail. */
  close(): void {
    this.#closed = new Error('The image workers have been stopped');
    for (const entry of [...this.#running, ...this.#queue.splice(0)]) entry.fail(this.#closed);
    for (const worker of this.#alive) worker.terminate();
    this.#alive.clear();
    this.#idle.length = 0;
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? this.#hire();
      if (!worker) return;
      const entry = this.#queue.shift()!;
      this.#running.add(entry);
      void entry.start(worker).then(() => {
        this.#running.delete(entry);
        if (this.#alive.has(worker)) this.#idle.push(worker);
        this.#dispatch();
      });
    }
  }

  #hire(): PooledWorker<Jobs> | undefined {
    if (this.#closed || this.#alive.size >= this.size) return undefined;
    const worker = this.#make();
    this.#alive.add(worker);
    void worker.failed.then(() => {
      this.#alive.delete(worker);
      const place = this.#idle.indexOf(worker);
      if (place >= 0) this.#idle.splice(place, 1);
      worker.terminate();
      this.#dispatch();
    });
    return worker;
  }
}
