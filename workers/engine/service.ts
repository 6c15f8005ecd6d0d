import { expandArchives, plainFiles } from '../../src/data/archives.ts';
import { browserSpill } from '../../src/data/browser-spill.ts';
import { contentBytes } from '../../src/data/file-content.ts';
import { sha256 } from '../../src/data/hash.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import type { ScoresComparison } from '../../src/evaluation/evaluation.ts';
import { type MmvpBenchmark, readMmvpFolder } from '../../src/evaluation/mmvp-folder.ts';
import { benchmarkIdentity } from '../../src/evaluation/set-identity.ts';
import { comparePairs } from '../../src/evaluation/statistics.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { TransferMeter } from '../../src/storage/transfer-progress.ts';
import { mergedWeights } from '../../src/training/merged.ts';
import { createImagePool } from '../image-workers.ts';
import type {
  BenchmarkReport,
  BenchmarkSummary,
  CheckpointSummary,
  Comparison,
  DuplicateImage,
  EncoderSummary,
  Engine,
  EvaluationRequest,
  EvaluationResult,
  EvaluationSetSummary,
  EvaluationTask,
  ExportedFile,
  FoundPair,
  HardwareReport,
  ImageSetSummary,
  Inventory,
  Listener,
  ModelFiles,
  PairSearch,
  PatchView,
  PlanReport,
  PlanRequest,
  Progress,
  ProviderName,
  RunEvent,
  RunSummary,
  SecondEncoderSummary,
  TeacherSummary,
  WatchedPair as WatchedPairSummary,
  WebGpuCheck,
  WeightsRef,
} from '../protocol.ts';
import { blindPairs, secondParts, teacherOpinion } from './evaluation/blind-pairs.ts';
import { type EmbeddingParts, embedPrompts, imageRows } from './evaluation/embeddings.ts';
import { Evaluations } from './evaluation/evaluations.ts';
import { modelHashOf } from './evaluation/model-hash.ts';
import { patchView } from './evaluation/patch-view.ts';
import { versions } from './evaluation/versions.ts';
import { exportEncoder, exportTrainingGraph } from './exports.ts';
import { Hardware } from './hardware.ts';
import { ImageSets } from './image-sets.ts';
import { poolCrops } from './images.ts';
import {
  type LoadedEncoder,
  type LoadedTeacher,
  loadEncoder,
  loadSecondEncoder,
  loadTeacher,
  type SecondEncoder,
} from './models.ts';
import { planReport } from './plan.ts';
import { RunLoop } from './run-loop.ts';
import { type PreparedRun, prepareRun, type RunParts, stateOf, stateTensors } from './runs.ts';
import { scoreBenchmark } from './scoring.ts';
import { openStore, type Store } from './store.ts';
import { WatchedPair } from './watched-pair.ts';
import { checkOnWebGpu } from './webgpu-check.ts';

type Cancellable = 'score' | 'load' | 'images' | 'duplicates' | 'evaluate' | 'prepare';

