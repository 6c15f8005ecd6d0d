import type { Page } from 'playwright-core';
import { type BlockName, blocks } from './blocks.ts';
import type { Backend, Library } from './contestant.ts';
import { median, type Row, rowOf, type Timed } from './report.ts';

export interface Pace {
  /** Rounds at most and at least; in each every contestant takes its turn. */
  rounds: number;
  least: number;
  /** Seconds after which no further round of a contest begins. */
  seconds: number;
  /** `Date.now()` after which one round of each contest must do. */
  deadline: number;
}

interface Entrant {
  id: number;
  library: Library;
  setting: string;
  gradients: Record<string, number[]>;
  /** Milliseconds of a warm step. */
  pace: number;
}

const peers: readonly Library[] = ['jax-js', 'tfjs'];

/** Steps of one turn: at least a tenth of a second, so that fast ones are not measured cold. */
const turnOf = ({ pace }: Entrant) => Math.max(1, Math.min(8, Math.round(100 / pace)));

/** One block against every peer, on WebGPU and at everyone's best. */
export class Contest {
  readonly #page: Page;
  readonly #block: BlockName;
  readonly #pace: Pace;
  readonly #say: (line: string) => void;

  constructor(page: Page, block: BlockName, pace: Pace, say: (line: string) => void) {
    this.#page = page;
    this.#block = block;
    this.#pace = pace;
    this.#say = say;
  }

  async rows(): Promise<Row[]> {
    const adapter = await this.#page.evaluate(() => window.adapter());
    const rows: Row[] = [];
    const onGpu = new Map<Library, Entrant>();
    if (adapter) {
      for (const library of ['acuity', ...peers] as const) {
        const entrant = await this.#open(library, 'webgpu');
        if (entrant) onGpu.set(library, entrant);
      }
      rows.push(...(await this.#compare('webgpu', adapter.description, onGpu)));
    } else this.#say('no WebGPU adapter: only the best of each is compared');
    const best = new Map<Library, Entrant>();
    // What `chooseProvider` decides: a real GPU, else WebAssembly.
    const useGpu = adapter !== null && !adapter.software;
    const ours = useGpu ? onGpu.get('acuity') : await this.#open('acuity', 'wasm');
    if (ours) best.set('acuity', ours);
    for (const library of peers) {
      const both = [onGpu.get(library), await this.#open(library, 'wasm')].filter((one) => one !== undefined);
      const [fastest] = both.sort((a, b) => a.pace - b.pace);
      if (fastest) best.set(library, fastest);
    }
    rows.push(...(await this.#compare('best', adapter?.description ?? 'none', best)));
    for (const { id } of new Set([...onGpu.values(), ...best.values()])) {
      await this.#page.evaluate((k) => window.closeContestant(k), id);
    }
    return rows;
  }

  async #open(library: Library, backend: Backend): Promise<Entrant | undefined> {
    const opening = { library, backend, block: this.#block };
    const began = Date.now();
    const opened = await this.#page.evaluate((what) => window.openContestant(what), opening);
    const title = `${this.#block}, ${library} on ${backend}`;
    try {
      if ('problem' in opened) throw new Error(opened.problem);
      // The first step compiles; the second tells the pace.
      const { milliseconds } = await this.#page.evaluate((id) => window.runSteps(id, 2), opened.id);
      this.#say(
        `${title}: ready after ${((Date.now() - began) / 1000).toFixed(1)} s, ${milliseconds[1]!.toFixed(0)} ms a step`,
      );
      return { ...opened, library, pace: milliseconds[1]! };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#say(`${title}: cannot (${reason.split('\n')[0]})`);
      return undefined;
    }
  }

  async #compare(backend: string, adapter: string, entrants: ReadonlyMap<Library, Entrant>): Promise<Row[]> {
    const ours = entrants.get('acuity');
    if (!ours) throw new Error(`Acuity could not run ${this.#block} (${backend}): see the lines above`);
    const rounds = await this.#takeTurns([...entrants.values()]);
    const timed = (entrant: Entrant): Timed => ({ ...entrant, rounds: rounds.get(entrant)! });
    return peers.flatMap((name) => {
      const peer = entrants.get(name);
      if (!peer) return [];
      const row = rowOf({ name: blocks[this.#block].name, backend, adapter }, timed(ours), {
        ...timed(peer),
        name,
      });
      return [row];
    });
  }

  async #takeTurns(entrants: readonly Entrant[]): Promise<Map<Entrant, number[][]>> {
    const times = new Map(entrants.map((entrant): [Entrant, number[][]] => [entrant, []]));
    const until = Date.now() + 1000 * this.#pace.seconds;
    for (let round = 0; round < this.#pace.rounds; round++) {
      const now = Date.now();
      if (round > 0 && (now > this.#pace.deadline || (round >= this.#pace.least && now > until))) break;
      for (const entrant of entrants) {
        const steps = turnOf(entrant);
        const { milliseconds } = await this.#page.evaluate(({ id, n }) => window.runSteps(id, n), {
          id: entrant.id,
          n: steps,
        });
        times.get(entrant)!.push(milliseconds);
      }
    }
    for (const [entrant, turns] of times) entrant.pace = median(turns.flat());
    return times;
  }
}
