import type { Fingerprint } from '../../src/data/duplicates.ts';
import { contentBlob, type SourceFile } from '../../src/data/file-content.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { EmbeddingCache } from '../../src/evaluation/embedding-cache.ts';
import type { EvaluationContent } from '../../src/evaluation/set-identity.ts';
import { BlobStore } from '../../src/storage/blobs.ts';
import { CheckpointStore, type StoredCheckpoint } from '../../src/storage/checkpoints.ts';
import { Collection } from '../../src/storage/collection.ts';
import { StorageError } from '../../src/storage/errors.ts';
import { Library, type LibraryKind } from '../../src/storage/library.ts';
import { openBackends } from '../../src/storage/open.ts';
import { RowCache } from '../../src/storage/row-cache.ts';
import type { EvaluationResult, EvaluationSetSummary } from '../evaluation-protocol.ts';
import type {
  BenchmarkReport,
  BenchmarkSummary,
  CheckpointSummary,
  ImageSetSummary,
  ModelFiles,
  RunSummary,
  StepRecord,
} from '../protocol.ts';

/** What the engine keeps on this device between visits. */
export interface Store {
  keepModel(kind: 'encoder' | 'teacher', id: string, files: ModelFiles): Promise<void>;
  models(): Promise<{ kind: 'encoder' | 'teacher'; id: string; files: ModelFiles }[]>;
  forgetModel(id: string): Promise<void>;
  keepImages(summary: ImageSetSummary, images: readonly SourceFile[]): Promise<void>;
  imageSets(): Promise<ImageSetSummary[]>;
  images(id: string): Promise<readonly SourceFile[]>;
  /** What tells the images of a set from each other, in their order; undefined until it is kept. */
  fingerprints(set: string): Promise<Fingerprint[] | undefined>;
  keepFingerprints(set: string, fingerprints: readonly Fingerprint[]): Promise<void>;
  keepBenchmark(summary: BenchmarkSummary, files: readonly NamedBlob[]): Promise<void>;
  benchmarks(): Promise<{ summary: BenchmarkSummary; files: NamedBlob[] }[]>;
  keepRun(run: RunSummary): Promise<void>;
  runs(): Promise<RunSummary[]>;
  deleteRun(id: string): Promise<void>;
  keepCheckpoint(
    run: RunSummary,
    tensors: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  ): Promise<CheckpointSummary>;
  checkpoints(): Promise<CheckpointSummary[]>;
  checkpoint(id: string): Promise<{
    step: number;
    encoder: string;
    config: RunSummary['config'];
    records: StepRecord[];
    tensors: Map<string, Uint8Array<ArrayBuffer>>;
  }>;
  deleteCheckpoint(id: string): Promise<void>;
  keepReport(report: BenchmarkReport): Promise<void>;
  /** Number of WebAssembly threads of the runs kept here; undefined while there are none. */
  threads(): Promise<number | undefined>;
  keepThreads(threads: number): Promise<void>;
  reports(): Promise<BenchmarkReport[]>;
  keepEvaluationSet(
    summary: EvaluationSetSummary,
    content: EvaluationContent,
    files: readonly NamedBlob[],
  ): Promise<void>;
  evaluationSets(): Promise<{ summary: EvaluationSetSummary; content: EvaluationContent }[]>;
  evaluationFiles(id: string): Promise<NamedBlob[]>;
  keepEvaluation(result: EvaluationResult): Promise<void>;
  evaluations(): Promise<EvaluationResult[]>;
  deleteEvaluation(id: string): Promise<void>;
  embeddings: EmbeddingCache;
  latents: RowCache;
}

/** A set that cannot be kept serves this visit all the same. */
interface Kept<T> {
  summary: T;
  files: SourceFile[];
}