/** What the engine worker exposes: one object that knows every model, image set, run and checkpoint. */
export class EngineService implements Engine {
  readonly #store: Promise<Store> = openStore();
  readonly #hardware = new Hardware(this.#store);
  readonly #pool = createImagePool();
  readonly #imageSets = new ImageSets(this.#store, this.#pool);
  readonly #encoders = new Map<string, LoadedEncoder>();
  readonly #teachers = new Map<string, LoadedTeacher>();
  readonly #benchmarks = new Map<string, { summary: BenchmarkSummary; content: MmvpBenchmark }>();
  /** Encoders that are only looked through, of this visit. */
  readonly #seconds = new Map<string, SecondEncoder>();
  readonly #loops = new Map<string, RunLoop>();
  readonly #evaluations = new Evaluations({
    store: this.#store,
    pool: this.#pool,
    parts: (weights, work) => this.#embedding(weights, work),
    benchmark: async (id) => {
      const content = await this.#benchmark(id);
      return { summary: this.#benchmarks.get(id)!.summary, content };
    },
    versions: versions(),
  });
  readonly #work = new Map<Cancellable, Set<AbortController>>();

  hardware(force?: ProviderName | 'auto'): Promise<HardwareReport> {
    return this.#hardware.report(force);
  }

  async loadEncoder(files: ModelFiles, progress?: Listener<Progress>): Promise<EncoderSummary> {
    return this.#cancellable('load', async (signal) => {
      const loaded = await loadEncoder(files, progress);
      signal.throwIfAborted();
      this.#encoders.set(loaded.summary.id, loaded);
      await (await this.#store).keepModel('encoder', loaded.summary.id, files);
      return loaded.summary;
    });
  }

  async loadTeacher(files: ModelFiles, progress?: Listener<Progress>): Promise<TeacherSummary> {
    return this.#cancellable('load', async (signal) => {
      const loaded = await loadTeacher(files, progress);
      signal.throwIfAborted();
      this.#teachers.set(loaded.summary.id, loaded);
      await (await this.#store).keepModel('teacher', loaded.summary.id, files);
      return loaded.summary;
    });
  }

  async addImages(name: string, files: NamedBlob[], progress?: Listener<Progress>): Promise<ImageSetSummary> {
    return this.#cancellable('images', (signal) => this.#imageSets.add(name, files, signal, progress));
  }

  async addBenchmark(name: string, given: NamedBlob[]): Promise<BenchmarkSummary> {
    const files = await plainFiles(await expandArchives(given, { spill: browserSpill }));
    const summary = await this.#readBenchmark(name, files);
    await (await this.#store).keepBenchmark(summary, files);
    return summary;
  }

  /** Models and benchmarks of earlier visits are read again the first time that somebody asks. */
  async inventory(): Promise<Inventory> {
    const store = await this.#store;
    for (const { kind, id, files } of await store.models()) {
      if (kind === 'encoder' ? this.#encoders.has(id) : this.#teachers.has(id)) continue;
      try {
        const loaded = kind === 'encoder' ? await loadEncoder(files) : await loadTeacher(files);
        if ('vision' in loaded) this.#encoders.set(loaded.summary.id, loaded);
        else this.#teachers.set(loaded.summary.id, loaded);
        // The app may by now ship another model under the name that was kept.
        if (loaded.summary.id !== id) await store.forgetModel(id);
      } catch {
        await store.forgetModel(id);
      }
    }
    for (const { summary, files } of await store.benchmarks()) {
      if (!this.#benchmarks.has(summary.id)) await this.#readBenchmark(summary.name, files, summary.id);
    }
    return {
      encoders: [...this.#encoders.values()].map(({ summary }) => summary),
      teachers: [...this.#teachers.values()].map(({ summary }) => summary),
      benchmarks: [...this.#benchmarks.values()].map(({ summary }) => summary),
    };
  }

  async listImageSets(): Promise<ImageSetSummary[]> {
    return (await this.#store).imageSets();
  }

  /** Runs in work as they are now; those of earlier visits as they were saved, at rest. */
  async listRuns(): Promise<RunSummary[]> {
    const saved = await (await this.#store).runs();
    return saved.map((run) => {
      const live = this.#loops.get(run.id);
      if (live) return live.summary;
      const interrupted = run.state === 'running' || run.state === 'preparing';
      return interrupted ? { ...run, state: 'paused' as const } : run;
    });
  }

  async listCheckpoints(): Promise<CheckpointSummary[]> {
    const store = await this.#store;
    const reports = await store.reports();
    return (await store.checkpoints()).map((checkpoint) => ({
      ...checkpoint,
      scores: reports
        .filter(({ weights }) => weights.kind === 'checkpoint' && weights.id === checkpoint.id)
        .map(({ benchmark, total }) => ({ benchmark, total })),
    }));
  }

  async listReports(): Promise<BenchmarkReport[]> {
    return (await this.#store).reports();
  }

  async file(owner: string, path: string): Promise<Blob> {
    const benchmark = this.#benchmarks.get(owner);
    const files = benchmark?.content.images ?? (await this.#evaluations.find(owner))?.files;
    if (!files) return this.#imageSets.file(owner, path);
    const found = files.find((file) => file.path === path);
    if (!found) throw new Error(`${path} is not among the files of this benchmark. Add the folder again`);
    return found.blob;
  }

  async thumbnail(set: string, path: string, edge: number): Promise<string> {
    return this.#imageSets.thumbnail(set, path, edge);
  }

  async imagePaths(owner: string): Promise<string[]> {
    const evaluated = await this.#evaluations.find(owner);
    return evaluated ? evaluated.files.map(({ path }) => path) : this.#imageSets.paths(owner);
  }

  findDuplicates(imageSet: string, progress?: Listener<Progress>): Promise<DuplicateImage[]> {
    return this.#cancellable('duplicates', (signal) =>
      this.#imageSets.duplicates(imageSet, signal, progress),
    );
  }

  splitImages(
    imageSet: string,
    split: { share: number; seed: number },
    progress?: Listener<Progress>,
  ): Promise<{ train: ImageSetSummary; heldOut: ImageSetSummary }> {
    return this.#cancellable('duplicates', (signal) =>
      this.#imageSets.split(imageSet, split, signal, progress),
    );
  }

  async planRun(request: PlanRequest): Promise<PlanReport> {
    const { provider } = await this.#hardware.choice();
    const working = [...this.#loops.values()].some(({ summary }) => summary.state === 'running');
    return planReport({
      encoder: await this.#encoder(request.encoder),
      teacher: await this.#teacher(request.teacher),
      request,
      provider,
      adapter: await this.#hardware.adapter(),
      runs: await this.listRuns(),
      // Measured beside a run, both would be slow.
      rates: async () => (working ? null : this.#hardware.rates()),
    });
  }

  async startRun(
    request: {
      encoder: string;
      teacher: string;
      imageSet: string;
      config: RunSummary['config'];
      name?: string;
      watch?: { benchmark: string; pair: number };
    },
    listener: Listener<RunEvent>,
  ): Promise<string> {
    const parts = await this.#partsOf(request);
    const { provider } = await this.#hardware.choice();
    const id = crypto.randomUUID();
    const set = (await this.listImageSets()).find((one) => one.id === request.imageSet);
    const summary: RunSummary = {
      id,
      name: request.name ?? `${parts.encoder.summary.name}, seed ${request.config.seed}`,
      state: 'preparing',
      config: request.config,
      encoder: request.encoder,
      teacher: request.teacher,
      imageSet: request.imageSet,
      ...(set && { images: { name: set.name, hash: set.hash, mode: set.mode ?? 'photo' } }),
      provider,
      createdAt: new Date().toISOString(),
      step: 0,
      steps: [],
      ...(request.watch ? { watched: await this.#pairOf(request.watch) } : {}),
    };
    await this.#launch(summary, parts, listener);
    return id;
  }

  async resumeRun(id: string, listener: Listener<RunEvent>): Promise<void> {
    const live = this.#loops.get(id);
    if (live?.summary.state === 'paused') {
      live.listen(listener);
      live.resume();
      return;
    }
    if (live?.summary.state === 'running') {
      live.listen(listener);
      return;
    }
    const store = await this.#store;
    const run = (await store.runs()).find((other) => other.id === id);
    if (!run) throw new Error('This run is no longer on this device');
    const last = (await store.checkpoints())
      .filter((checkpoint) => checkpoint.run === id)
      .sort((a, b) => b.step - a.step)[0];
    const { provider } = await this.#hardware.choice();
    const step = last?.step ?? 0;
    const steps = run.steps.filter((record) => record.step <= step);
    const summary: RunSummary = { ...run, provider, state: 'preparing', step, steps };
    delete summary.problem;
    if (summary.watched) {
      const points = summary.watched.points.filter((point) => point.step <= step);
      summary.watched = { ...summary.watched, points };
    }
    await this.#launch(summary, await this.#partsOf(run), listener, last?.id);
  }

  async pauseRun(id: string): Promise<void> {
    await this.#loop(id).pause();
  }

  async stopRun(id: string): Promise<void> {
    await this.#loop(id).stop();
  }

  async deleteRun(id: string): Promise<void> {
    await this.#loops.get(id)?.stop();
    this.#loops.delete(id);
    await (await this.#store).deleteRun(id);
  }

  async score(
    weights: WeightsRef,
    benchmark: string,
    progress?: Listener<Progress>,
  ): Promise<BenchmarkReport> {
    return this.#cancellable('score', async (signal) => {
      const parts = await this.#embedding(weights, {
        mode: 'reference',
        signal,
        progress: (event) => progress?.(event),
      });
      const content = await this.#benchmark(benchmark);
      const report = await scoreBenchmark(parts, weights, { id: benchmark, content });
      await (await this.#store).keepReport(report);
      return report;
    });
  }

  async compare(before: WeightsRef, after: WeightsRef, benchmark: string): Promise<Comparison> {
    const reports = await (await this.#store).reports();
    const reportOf = async (weights: WeightsRef) =>
      reports.find(
        (r) => r.benchmark === benchmark && JSON.stringify(r.weights) === JSON.stringify(weights),
      ) ?? (await this.score(weights, benchmark));
    const first = await reportOf(before);
    const second = await reportOf(after);
    const { fixed, broken, pValue, interval, verdict } = comparePairs(first.pairs, second.pairs);
    return { before: first, after: second, fixed, broken, pValue, interval, verdict };
  }

  async cancel(work: Cancellable): Promise<void> {
    const reason = new DOMException('Cancelled', 'AbortError');
    for (const controller of this.#work.get(work) ?? []) controller.abort(reason);
  }

  async exportEncoder(weights: WeightsRef): Promise<ExportedFile[]> {
    const { encoder, replaced } = await this.#weights(weights);
    const files = await exportEncoder(encoder, replaced);
    return weights.kind === 'checkpoint' ? [...files, await this.#provenance(weights.id)] : files;
  }

  /** How a checkpoint's weights came about, as a file to keep beside them. */
  async #provenance(checkpoint: string): Promise<ExportedFile> {
    const store = await this.#store;
    const { run, step } = (await store.checkpoints()).find(({ id }) => id === checkpoint)!;
    const found = (await store.runs()).find(({ id }) => id === run);
    const { name, config, encoder, teacher, images, provider, createdAt } = found ?? {};
    const told = { run: name, step, encoder, teacher, images, config, provider, createdAt };
    const text = `${JSON.stringify(told, null, 2)}\n`;
    return { path: 'refined/refinement.json', blob: new Blob([text], { type: 'application/json' }) };
  }

  async exportTrainingGraph(request: {
    encoder: string;
    teacher: string;
    config: RunSummary['config'];
  }): Promise<ExportedFile> {
    return exportTrainingGraph(
      await this.#encoder(request.encoder),
      await this.#teacher(request.teacher),
      request.config,
    );
  }

  async deleteCheckpoint(id: string): Promise<void> {
    await (await this.#store).deleteCheckpoint(id);
  }

  async checkOnWebGpu(run: string, steps: number, progress?: Listener<Progress>): Promise<WebGpuCheck> {
    const found = (await this.listRuns()).find((other) => other.id === run);
    if (!found) throw new Error('This run is no longer on this device');
    const parts = await this.#partsOf(found);
    const gpu = await this.#hardware.gpu();
    return checkOnWebGpu(gpu, await this.#hardware.cpu(), parts, steps, (event) => progress?.(event));
  }

  addEvaluationSet(
    task: EvaluationTask,
    name: string,
    files: NamedBlob[],
    progress?: Listener<Progress>,
  ): Promise<EvaluationSetSummary> {
    return this.#cancellable('evaluate', async (signal) => {
      const plain = await plainFiles(await expandArchives(files, { spill: browserSpill, signal }));
      return this.#evaluations.add(task, name, plain, signal, progress);
    });
  }

  listEvaluationSets(): Promise<EvaluationSetSummary[]> {
    return this.#evaluations.sets();
  }

  evaluate(request: EvaluationRequest, progress?: Listener<Progress>): Promise<EvaluationResult> {
    return this.#cancellable('evaluate', (signal) => this.#evaluations.evaluate(request, signal, progress));
  }

  listEvaluations(): Promise<EvaluationResult[]> {
    return this.#evaluations.results();
  }

  compareEvaluations(baseline: string, others: string[]): Promise<ScoresComparison[]> {
    return this.#evaluations.compare(baseline, others);
  }

  loadSecondEncoder(files: ModelFiles, progress?: Listener<Progress>): Promise<SecondEncoderSummary> {
    return this.#cancellable('evaluate', async (signal) => {
      const loaded = await loadSecondEncoder(files, progress);
      signal.throwIfAborted();
      this.#seconds.set(loaded.summary.id, loaded);
      return loaded.summary;
    });
  }

  findBlindPairs(search: PairSearch, progress?: Listener<Progress>): Promise<FoundPair[]> {
    return this.#cancellable('evaluate', async (signal) => {
      const work = { mode: 'photo' as const, signal, progress: (event: Progress) => progress?.(event) };
      const parts = await this.#embedding(search.weights, work);
      const { second } = search;
      const images = await (await this.#store).images(search.imageSet);
      const opinion =
        second.kind === 'teacher'
          ? await teacherOpinion(parts, await this.#teacher(second.id), images)
          : await imageRows(
              second.kind === 'weights'
                ? await this.#embedding(second.weights, work)
                : { ...parts, ...secondParts(this.#seconds.get(second.id)) },
              images,
            );
      return blindPairs(parts, images, opinion, search);
    });
  }

  patchView(weights: WeightsRef, owner: string, path: string): Promise<PatchView> {
    return this.#cancellable('evaluate', async (signal) => {
      const parts = await this.#embedding(weights, { mode: 'photo', signal, progress: () => {} });
      return patchView(parts, path, await this.file(owner, path));
    });
  }

  phrase(weights: WeightsRef, text: string): Promise<Float32Array> {
    return this.#cancellable('evaluate', async (signal) => {
      const parts = await this.#embedding(weights, { mode: 'photo', signal, progress: () => {} });
      return embedPrompts(parts, [text]);
    });
  }

  deleteEvaluation(id: string): Promise<void> {
    return this.#evaluations.remove(id);
  }

  #launch(
    summary: RunSummary,
    parts: RunParts,
    listener: Listener<RunEvent>,
    checkpoint?: string,
  ): Promise<void> {
    return this.#cancellable('prepare', (signal) =>
      this.#prepare(summary, parts, listener, signal, checkpoint),
    );
  }

  async #prepare(
    summary: RunSummary,
    parts: RunParts,
    listener: Listener<RunEvent>,
    signal: AbortSignal,
    checkpoint?: string,
  ): Promise<void> {
    const store = await this.#store;
    await store.keepRun(summary);
    listener({ type: 'state', state: 'preparing' });
    try {
      const runtime = await this.#hardware.runtime();
      const cpu = await this.#hardware.cpu();
      const report = progressOf((progress) => listener({ type: 'progress', progress }));
      const prepared = await prepareRun(runtime, cpu, parts, report, signal, summary.step);
      if (checkpoint !== undefined) {
        const saved = await store.checkpoint(checkpoint);
        await prepared.refinement.restore(stateOf(saved.step, saved.tensors));
        // The page may have ended before the run's own records were kept.
        summary.steps = saved.records;
      }
      const loop = new RunLoop({
        summary,
        prepared,
        ...(summary.watched
          ? { watch: await this.#openWatch(summary.watched, runtime, cpu, parts, prepared) }
          : {}),
        listener,
        save: (run) => store.keepRun(run),
        checkpoint: async (run, { refinement }) =>
          store.keepCheckpoint(run, stateTensors(await refinement.state())),
      });
      this.#loops.set(summary.id, loop);
    } catch (error) {
      if (signal.aborted) {
        // Nothing was computed yet: a new run goes, a resumed one rests where it was.
        if (checkpoint === undefined && summary.step === 0) await store.deleteRun(summary.id);
        else await store.keepRun({ ...summary, state: 'paused' });
        listener({ type: 'state', state: checkpoint === undefined ? 'stopped' : 'paused' });
        throw error;
      }
      summary.state = 'failed';
      summary.problem = error instanceof Error ? error.message : String(error);
      await store.keepRun(summary);
      listener({ type: 'state', state: 'failed', problem: summary.problem });
      throw error;
    }
  }

  async #pairOf({ benchmark, pair }: { benchmark: string; pair: number }): Promise<WatchedPairSummary> {
    const { rows, images } = await this.#benchmark(benchmark);
    const [first, second] = [rows[2 * pair], rows[2 * pair + 1]];
    if (!first || !second) throw new Error(`The benchmark has no pair ${pair + 1}`);
    return {
      benchmark,
      index: pair,
      images: [images[2 * pair]!.path, images[2 * pair + 1]!.path],
      statements: [first.statement, second.statement],
      points: [],
    };
  }

  async #openWatch(
    { benchmark, index, statements }: WatchedPairSummary,
    runtime: Runtime,
    cpu: Runtime,
    { encoder, config }: RunParts,
    { refinement }: PreparedRun,
  ): Promise<WatchedPair> {
    const { images } = await this.#benchmark(benchmark);
    return WatchedPair.open({
      runtime,
      cpu,
      pool: this.#pool,
      encoder,
      config,
      refinement,
      images: [images[2 * index]!, images[2 * index + 1]!],
      statements,
    });
  }

  #loop(id: string): RunLoop {
    const loop = this.#loops.get(id);
    if (!loop) throw new Error('This run is not in work: resume it first');
    return loop;
  }

  async #partsOf(request: {
    encoder: string;
    teacher: string;
    imageSet: string;
    config: RunSummary['config'];
  }): Promise<RunParts> {
    const images = await (await this.#store).images(request.imageSet);
    return {
      encoder: await this.#encoder(request.encoder),
      teacher: await this.#teacher(request.teacher),
      images: poolCrops(this.#pool, images),
      config: request.config,
      latents: (await this.#store).latents,
    };
  }

  async #encoder(id: string): Promise<LoadedEncoder> {
    if (!this.#encoders.has(id)) await this.inventory();
    const found = this.#encoders.get(id);
    if (!found) throw new Error('The encoder of this run is no longer on this device: drop its folder again');
    return found;
  }

  async #teacher(id: string): Promise<LoadedTeacher> {
    if (!this.#teachers.has(id)) await this.inventory();
    const found = this.#teachers.get(id);
    if (!found) throw new Error('The teacher of this run is no longer on this device: drop its folder again');
    return found;
  }

  async #benchmark(id: string): Promise<MmvpBenchmark> {
    if (!this.#benchmarks.has(id)) await this.inventory();
    const found = this.#benchmarks.get(id);
    if (!found) throw new Error('This benchmark is no longer on this device: drop its folder again');
    return found.content;
  }

  /** @param id known from an earlier visit */
  async #readBenchmark(name: string, files: NamedBlob[], id?: string): Promise<BenchmarkSummary> {
    const content = await readMmvpFolder(files);
    const summary: BenchmarkSummary = {
      id: id ?? (await benchmarkIdentity(content.rows, await contentHashes(content.images))),
      name,
      pairs: content.patternOfPair.length,
      patterns: content.patterns,
      official: content.official,
      warnings: content.warnings,
    };
    this.#benchmarks.set(summary.id, { summary, content });
    return summary;
  }

  /** The encoder that weights belong to, and which of its weights differ from its file's. */
  async #weights(
    weights: WeightsRef,
  ): Promise<{ encoder: LoadedEncoder; replaced: Map<string, Uint8Array> }> {
    if (weights.kind === 'original')
      return { encoder: await this.#encoder(weights.encoder), replaced: new Map() };
    const saved = await (await this.#store).checkpoint(weights.id);
    const state = stateOf(saved.step, saved.tensors);
    const trained = state.average ?? state.weights;
    const encoder = await this.#encoder(saved.encoder);
    const { imageSize } = encoder.folder;
    return { encoder, replaced: await mergedWeights(encoder.vision, imageSize, saved.config, trained) };
  }

  /** The weights ready to embed images and prompts. */
  async #embedding(
    weights: WeightsRef,
    work: Pick<EmbeddingParts, 'mode' | 'signal' | 'progress' | 'notice'>,
  ): Promise<EmbeddingParts> {
    const { encoder, replaced } = await this.#weights(weights);
    return {
      runtime: await this.#hardware.runtime(),
      cpu: await this.#hardware.cpu(),
      pool: this.#pool,
      encoder,
      replaced,
      modelHash: await modelHashOf(encoder.summary.id, replaced),
      cache: (await this.#store).embeddings,
      ...work,
    };
  }

  async #cancellable<T>(work: Cancellable, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const others = this.#work.get(work) ?? new Set();
    this.#work.set(work, others.add(controller));
    try {
      return await task(controller.signal);
    } finally {
      others.delete(controller);
    }
  }
}

/** Milliseconds between two reports of bytes: there is one for each few megabytes. */
const reportInterval = 100;

/** Reports of a preparation; bytes come with their speed and the time left. */
function progressOf(report: Listener<Progress>): (done: number, total: number, label?: string) => void {
  let meter: TransferMeter | undefined;
  let before = 0;
  let last = 0;
  return (done, total, label = 'bytes') => {
    if (label !== 'bytes') {
      report({ label, done, total, secondsLeft: null });
      return;
    }
    meter ??= new TransferMeter(new Map([[label, total]]));
    const { speed, secondsLeft } = meter.add(label, done - before);
    before = done;
    const now = performance.now();
    if (now - last < reportInterval && done < total) return;
    last = now;
    report({ label, done, total, secondsLeft, speed });
  };
}

async function contentHashes(files: readonly NamedBlob[]): Promise<string[]> {
  const hashes: string[] = [];
  for (const { blob } of files) hashes.push(await sha256(await contentBytes(blob)));
  return hashes;
}
