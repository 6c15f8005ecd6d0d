import type { StateBackend } from './backend.ts';

/** Small values of one kind by id: runs, reports. Values survive a structured clone. */
export class Collection<T> {
  readonly #state: StateBackend;
  readonly #prefix: string;
  readonly #accepts: (value: unknown) => value is T;

  /** @param accepts tells values of this version from those of another, which are passed over. */
  constructor(state: StateBackend, name: string, accepts: (value: unknown) => value is T) {
    this.#state = state;
    this.#prefix = `${name}:`;
    this.#accepts = accepts;
  }

  async put(id: string, value: T): Promise<void> {
    await this.#state.update({ set: new Map([[this.#prefix + id, value]]) });
  }

  async get(id: string): Promise<T | undefined> {
    const value = await this.#state.get(this.#prefix + id);
    return this.#accepts(value) ? value : undefined;
  }

  async all(): Promise<T[]> {
    const entries = await this.#state.entries(this.#prefix);
    return entries.map(([, value]) => value).filter(this.#accepts);
  }

  async remove(...ids: string[]): Promise<void> {
    await this.#state.update({ remove: ids.map((id) => this.#prefix + id) });
  }
}