/** Opens what earlier visits left. Sets too large to keep stay in this visit's memory of files. */
export async function openStore(): Promise<Store> {
  const backends = await openBackends();
  const blobs = new BlobStore(backends);
  await blobs.sweep();
  const library = new Library(blobs);
  const checkpoints = new CheckpointStore(blobs);
  const runs = new Collection<RunSummary>(backends.state, 'run', isRun);
  const reports = new Collection<BenchmarkReport>(backends.state, 'report', isReport);
  const evaluations = new Collection<EvaluationResult>(backends.state, 'evaluation', isEvaluation);
  const fingerprints = new Collection<Fingerprint[]>(backends.state, 'fingerprints', isFingerprints);
  const visit = new Map<string, Kept<unknown>>();

  const keep = async (
    kind: LibraryKind,
    id: string,
    name: string,
    summary: unknown,
    files: readonly SourceFile[],
  ) => {
    visit.set(`${kind}/${id}`, { summary, files: [...files] });
    const unfinished = (await runs.all()).filter((run) => run.state !== 'finished');
    const inUse = new Set(unfinished.flatMap((run) => [run.encoder, run.teacher, run.imageSet]));
    try {
      await library.keep({ kind, id, name, summary }, files, { inUse });
      // From here on they are read from the copy: files on disk may be moved, those of archives need unpacking.
      if (kind === 'images') visit.delete(`${kind}/${id}`);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      console.warn(error.message);
    }
  };
  const kept = async (kind: LibraryKind): Promise<{ id: string; summary: unknown }[]> => {
    const stored = (await library.list(kind)).map(({ id, summary }) => ({ id, summary }));
    const known = new Set(stored.map(({ id }) => id));
    const here = [...visit].filter(
      ([key]) => key.startsWith(`${kind}/`) && !known.has(key.slice(kind.length + 1)),
    );
    return [...here.map(([key, { summary }]) => ({ id: key.slice(kind.length + 1), summary })), ...stored];
  };
  const open = async (kind: LibraryKind, id: string): Promise<SourceFile[]> =>
    visit.get(`${kind}/${id}`)?.files ?? (await library.open(kind, id).catch(missing(nouns[kind])));
  const openPlain = async (kind: LibraryKind, id: string): Promise<NamedBlob[]> =>
    Promise.all(
      (await open(kind, id)).map(async ({ path, blob }) => ({ path, blob: await contentBlob(blob) })),
    );
  /** The browser may have removed an item's files; the others are there all the same. */
  const openIfWhole = (kind: LibraryKind, id: string): Promise<NamedBlob[] | undefined> =>
    openPlain(kind, id).catch(async (error: unknown) => {
      console.warn(error instanceof Error ? error.message : String(error));
      await library.remove(kind, id);
      return undefined;
    });

  return {
    async keepModel(kind, id, files) {
      const summary: KeptModel = {
        kind,
        files: files.kind === 'files' ? { kind: 'files', name: files.name } : files,
      };
      await keep('model', id, nameOfModel(files), summary, files.kind === 'files' ? files.files : []);
    },
    async models() {
      const found = [];
      for (const { id, summary } of await kept('model')) {
        const { kind, files } = summary as KeptModel;
        if (files.kind !== 'files') found.push({ kind, id, files });
        else {
          const dropped = await openIfWhole('model', id);
          if (dropped) found.push({ kind, id, files: { ...files, files: dropped } });
        }
      }
      return found;
    },
    async forgetModel(id) {
      visit.delete(`model/${id}`);
      await library.remove('model', id);
    },
    keepImages: (summary, images) =>
      keep(
        'images',
        summary.id,
        summary.name,
        summary,
        images.map(({ path, blob }) => ({ path, blob })),
      ),
    imageSets: async () => (await kept('images')).map(({ summary }) => summary as ImageSetSummary),
    images: (id) => open('images', id),
    fingerprints: (set) => fingerprints.get(set),
    keepFingerprints: (set, found) => fingerprints.put(set, [...found]),
    keepBenchmark: (summary, files) => keep('benchmark', summary.id, summary.name, summary, files),
    async benchmarks() {
      const found = [];
      for (const { id, summary } of await kept('benchmark')) {
        const files = await openIfWhole('benchmark', id);
        if (files) found.push({ summary: summary as BenchmarkSummary, files });
      }
      return found;
    },
    keepRun: (run) => runs.put(run.id, run),
    runs: async () => (await runs.all()).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)),
    async deleteRun(id) {
      for (const { id: checkpoint, run } of await checkpoints.list())
        if (run === id) await checkpoints.remove(checkpoint);
      await runs.remove(id);
    },
    async keepCheckpoint(run, tensors) {
      const last = run.steps.at(-1);
      const stored = await checkpoints.save({
        id: crypto.randomUUID(),
        run: run.id,
        step: run.step,
        createdAt: new Date().toISOString(),
        config: run.config,
        encoder: run.encoder,
        loss: last?.loss ?? Number.NaN,
        records: run.steps,
        tensors: new Map(tensors),
      });
      return summaryOf(stored);
    },
    checkpoints: async () => (await checkpoints.list()).map(summaryOf),
    checkpoint: (id) => checkpoints.load(id).catch(missing('checkpoint')),
    deleteCheckpoint: (id) => checkpoints.remove(id),
    keepReport: (report) => reports.put(`${report.benchmark}/${JSON.stringify(report.weights)}`, report),
    reports: () => reports.all(),
    keepEvaluationSet: (summary, content, files) =>
      keep('evaluation', summary.id, summary.name, { summary, content }, files),
    evaluationSets: async () =>
      (await kept('evaluation')).map(
        (item) => item.summary as { summary: EvaluationSetSummary; content: EvaluationContent },
      ),
    evaluationFiles: (id) => openPlain('evaluation', id),
    keepEvaluation: (result) => evaluations.put(result.id, result),
    evaluations: async () => (await evaluations.all()).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)),
    deleteEvaluation: (id) => evaluations.remove(id),
    embeddings: new EmbeddingCache(blobs),
    latents: new RowCache(blobs, {
      prefix: 'latents',
      label: 'Latents of training images',
      mostBytes: 4 * 2 ** 30,
    }),
    async threads() {
      if ((await runs.all()).length === 0) return undefined;
      const threads = await backends.state.get('threads');
      return typeof threads === 'number' ? threads : undefined;
    },
    keepThreads: (threads) => backends.state.update({ set: new Map([['threads', threads]]) }),
  };
}

