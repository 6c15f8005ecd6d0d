/**
 * Who goes first where several wait, first in the list: what a training step computes; what is made ahead for coming
 * images, such as latents; what watches or scores beside a run.
 */
const priorities = ['step', 'ahead', 'evaluation'] as const;

export type Priority = (typeof priorities)[number];

/**
 * Runs tasks one after another: of those that wait, the first given of the highest priority.
 *
 * onnxruntime-web must never see two calls at once: two overlapping `run()`s of its asyncify build hang the worker for
 * good. Every create, run and release therefore goes through the queue of its module ({@link queueOf}).
 *
 * Tasks of one priority keep the order in which they were given. What must not change its order, such as the runs of a
 * session and their release, is therefore given with one priority; across priorities whoever needs an order waits for
 * the first task before giving the second. No task is interrupted: a step waits for the one in work at most.
 */
export class SerialQueue {
  readonly #waiting: Readonly<Record<Priority, (() => Promise<void>)[]>> = {
    step: [],
    ahead: [],
    evaluation: [],
  };
  #length = 0;
  /** Settles when nothing is left; null while nothing is. */
  #working: Promise<void> | null = null;

  /** Tasks that have not settled yet, the running one included. */
  get length(): number {
    return this.#length;
  }

  /** Runs `task` when its turn comes. A task that throws rejects its own promise and no other. */
  run<T>(task: () => T | Promise<T>, priority: Priority = 'step'): Promise<T> {
    this.#length++;
    const result = new Promise<T>((resolve, reject) => {
      this.#waiting[priority].push(async () => {
        try {
          resolve(await task());
        } catch (error) {
          reject(error);
        }
      });
    });
    this.#working ??= this.#work();
    return result.finally(() => {
      this.#length--;
    });
  }

  /** Resolves when nothing waits or runs any more. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // What is given in one go is put in order before the first starts.
    await Promise.resolve();
    for (let task = this.#next(); task; task = this.#next()) await task();
    this.#working = null;
  }

  #next(): (() => Promise<void>) | undefined {
    for (const priority of priorities) {
      const task = this.#waiting[priority].shift();
      if (task) return task;
    }
    return undefined;
  }
}

const queues = new WeakMap<object, SerialQueue>();

/**
 * The one queue before a loaded ONNX Runtime module. Keyed by its `env`: runtimes on different providers in the same
 * worker share one WebAssembly instance, hence one queue.
 */
export function queueOf(ort: { readonly env: object }): SerialQueue {
  const known = queues.get(ort.env);
  if (known) return known;
  const queue = new SerialQueue();
  queues.set(ort.env, queue);
  return queue;
}
