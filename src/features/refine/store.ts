import { create } from 'zustand';
import type { ExportedFile, Progress, RunEvent, RunSummary, WebGpuCheck } from '../../../workers/protocol.ts';
import { type PresetName, presets, type RefineConfig } from '../../method/config.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { saveFile } from '../shared/save.ts';
import { advance, busy, cancelling, ended, idle, problemOf, type Work } from '../shared/work.ts';
import { type Draft, draftOf, readDraft } from './draft.ts';
import type { FieldName } from './fields.ts';
import { isOver, type Live, withEvents } from './run-events.ts';

interface Ingredients {
  encoder: string;
  teacher: string;
  imageSet: string;
  /** A pair to follow through the run. */
  watch?: { benchmark: string; pair: number };
}

interface Check {
  work: Work;
  report: WebGpuCheck | null;
}

interface RefineState {
  runs: RunSummary[];
  state: 'loading' | 'ready' | 'failed';
  problem: string | null;
  /** The run on view; null is the form for a new one. */
  run: string | null;
  /** What this page knows of runs that it follows; a run of an earlier visit is not in here. */
  live: Record<string, Live>;
  draft: Draft;
  preset: PresetName | null;
  starting: Work;
  graph: Work;
  checks: Record<string, Check>;
  /** A control of a run that failed, for the person. */
  controlProblem: string | null;

  restore(): Promise<void>;
  view(run: string | null): void;
  takePreset(preset: PresetName): void;
  /** Sets the form to a configuration, such as a cheaper one. */
  takeConfig(config: RefineConfig): void;
  edit(name: FieldName, value: string): void;
  /** The new run's id; null when it did not start. */
  start(ingredients: Ingredients): Promise<string | null>;
  /** Gives up the start in hand; nothing was computed yet. */
  cancelStart(): Promise<void>;
  pause(run: string): Promise<void>;
  resume(run: string): Promise<void>;
  stop(run: string): Promise<void>;
  remove(run: string): Promise<void>;
  saveGraph(models: Pick<Ingredients, 'encoder' | 'teacher'>): Promise<void>;
  check(run: string): Promise<void>;
}

/** Steps that the check on WebGPU makes again. */
const checkedSteps = 3;

/** Milliseconds over which events are gathered before the page is drawn anew. */
const gathering = 100;

