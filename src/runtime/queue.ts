/**
 * Runs tasks one after another, in the order they were given.
 *
 * onnxruntime-web must never see two calls at once: two overlapping `run()`s of its asyncify build hang the worker for
 * good. Every create, run and release therefore goes through the queue of its module ({@link queueOf}).
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Tasks that have not settled yet, the running one included. */
  get length(): number {
    return this.#waiting;
  }

  /** Runs `task` once every earlier task has settled. A task that throws rejects its own promise and no other. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(task);
    const settled = () => {
      this.#waiting--;
    };
    this.#tail = result.then(settled, settled);
    return result;
  }

  /** Resolves when everything given so far has settled. */
  async idle(): Promise<void> {
    await this.#tail;
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
