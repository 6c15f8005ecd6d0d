import { create } from 'zustand';
import type {
  EncoderSummary,
  HardwareReport,
  ModelFiles,
  ProviderName,
  TeacherSummary,
} from '../../../workers/protocol.ts';
import { announce } from '../shared/announce.ts';
import { engine } from '../shared/engine.ts';
import { advance, busy, cancelling, ended, idle, problemOf, type Work } from '../shared/work.ts';

/** Identifiers of the models shipped with the app. */
export const builtInModels = { encoder: 'acuity-clip', teacher: 'acuity-diffusion' } as const;

export type ModelRole = 'encoder' | 'teacher';

interface ModelsState {
  encoders: EncoderSummary[];
  teachers: TeacherSummary[];
  /** The models that a new run will use. */
  encoder: string | null;
  teacher: string | null;
  loading: Record<ModelRole, Work>;
  hardware: HardwareReport | null;
  hardwareProblem: string | null;
  /** What the person asked for; the report says what is used. */
  force: ProviderName | 'auto';

  /** Asks the engine what it holds and what it runs on. */
  restore(): Promise<void>;
  /** True when the model is loaded. */
  load(role: ModelRole, files: ModelFiles): Promise<boolean>;
  cancel(role: ModelRole): Promise<void>;
  fail(role: ModelRole, problem: string): void;
  dismiss(role: ModelRole): void;
  choose(role: ModelRole, id: string): void;
  useProvider(force: ProviderName | 'auto'): Promise<void>;
}

export const useModels = create<ModelsState>()((set, get) => {
  function setLoading(role: ModelRole, work: (before: Work) => Work) {
    set((state) => ({ loading: { ...state.loading, [role]: work(state.loading[role]) } }));
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

    async restore() {
      const [held] = await Promise.all([engine().inventory(), get().useProvider(get().force)]);
      set((state) => ({
        encoders: held.encoders,
        teachers: held.teachers,
        encoder: state.encoder ?? held.encoders[0]?.id ?? null,
        teacher: state.teacher ?? held.teachers[0]?.id ?? null,
      }));
    },

    async load(role, files) {
      setLoading(role, () => busy());
      const progress = (report: Parameters<typeof advance>[1]) =>
        setLoading(role, (work) => advance(work, report));
      try {
        if (role === 'encoder') {
          const summary = await engine().loadEncoder(files, progress);
          set((state) => ({ encoders: withFirst(state.encoders, summary), encoder: summary.id }));
          announce(`Encoder ${summary.name} is loaded`);
        } else {
          const summary = await engine().loadTeacher(files, progress);
          set((state) => ({ teachers: withFirst(state.teachers, summary), teacher: summary.id }));
          announce(`Teacher ${summary.name} is loaded`);
        }
        setLoading(role, () => idle);
        return true;
      } catch (error) {
        setLoading(role, (work) => ended(work, error));
        return false;
      }
    },

    async cancel(role) {
      setLoading(role, cancelling);
      await engine().cancel('load');
    },

    fail: (role, problem) => setLoading(role, () => ({ state: 'failed', problem })),
    dismiss: (role) => setLoading(role, () => idle),
    choose: (role, id) => set(role === 'encoder' ? { encoder: id } : { teacher: id }),

    async useProvider(force) {
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
