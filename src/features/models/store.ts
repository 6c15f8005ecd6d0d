import { create } from 'zustand';
import type {
  EncoderSummary,
  HardwareReport,
  Inventory,
  ModelFiles,
  ProviderName,
  TeacherSummary,
} from '../../../workers/protocol.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { advance, busy, cancelling, ended, idle, problemOf, type Work } from '../shared/work.ts';

/** Identifiers of the models shipped with the app. */
export const builtInModels = { encoder: 'acuity-clip', teacher: 'acuity-diffusion' } as const;

export type ModelKind = 'encoder' | 'teacher';

interface ModelsState {
  encoders: EncoderSummary[];
  teachers: TeacherSummary[];
  /** The models that a new run will use. */
  encoder: string | null;
  teacher: string | null;
  loading: Record<ModelKind, Work>;
  hardware: HardwareReport | null;
  hardwareProblem: string | null;
  /** What the person asked for; the report says what is used. */
  force: ProviderName | 'auto';

  /** Whether it is still asked what earlier visits left. */
  restoring: boolean;

  /** Takes over what the engine holds from earlier visits. */
  restore(held: Inventory): void;
  /** True when the model is loaded. */
  load(kind: ModelKind, files: ModelFiles): Promise<boolean>;
  cancel(kind: ModelKind): Promise<void>;
  fail(kind: ModelKind, problem: string): void;
  dismiss(kind: ModelKind): void;
  choose(kind: ModelKind, id: string): void;
  askHardware(force: ProviderName | 'auto'): Promise<void>;
}

export const useModels = create<ModelsState>()((set) => {
  function setLoading(kind: ModelKind, work: (before: Work) => Work) {
    set((state) => ({ loading: { ...state.loading, [kind]: work(state.loading[kind]) } }));
  }

  return {
    encoders: [],
    teachers: [],
    encoder: null,
    teacher: null,
    loading: { encoder: idle, teacher: idle },
    hardware: null,
    hardwareProblem: null,
    force: 'auto',
    restoring: true,

    restore: ({ encoders, teachers }) =>
      set((state) => ({
        restoring: false,
        encoders,
        teachers,
        encoder: state.encoder ?? encoders[0]?.id ?? null,
        teacher: state.teacher ?? teachers[0]?.id ?? null,
      })),

    async load(kind, files) {
      setLoading(kind, () => busy());
      const progress = (report: Parameters<typeof advance>[1]) =>
        setLoading(kind, (work) => advance(work, report));
      try {
        if (kind === 'encoder') {
          const summary = await engine().loadEncoder(files, progress);
          set((state) => ({ encoders: withFirst(state.encoders, summary), encoder: summary.id }));
          announce(`Encoder ${summary.name} is loaded`);
        } else {
          const summary = await engine().loadTeacher(files, progress);
          set((state) => ({ teachers: withFirst(state.teachers, summary), teacher: summary.id }));
          announce(`Teacher ${summary.name} is loaded`);
        }
        setLoading(kind, () => idle);
        return true;
      } catch (error) {
        setLoading(kind, (work) => ended(work, error));
        return false;
      }
    },

    async cancel(kind) {
      setLoading(kind, cancelling);
      await engine().cancel('load');
    },

    fail: (kind, problem) => setLoading(kind, () => ({ state: 'failed', problem })),
    dismiss: (kind) => setLoading(kind, () => idle),
    choose: (kind, id) => set(kind === 'encoder' ? { encoder: id } : { teacher: id }),

    async askHardware(force) {
      set({ force, hardwareProblem: null });
      try {
        set({ hardware: await engine().hardware(force) });
      } catch (error) {
        set({ hardwareProblem: problemOf(error) });
      }
    },
  };
});

/** `list` with `item` in front, in place of any with the same id. */
function withFirst<T extends { id: string }>(list: readonly T[], item: T): T[] {
  return [item, ...list.filter(({ id }) => id !== item.id)];
}
