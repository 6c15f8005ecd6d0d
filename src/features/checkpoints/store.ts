import { create } from 'zustand';
import type {
  BenchmarkReport,
  CheckpointSummary,
  ExportedFile,
  WeightsRef,
} from '../../../workers/protocol.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { advance, busy, cancelling, ended, idle, problemOf, type Work } from '../shared/work.ts';

interface Storage {
  /** Bytes that this site takes. */
  used: number;
  /** Bytes that the browser allows it. */
  quota: number;
  /** Whether the browser promised not to clear it when space is short. */
  persistent: boolean;
}

/** The files that were made of one checkpoint, or the making of them. */
export interface Export {
  work: Work;
  files: ExportedFile[];
}

interface CheckpointsState {
  checkpoints: CheckpointSummary[];
  state: 'loading' | 'ready' | 'failed';
  problem: string | null;
  storage: Storage | null;
  scoring: { checkpoint: string; work: Work } | null;
  exports: Record<string, Export>;
  /** Checkpoints being deleted. */
  deleting: string[];
  deleteProblem: string | null;

  restore(): Promise<void>;
  /** A checkpoint that a run has just written. */
  add(checkpoint: CheckpointSummary): void;
  measureStorage(): Promise<void>;
  persist(): Promise<void>;
  score(checkpoint: string, benchmark: string): Promise<void>;
  cancelScore(): Promise<void>;
  /** Notes the total of a report that another room made. */
  noteReport(report: BenchmarkReport): void;
  makeFiles(checkpoint: string): Promise<void>;
  remove(checkpoint: string): Promise<void>;
}

export const useCheckpoints = create<CheckpointsState>()((set, get) => ({
  checkpoints: [],
  state: 'loading',
  problem: null,
  storage: null,
  scoring: null,
  exports: {},
  deleting: [],
  deleteProblem: null,

  async restore() {
    try {
      const [checkpoints] = await Promise.all([engine().listCheckpoints(), get().measureStorage()]);
      set({ checkpoints, state: 'ready', problem: null });
    } catch (error) {
      set({ state: 'failed', problem: problemOf(error) });
    }
  },

  add(checkpoint) {
    set((state) => ({
      checkpoints: [checkpoint, ...state.checkpoints.filter(({ id }) => id !== checkpoint.id)],
      state: 'ready',
    }));
    void get().measureStorage();
  },

  async measureStorage() {
    const { storage } = navigator;
    if (!storage?.estimate) return;
    const [{ usage = 0, quota = 0 }, persistent] = await Promise.all([
      storage.estimate(),
      storage.persisted(),
    ]);
    set({ storage: { used: usage, quota, persistent } });
  },

  async persist() {
    await navigator.storage.persist();
    await get().measureStorage();
  },

  async score(checkpoint, benchmark) {
    const setWork = (work: (before: Work) => Work) =>
      set(({ scoring }) =>
        scoring?.checkpoint === checkpoint ? { scoring: { checkpoint, work: work(scoring.work) } } : {},
      );
    set({ scoring: { checkpoint, work: busy() } });
    try {
      const report = await engine().score({ kind: 'checkpoint', id: checkpoint }, benchmark, (progress) =>
        setWork((work) => advance(work, progress)),
      );
      get().noteReport(report);
      announce(`Scored: MMVP ${report.total.toFixed(1)}`);
      setWork(() => idle);
    } catch (error) {
      setWork((work) => ended(work, error));
    }
  },

  async cancelScore() {
    set(({ scoring }) => (scoring ? { scoring: { ...scoring, work: cancelling(scoring.work) } } : {}));
    await engine().cancel('score');
  },

  noteReport({ weights, benchmark, total }) {
    if (weights.kind !== 'checkpoint') return;
    set((state) => ({
      checkpoints: state.checkpoints.map((checkpoint) =>
        checkpoint.id === weights.id
          ? {
              ...checkpoint,
              scores: [
                ...checkpoint.scores.filter((score) => score.benchmark !== benchmark),
                { benchmark, total },
              ],
            }
          : checkpoint,
      ),
    }));
  },

  async makeFiles(checkpoint) {
    const setExport = (made: Export) =>
      set((state) => ({ exports: { ...state.exports, [checkpoint]: made } }));
    setExport({ work: busy(), files: [] });
    try {
      const weights: WeightsRef = { kind: 'checkpoint', id: checkpoint };
      const files = await engine().exportEncoder(weights);
      setExport({ work: idle, files });
      announce('The files are ready to download');
    } catch (error) {
      setExport({ work: { state: 'failed', problem: problemOf(error) }, files: [] });
    }
  },

  async remove(checkpoint) {
    set((state) => ({ deleting: [...state.deleting, checkpoint], deleteProblem: null }));
    try {
      await engine().deleteCheckpoint(checkpoint);
      set((state) => ({ checkpoints: state.checkpoints.filter(({ id }) => id !== checkpoint) }));
      announce('Checkpoint deleted');
    } catch (error) {
      set({ deleteProblem: problemOf(error) });
    }
    set((state) => ({ deleting: state.deleting.filter((id) => id !== checkpoint) }));
    void get().measureStorage();
  },
}));
