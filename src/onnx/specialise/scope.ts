/**
 * Names of values as the file has them, resolved to those in the graph under construction. The scope of a branch sees
 * the names around it.
 */
export class Scope {
  readonly #names = new Map<string, string>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  get isBranch(): boolean {
    return this.#outer !== undefined;
  }

  get(name: string): string | undefined {
    return this.#names.get(name) ?? this.#outer?.get(name);
  }

  /** What this scope itself calls a name. */
  own(name: string): string | undefined {
    return this.#names.get(name);
  }

  set(name: string, actual: string): void {
    this.#names.set(name, actual);
  }
}
