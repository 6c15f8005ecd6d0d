import { create } from 'zustand';
import type { BenchmarkReport, Comparison, WeightsRef } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { advance, busy, cancelling, ended, idle, type Work } from '../shared/work.ts';
import type { Outcome } from './pairs.ts';

export type Stage = 'before' | 'after' | 'compare';

interface CompareState {
  /** All reports that the engine keeps. */
  reports: BenchmarkReport[];
  before: WeightsRef | null;
  after: WeightsRef | null;
  comparison: Comparison | null;
  work: Work;
  stage: Stage;
  /** Pairs on view: of one pattern, of one outcome. */
  pattern: string | null;
  outcome: Outcome | null;
  /** Index of the open pair. */
  pair: number | null;

  choose(side: 'before' | 'after', weights: WeightsRef | null): void;
  loadReports(): Promise<void>;
  run(benchmark: string): Promise<void>;
  /** Scores weights alone; true when their report is there. */
  score(weights: WeightsRef, benchmark: string): Promise<boolean>;
  cancel(): Promise<void>;
  filter(change: { pattern?: string | null; outcome?: Outcome | null }): void;
  open(pair: number | null): void;
}

export const useCompare = create<CompareState>()((set, get) => {
  /** Makes sure that there is a report of these weights. */
  async function report(weights: WeightsRef, benchmark: string) {
    if (reportOf(get().reports, weights, benchmark)) return;
    const made = await engine().score(weights, benchmark, (progress) =>
      set((state) => ({ work: advance(state.work, progress) })),
    );
    set((state) => ({ reports: [made, ...state.reports] }));
    useCheckpoints.getState().noteReport(made);
  }

  return {
    reports: [],
    before: null,
    after: null,
    comparison: null,
    work: idle,
    stage: 'before',
    pattern: null,
    outcome: null,
    pair: null,

    choose: (side, weights) => set(side === 'before' ? { before: weights } : { after: weights }),

    async loadReports() {
      set({ reports: await engine().listReports() });
    },

    async score(weights, benchmark) {
      set({ work: busy(), stage: 'before' });
      try {
        await report(weights, benchmark);
        set({ work: idle });
        return true;
      } catch (error) {
        set((state) => ({ work: ended(state.work, error) }));
        return false;
      }
    },

    async run(benchmark) {
      const { before, after } = get();
      if (!before || !after) return;
      set({ work: busy(), stage: 'before' });
      try {
        await get().loadReports();
        await report(before, benchmark);
        set({ stage: 'after', work: busy() });
        await report(after, benchmark);
        set({ stage: 'compare', work: busy() });
        const comparison = await engine().compare(before, after, benchmark);
        set({ comparison, work: idle, pattern: null, outcome: null, pair: null });
        announce(comparison.verdict);
      } catch (error) {
        set((state) => ({ work: ended(state.work, error) }));
      }
    },

    async cancel() {
      set((state) => ({ work: cancelling(state.work) }));
      await engine().cancel('score');
    },

    filter: (change) => set({ ...change, pair: null }),
    open: (pair) => set({ pair }),
  };
});

/** The report of `weights` on `benchmark`, if one was made. */
export function reportOf(reports: readonly BenchmarkReport[], weights: WeightsRef, benchmark: string) {
  return reports.find((each) => each.benchmark === benchmark && sameWeights(each.weights, weights));
}

/** Whether two references mean the same weights. */
export function sameWeights(a: WeightsRef, b: WeightsRef): boolean {
  if (a.kind === 'original') return b.kind === 'original' && a.encoder === b.encoder;
  return b.kind === 'checkpoint' && a.id === b.id;
}
