import { create } from 'zustand';
import { useCompare } from '../features/compare/store.ts';
import { useImages } from '../features/images/store.ts';
import { builtInModels, useModels } from '../features/models/store.ts';
import { useRefine } from '../features/refine/store.ts';
import { announce } from '../features/shared/announce.ts';
import type { Work } from '../features/shared/work.ts';

export const demoSteps = [
  { key: 'encoder', name: 'A small CLIP, blind in CLIP’s way' },
  { key: 'teacher', name: 'A small diffusion model to teach it' },
  { key: 'images', name: 'Scenes to refine on' },
  { key: 'benchmark', name: 'A benchmark of look-alike pairs' },
  { key: 'score', name: 'Its score before refining' },
] as const;

export type DemoStep = (typeof demoSteps)[number]['key'];

interface DemoState {
  /** The step under way; null before the start and after the end. */
  at: DemoStep | null;
  done: DemoStep[];
  failed: DemoStep | null;
  /** True when everything is loaded. Steps done by an earlier try are not repeated. */
  begin(): Promise<boolean>;
}

const acts: Record<DemoStep, () => Promise<boolean>> = {
  encoder: () => useModels.getState().load('encoder', { kind: 'built-in', id: builtInModels.encoder }),
  teacher: () => useModels.getState().load('teacher', { kind: 'built-in', id: builtInModels.teacher }),
  images: () => useImages.getState().addBuiltInImages(),
  benchmark: () => useImages.getState().addBuiltInBenchmark(),
  score: scoreOriginal,
};

async function scoreOriginal(): Promise<boolean> {
  const { encoder } = useModels.getState();
  const { benchmark } = useImages.getState();
  if (encoder === null || benchmark === null) return false;
  return useCompare.getState().score({ kind: 'original', encoder }, benchmark);
}

/** Loads everything that the demo needs, one thing after another. */
export const useDemo = create<DemoState>()((set, get) => ({
  at: null,
  done: [],
  failed: null,

  async begin() {
    set({ failed: null });
    announce('Loading the demo');
    for (const { key } of demoSteps) {
      if (get().done.includes(key)) continue;
      set({ at: key });
      if (!(await acts[key]())) {
        set({ at: null, failed: key });
        return false;
      }
      set((state) => ({ done: [...state.done, key] }));
    }
    const refine = useRefine.getState();
    refine.takePreset('quick');
    refine.view(null);
    set({ at: null });
    announce('The demo is loaded. Press Start refining.');
    return true;
  },
}));

/** The work behind a step, for its progress and its problem. */
export function useDemoWork(step: DemoStep): Work {
  const loading = useModels((state) => state.loading);
  const adding = useImages((state) => state.adding);
  const addingBenchmark = useImages((state) => state.addingBenchmark);
  const scoring = useCompare((state) => state.work);
  const works = { ...loading, images: adding, benchmark: addingBenchmark, score: scoring };
  return works[step];
}