export const useRefine = create<RefineState>()((set, get) => {
  const waiting = new Map<string, RunEvent[]>();

  /** A listener that gathers the events of one run; `run` may be known only after the first ones came. */
  function follow(run: () => string | undefined) {
    const early: RunEvent[] = [];
    return (event: RunEvent) => {
      early.push(event);
      const id = run();
      if (id === undefined) return;
      const events = waiting.get(id);
      if (events) events.push(...early.splice(0));
      else {
        waiting.set(id, early.splice(0));
        setTimeout(() => deliver(id), gathering);
      }
    };
  }

  function deliver(id: string) {
    const events = waiting.get(id) ?? [];
    waiting.delete(id);
    for (const event of events) {
      if (event.type === 'checkpoint') useCheckpoints.getState().add(event.checkpoint);
      if (event.type === 'state') {
        const name = get().runs.find((run) => run.id === id)?.name ?? 'Run';
        announce(`${name}: ${event.state}${event.problem ? `. ${event.problem}` : ''}`);
      }
    }
    set((state) => {
      const run = state.runs.find((each) => each.id === id);
      if (!run) return {};
      const next = withEvents(run, state.live[id], events);
      return {
        runs: state.runs.map((each) => (each.id === id ? next.run : each)),
        live: { ...state.live, [id]: next.live },
      };
    });
  }

  async function control(run: string, act: () => Promise<void>) {
    set((state) => ({
      controlProblem: null,
      live: {
        ...state.live,
        [run]: { ...(state.live[run] ?? { progress: null, secondsLeft: null }), asked: true },
      },
    }));
    try {
      await act();
    } catch (error) {
      set({ controlProblem: problemOf(error) });
    }
    set((state) => {
      const live = state.live[run];
      return live ? { live: { ...state.live, [run]: { ...live, asked: false } } } : {};
    });
  }

  /** Reads the list of runs anew; those that this page follows know more than the list. */
  async function refresh() {
    const runs = await engine().listRuns();
    set((state) => ({
      runs: runs.map((run) =>
        state.live[run.id] ? (state.runs.find(({ id }) => id === run.id) ?? run) : run,
      ),
    }));
  }

  function config() {
    const read = readDraft(get().draft);
    if ('problems' in read) throw new Error('Some settings are out of bounds: see the marked fields.');
    return read.config;
  }

  return {
    runs: [],
    state: 'loading',
    problem: null,
    run: null,
    live: {},
    draft: draftOf(presets.quick),
    preset: 'quick',
    starting: idle,
    graph: idle,
    checks: {},
    controlProblem: null,

    async restore() {
      try {
        const runs = await engine().listRuns();
        set((state) => ({ runs, state: 'ready', problem: null, run: state.run ?? unfinished(runs) }));
      } catch (error) {
        set({ state: 'failed', problem: problemOf(error) });
      }
    },

    view: (run) => set({ run, controlProblem: null }),
    takePreset: (preset) => set({ preset, draft: draftOf(presets[preset]) }),
    takeConfig: (config) => set({ preset: null, draft: draftOf(config) }),
    edit: (name, value) => set((state) => ({ preset: null, draft: { ...state.draft, [name]: value } })),

    async start(ingredients) {
      set({ starting: busy() });
      try {
        let id: string | undefined;
        const deliverLater = follow(() => id);
        const name = nextName(get().runs);
        const begun = await engine().startRun({ ...ingredients, config: config(), name }, (event) => {
          // The engine gives the run's id once it is prepared: until then its progress is the start's own.
          if (event.type === 'progress')
            set((state) => ({ starting: advance(state.starting, event.progress) }));
          deliverLater(event);
        });
        await refresh();
        set((state) => ({
          run: begun,
          live: { ...state.live, [begun]: { progress: null, secondsLeft: null, asked: false } },
          starting: idle,
        }));
        id = begun;
        announce(`${name} has started`);
        return begun;
      } catch (error) {
        await refresh().catch(() => undefined);
        set((state) => ({ starting: ended(state.starting, error) }));
        return null;
      }
    },

    async cancelStart() {
      set((state) => ({ starting: cancelling(state.starting) }));
      await engine().cancel('prepare');
    },

    pause: (run) => control(run, () => engine().pauseRun(run)),
    stop: (run) => control(run, () => engine().stopRun(run)),
    resume: (run) =>
      control(run, () =>
        engine().resumeRun(
          run,
          follow(() => run),
        ),
      ),

    async remove(run) {
      await control(run, async () => {
        await engine().deleteRun(run);
        set((state) => ({
          runs: state.runs.filter(({ id }) => id !== run),
          run: state.run === run ? null : state.run,
        }));
        await useCheckpoints.getState().restore();
      });
    },

    async saveGraph({ encoder, teacher }) {
      set({ graph: busy() });
      try {
        const file: ExportedFile = await engine().exportTrainingGraph({ encoder, teacher, config: config() });
        saveFile(file);
        set({ graph: idle });
        announce('The training graph was saved');
      } catch (error) {
        set({ graph: { state: 'failed', problem: problemOf(error) } });
      }
    },

    async check(run) {
      const setCheck = (change: (check: Check) => Check) =>
        set((state) => ({
          checks: { ...state.checks, [run]: change(state.checks[run] ?? { work: idle, report: null }) },
        }));
      setCheck(({ report }) => ({ work: busy(), report }));
      try {
        const report = await engine().checkOnWebGpu(run, checkedSteps, (progress: Progress) =>
          setCheck((check) => ({ ...check, work: advance(check.work, progress) })),
        );
        setCheck(() => ({ work: idle, report }));
        announce('The check on WebGPU is done');
      } catch (error) {
        setCheck(({ report }) => ({ work: { state: 'failed', problem: problemOf(error) }, report }));
      }
    },
  };
});

/** "Run 5" after "Run 4", also when some between were deleted. */
function nextName(runs: readonly RunSummary[]): string {
  const numbers = runs.map(({ name }) => Number(/^Run (\d+)$/.exec(name)?.[1] ?? 0));
  return `Run ${Math.max(0, ...numbers) + 1}`;
}

/** The run to show on arrival: one that an earlier visit left in the middle, else the newest. */
function unfinished(runs: readonly RunSummary[]): string | null {
  return (runs.find(({ state }) => !isOver(state)) ?? runs[0])?.id ?? null;
}
