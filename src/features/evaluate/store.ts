import { create } from 'zustand';
import type {
  EvaluationRequest,
  EvaluationResult,
  EvaluationSetSummary,
  EvaluationTask,
  NamedBlob,
  WeightsRef,
} from '../../../workers/protocol.ts';
import type { ScoresComparison } from '../../evaluation/evaluation.ts';
import { announce } from '../shared/announce.ts';
import { fetchBuiltIn } from '../shared/built-in.ts';
import { engine } from '../shared/engine.ts';
import { nameOfFiles } from '../shared/files.ts';
import { formatPlural } from '../shared/format.ts';
import { advance, busy, cancelling, ended, idle, type Work } from '../shared/work.ts';
import { firstPlan, type Plan } from './plan.ts';

/** Results side by side: the first is what the others are compared with. */
export interface Shown {
  results: EvaluationResult[];
  /** One for each result after the first. */
  comparisons: ScoresComparison[];
  /** Checkpoints that were ever scored on any of this data, here and on earlier visits. */
  candidates: number;
}

interface EvaluateState {
  sets: EvaluationSetSummary[];
  adding: Record<EvaluationTask, Work>;
  plan: Plan;
  /** Whether somebody chose the benchmark; until then it is the one in use. */
  benchmarkChosen: boolean;
  /** Values of the weights to score; the first is the baseline. */
  baseline: string | null;
  others: string[];
  work: Work;
  /** Which of the models is being scored. */
  at: { name: string; number: number; of: number } | null;
  shown: Shown | null;

  restore(): Promise<void>;
  change(change: Partial<Plan>): void;
  chooseBenchmark(benchmark: string | null): void;
  choose(change: { baseline?: string | null; others?: string[] }): void;
  add(task: EvaluationTask, files: NamedBlob[], name?: string): Promise<void>;
  addBuiltIn(task: Exclude<EvaluationTask, 'masks'>): Promise<void>;
  failAdding(task: EvaluationTask, problem: string): void;
  cancel(): Promise<void>;
  run(
    models: { weights: WeightsRef; name: string }[],
    request: Omit<EvaluationRequest, 'weights' | 'name'>,
  ): Promise<void>;
}

/** What a set is called where its files have no common folder. */
const otherNames: Readonly<Record<EvaluationTask, string>> = {
  classes: 'Classes',
  captions: 'Captions',
  masks: 'Masks',
};

export const useEvaluate = create<EvaluateState>()((set, get) => {
  const setAdding = (task: EvaluationTask, work: (before: Work) => Work) =>
    set((state) => ({ adding: { ...state.adding, [task]: work(state.adding[task]) } }));

  return {
    sets: [],
    adding: { classes: idle, captions: idle, masks: idle },
    plan: firstPlan,
    benchmarkChosen: false,
    baseline: null,
    others: [],
    work: idle,
    at: null,
    shown: null,

    async restore() {
      const sets = await engine().listEvaluationSets();
      const newest = (task: EvaluationTask) => sets.find((each) => each.task === task)?.id ?? null;
      set(({ plan }) => ({
        sets,
        plan: {
          ...plan,
          classes: plan.classes ?? newest('classes'),
          captions: plan.captions ?? newest('captions'),
          masks: plan.masks ?? newest('masks'),
        },
      }));
    },

    change: (change) => set(({ plan }) => ({ plan: { ...plan, ...change } })),
    chooseBenchmark: (benchmark) =>
      set(({ plan }) => ({ plan: { ...plan, benchmark }, benchmarkChosen: true })),
    choose: (change) => set(change),

    async add(task, files, name = nameOfFiles(files, otherNames[task])) {
      setAdding(task, () => busy());
      try {
        const added = await engine().addEvaluationSet(task, name, files, (progress) =>
          setAdding(task, (work) => advance(work, progress)),
        );
        set(({ sets, plan }) => ({
          sets: [added, ...sets.filter(({ id }) => id !== added.id)],
          plan: { ...plan, [task]: added.id },
        }));
        setAdding(task, () => idle);
        announce(`${added.name} added: ${formatPlural(added.images, 'image')}`);
      } catch (error) {
        setAdding(task, (work) => ended(work, error));
      }
    },

    async addBuiltIn(task) {
      setAdding(task, () => busy());
      try {
        const { name, files } = await fetchBuiltIn(task);
        await get().add(task, files, name);
      } catch (error) {
        setAdding(task, (work) => ended(work, error));
      }
    },

    failAdding: (task, problem) => setAdding(task, () => ({ state: 'failed', problem })),

    async cancel() {
      set(({ work, adding }) => ({
        work: cancelling(work),
        adding: {
          classes: cancelling(adding.classes),
          captions: cancelling(adding.captions),
          masks: cancelling(adding.masks),
        },
      }));
      await engine().cancel('evaluate');
    },

    async run(models, request) {
      set({ work: busy() });
      try {
        const results: EvaluationResult[] = [];
        for (const [i, { weights, name }] of models.entries()) {
          const { work } = get();
          if (work.state === 'busy' && work.cancelling) throw new DOMException('Cancelled', 'AbortError');
          set({ at: { name, number: i + 1, of: models.length } });
          results.push(
            await engine().evaluate({ ...request, weights, name }, (progress) =>
              set((state) => ({ work: advance(state.work, progress) })),
            ),
          );
        }
        const [baseline, ...others] = results.map(({ id }) => id);
        const comparisons = await engine().compareEvaluations(baseline!, others);
        const candidates = candidatesOn(results, await engine().listEvaluations());
        set({ shown: { results, comparisons, candidates }, work: idle, at: null });
        announce(`${formatPlural(results.length, 'model')} evaluated`);
      } catch (error) {
        set((state) => ({ work: ended(state.work, error), at: null }));
      }
    },
  };
});

/** Different checkpoints among everything ever scored on one of these results' sets. */
function candidatesOn(results: readonly EvaluationResult[], all: readonly EvaluationResult[]): number {
  const sets = new Set(results[0]?.sets.map(({ hash }) => hash));
  const scored = [...all, ...results].filter(
    (each) => each.weights.kind === 'checkpoint' && each.sets.some(({ hash }) => sets.has(hash)),
  );
  return new Set(scored.map(({ modelHash }) => modelHash)).size;
}
