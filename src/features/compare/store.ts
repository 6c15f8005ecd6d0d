import { create } from 'zustand';
import type { BenchmarkReport, Comparison, WeightsRef } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { advance, busy, cancelling, ended, idle, type Work } from '../shared/work.ts';
import type { Outcome } from './pairs.ts';

export type Stage = 'before' | 'after' | 'compare';

interface CompareState {
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
  run(benchmark: string): Promise<void>;
  cancel(): Promise<void>;
  filter(change: { pattern?: string | null; outcome?: Outcome | null }): void;
  open(pair: number | null): void;
}

export const useCompare = create<CompareState>()((set, get) => {
  /** The kept report of these weights, or a new one. */
  async function report(weights: WeightsRef, benchmark: string, kept: readonly BenchmarkReport[]) {
    const known = kept.find((each) => each.benchmark === benchmark && sameWeights(each.weights, weights));
    if (known) return;
    const made = await engine().score(weights, benchmark, (progress) =>
      set((state) => ({ work: advance(state.work, progress) })),
    );
    useCheckpoints.getState().noteReport(made);
  }

  return {
    before: null,
    after: null,
    comparison: null,
    work: idle,
    stage: 'before',
    pattern: null,
    outcome: null,
    pair: null,

    choose: (side, weights) => set(side === 'before' ? { before: weights } : { after: weights }),

    async run(benchmark) {
      const { before, after } = get();
      if (!before || !after) return;
      set({ work: busy(), stage: 'before' });
      try {
        const kept = await engine().listReports();
        await report(before, benchmark, kept);
        set({ stage: 'after', work: busy() });
        await report(after, benchmark, kept);
        set({ stage: 'compare', work: busy() });
        const comparison = await engine().compare(before, after, benchmark);
        useCheckpoints.getState().noteReport(comparison.before);
        useCheckpoints.getState().noteReport(comparison.after);
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

/** Whether two references mean the same weights. */
export function sameWeights(a: WeightsRef, b: WeightsRef): boolean {
  if (a.kind === 'original') return b.kind === 'original' && a.encoder === b.encoder;
  return b.kind === 'checkpoint' && a.id === b.id;
}
