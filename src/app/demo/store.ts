import { create } from 'zustand';
import type { RunSummary } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../../features/checkpoints/store.ts';
import { reportOf, useCompare } from '../../features/compare/store.ts';
import { useImages } from '../../features/images/store.ts';
import { builtInModels, useModels } from '../../features/models/store.ts';
import { confusedPair } from '../../features/refine/confused-pair.ts';
import { useRefine } from '../../features/refine/store.ts';
import { announce } from '../../features/shared/announce.ts';
import type { Work } from '../../features/shared/work.ts';

export const demoSteps = [
  { key: 'encoder', name: 'A small CLIP, blind in CLIP’s way' },
  { key: 'teacher', name: 'A small diffusion model to teach it' },
  { key: 'images', name: 'Scenes to refine on' },
  { key: 'benchmark', name: 'A benchmark of look-alike pairs' },
  { key: 'score', name: 'Its score before refining' },
  { key: 'run', name: 'The run' },
] as const;

export type DemoStep = (typeof demoSteps)[number]['key'];

interface DemoState {
  /** The step under way; null before the start and after the end. */
  at: DemoStep | null;
  done: DemoStep[];
  failed: DemoStep | null;
  /** Loads everything and starts the run. Steps done by an earlier try are not repeated. */
  begin(): Promise<void>;
  /** Scores the run's last checkpoint and compares it with the original. */
  judge(run: RunSummary): Promise<void>;
}

const acts: Record<DemoStep, () => Promise<boolean>> = {
  encoder: () => useModels.getState().load('encoder', { kind: 'built-in', id: builtInModels.encoder }),
  teacher: () => useModels.getState().load('teacher', { kind: 'built-in', id: builtInModels.teacher }),
  images: () => useImages.getState().addBuiltInImages(),
  benchmark: () => useImages.getState().addBuiltInBenchmark(),
  score: scoreOriginal,
  run: startRun,
};

async function scoreOriginal(): Promise<boolean> {
  const { encoder } = useModels.getState();
  const { benchmark } = useImages.getState();
  if (encoder === null || benchmark === null) return false;
  return useCompare.getState().score({ kind: 'original', encoder }, benchmark);
}

/** Starts the shipped recipe, following a pair that the encoder gets wrong. */
async function startRun(): Promise<boolean> {
  const { encoder, teacher } = useModels.getState();
  const { set: imageSet, benchmark } = useImages.getState();
  if (encoder === null || teacher === null || imageSet === null || benchmark === null) return false;
  const { reports } = useCompare.getState();
  const report = reportOf(reports, { kind: 'original', encoder }, benchmark);
  const pair = report && confusedPair(report);
  const refine = useRefine.getState();
  refine.takePreset('textInverse');
  const started = await refine.start({
    encoder,
    teacher,
    imageSet,
    ...(pair ? { watch: { benchmark, pair: pair.index } } : {}),
  });
  return started !== null;
}

/** Of a run that has ended: what it left last. */
export function useLastCheckpoint(run: string | undefined) {
  return useCheckpoints((state) =>
    state.checkpoints
      .filter((each) => each.run === run)
      .reduce<(typeof state.checkpoints)[number] | undefined>(
        (last, each) => (last === undefined || each.step > last.step ? each : last),
        undefined,
      ),
  );
}

export const useDemo = create<DemoState>()((set, get) => ({
  at: null,
  done: [],
  failed: null,

  async begin() {
    if (get().at !== null) return;
    // Another run of what is loaded already: the run is the only step to repeat.
    set((state) => ({ failed: null, done: state.done.filter((step) => step !== 'run') }));
    announce('Loading the demo');
    for (const { key } of demoSteps) {
      if (get().done.includes(key)) continue;
      set({ at: key });
      if (!(await acts[key]())) {
        set({ at: null, failed: key });
        return;
      }
      set((state) => ({ done: [...state.done, key] }));
    }
    set({ at: null });
  },

  async judge(run) {
    const last = useCheckpoints
      .getState()
      .checkpoints.filter((each) => each.run === run.id)
      .sort((a, b) => b.step - a.step)[0];
    if (!last || !run.watched) return;
    const compare = useCompare.getState();
    compare.choose('before', { kind: 'original', encoder: run.encoder });
    compare.choose('after', { kind: 'checkpoint', id: last.id });
    await compare.run(run.watched.benchmark);
  },
}));

/** The work behind a step, for its progress and its problem. */
export function useDemoWork(step: DemoStep): Work {
  const loading = useModels((state) => state.loading);
  const adding = useImages((state) => state.adding);
  const addingBenchmark = useImages((state) => state.addingBenchmark);
  const scoring = useCompare((state) => state.work);
  const starting = useRefine((state) => state.starting);
  const works = { ...loading, images: adding, benchmark: addingBenchmark, score: scoring, run: starting };
  return works[step];
}
