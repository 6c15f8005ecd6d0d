import { create } from 'zustand';
import type {
  BenchmarkSummary,
  DuplicateImage,
  ImageSetSummary,
  Inventory,
  NamedBlob,
} from '../../../workers/protocol.ts';
import { announce } from '../shared/announce.ts';
import { fetchBuiltIn } from '../shared/built-in.ts';
import { engine } from '../shared/engine.ts';
import { nameOfFiles } from '../shared/files.ts';
import { formatPlural } from '../shared/format.ts';
import { advance, busy, cancelling, ended, idle, problemOf, type Work } from '../shared/work.ts';

interface ImagesState {
  sets: ImageSetSummary[];
  /** The set on view, which a new run will use. */
  set: string | null;
  /** Paths of the images of each set that has been on view. */
  paths: Record<string, string[]>;
  pathsProblem: string | null;
  adding: Work;
  /** Duplicates of each set in which they have been looked for, by path. */
  duplicates: Record<string, ReadonlyMap<string, DuplicateImage>>;
  looking: Work;

  benchmarks: BenchmarkSummary[];
  benchmark: string | null;
  addingBenchmark: Work;

  /** Takes over what the engine holds from earlier visits. */
  restore(sets: ImageSetSummary[], held: Inventory): void;
  /** True when the set is there. */
  addImages(files: NamedBlob[], name?: string): Promise<boolean>;
  addBuiltInImages(): Promise<boolean>;
  cancelAdding(): Promise<void>;
  failAdding(problem: string): void;
  choose(set: string): void;
  loadPaths(set: string): Promise<void>;

  lookForDuplicates(set: string): Promise<void>;
  /** Keeps two sets made of one, and shows the one to train on. */
  split(set: string, how: { share: number; seed: number }): Promise<void>;
  cancelLooking(): Promise<void>;

  addBenchmark(files: NamedBlob[], name?: string): Promise<boolean>;
  addBuiltInBenchmark(): Promise<boolean>;
  failBenchmark(problem: string): void;
  chooseBenchmark(benchmark: string): void;
}

export const useImages = create<ImagesState>()((set, get) => ({
  sets: [],
  set: null,
  paths: {},
  pathsProblem: null,
  adding: idle,
  duplicates: {},
  looking: idle,
  benchmarks: [],
  benchmark: null,
  addingBenchmark: idle,

  restore: (sets, { benchmarks }) =>
    set((state) => ({
      sets,
      set: state.set ?? sets[0]?.id ?? null,
      benchmarks,
      benchmark: state.benchmark ?? benchmarks[0]?.id ?? null,
    })),

  async addImages(files, name = nameOfFiles(files, 'Images')) {
    set({ adding: busy() });
    try {
      const added = await engine().addImages(name, files, (progress) =>
        set((state) => ({ adding: advance(state.adding, progress) })),
      );
      if (added.count === 0) throw new Error(noneReadable(added));
      set((state) => ({
        sets: [added, ...state.sets.filter(({ id }) => id !== added.id)],
        set: added.id,
        adding: idle,
      }));
      announce(
        `${formatPlural(added.count, 'image')} added, ${formatPlural(added.skipped.length, 'file')} skipped`,
      );
      return true;
    } catch (error) {
      set((state) => ({ adding: ended(state.adding, error) }));
      return false;
    }
  },

  async addBuiltInImages() {
    set({ adding: busy() });
    try {
      const { name, files } = await fetchBuiltIn('images');
      return await get().addImages(files, name);
    } catch (error) {
      set((state) => ({ adding: ended(state.adding, error) }));
      return false;
    }
  },

  async cancelAdding() {
    set((state) => ({ adding: cancelling(state.adding) }));
    await engine().cancel('images');
  },

  failAdding: (problem) => set({ adding: { state: 'failed', problem } }),
  choose: (id) => set({ set: id }),

  async loadPaths(id) {
    if (get().paths[id]) return;
    try {
      const paths = await engine().imagePaths(id);
      set((state) => ({ paths: { ...state.paths, [id]: paths }, pathsProblem: null }));
    } catch (error) {
      set({ pathsProblem: problemOf(error) });
    }
  },

  async lookForDuplicates(id) {
    set({ looking: busy() });
    try {
      const found = await engine().findDuplicates(id, (progress) =>
        set((state) => ({ looking: advance(state.looking, progress) })),
      );
      const byPath = new Map(found.map((image) => [image.path, image]));
      set((state) => ({ duplicates: { ...state.duplicates, [id]: byPath }, looking: idle }));
      announce(`${formatPlural(found.length, 'image')} with a duplicate`);
    } catch (error) {
      set((state) => ({ looking: ended(state.looking, error) }));
    }
  },

  async split(id, how) {
    set({ looking: busy() });
    try {
      const { train, heldOut } = await engine().splitImages(id, how, (progress) =>
        set((state) => ({ looking: advance(state.looking, progress) })),
      );
      set((state) => {
        const others = state.sets.filter((other) => other.id !== train.id && other.id !== heldOut.id);
        return { sets: [train, heldOut, ...others], set: train.id, looking: idle };
      });
      announce(`${formatPlural(train.count, 'image')} to train on, ${heldOut.count} held out`);
    } catch (error) {
      set((state) => ({ looking: ended(state.looking, error) }));
    }
  },

  async cancelLooking() {
    set((state) => ({ looking: cancelling(state.looking) }));
    await engine().cancel('duplicates');
  },

  async addBenchmark(files, name = nameOfFiles(files, 'Benchmark')) {
    set({ addingBenchmark: busy() });
    try {
      const added = await engine().addBenchmark(name, files);
      set((state) => ({
        benchmarks: [added, ...state.benchmarks.filter(({ id }) => id !== added.id)],
        benchmark: added.id,
        addingBenchmark: idle,
      }));
      announce(`Benchmark ${added.name} added: ${formatPlural(added.pairs, 'pair')}`);
      return true;
    } catch (error) {
      set((state) => ({ addingBenchmark: ended(state.addingBenchmark, error) }));
      return false;
    }
  },

  async addBuiltInBenchmark() {
    set({ addingBenchmark: busy() });
    try {
      const { name, files } = await fetchBuiltIn('benchmark');
      return await get().addBenchmark(files, name);
    } catch (error) {
      set((state) => ({ addingBenchmark: ended(state.addingBenchmark, error) }));
      return false;
    }
  },

  failBenchmark: (problem) => set({ addingBenchmark: { state: 'failed', problem } }),
  chooseBenchmark: (benchmark) => set({ benchmark }),
}));

function noneReadable({ skipped }: ImageSetSummary): string {
  const [first] = skipped;
  return first
    ? `None of the ${formatPlural(skipped.length, 'file')} is a readable image; the first, ${first.path}: ${first.reason}. Give PNG, JPEG or WebP files.`
    : 'No images were found. Give a folder of PNG, JPEG or WebP files.';
}
