import { create } from 'zustand';

interface EngineHealth {
  /** Why the engine no longer answers; null while it does. */
  problem: string | null;
  report(problem: string): void;
}

/** Whether the engine worker still answers. */
export const useEngineHealth = create<EngineHealth>()((set) => ({
  problem: null,
  report: (problem) => set({ problem }),
}));