const nouns: Readonly<Record<LibraryKind, string>> = {
  images: 'image set',
  model: 'model',
  benchmark: 'benchmark',
  evaluation: 'set',
};

/** Names what storage, which knows ids alone, could not find. */
function missing(noun: string): (error: unknown) => never {
  return (error) => {
    const gone = error instanceof StorageError && error.problem === 'missing';
    throw gone ? new Error(`This ${noun} is no longer on this device`, { cause: error }) : error;
  };
}

const isRun = (value: unknown): value is RunSummary =>
  typeof value === 'object' && value !== null && 'config' in value && 'steps' in value;

const isFingerprints = (value: unknown): value is Fingerprint[] =>
  Array.isArray(value) && value.every((one) => 'sha256' in one && 'dhash' in one);

const isReport = (value: unknown): value is BenchmarkReport =>
  typeof value === 'object' && value !== null && 'weights' in value && 'pairs' in value;

const isEvaluation = (value: unknown): value is EvaluationResult =>
  typeof value === 'object' && value !== null && 'modelHash' in value && 'scores' in value;

/** A model as the library remembers it: dropped ones with their files, others by where those are. */
interface KeptModel {
  kind: 'encoder' | 'teacher';
  files: Exclude<ModelFiles, { kind: 'files' }> | { kind: 'files'; name: string };
}

function nameOfModel(files: ModelFiles): string {
  if (files.kind === 'files') return files.name;
  return files.kind === 'hub' ? files.repository : files.id;
}

const summaryOf = ({
  id,
  run,
  step,
  bytes,
  createdAt,
  loss,
  encoder,
}: StoredCheckpoint): CheckpointSummary => ({
  id,
  run,
  step,
  bytes,
  createdAt,
  loss,
  encoder,
  scores: [],
});
