import { presets } from '../../src/method/config.ts';
import type {
  BenchmarkReport,
  BenchmarkSummary,
  CheckpointSummary,
  DuplicateImage,
  EncoderSummary,
  Engine,
  EvaluationRequest,
  EvaluationResult,
  EvaluationSetSummary,
  EvaluationTask,
  FoundPair,
  HardwareReport,
  ImageSetSummary,
  Listener,
  ModelFiles,
  NamedBlob,
  PairSearch,
  PlanReport,
  PlanRequest,
  Progress,
  ProviderName,
  RunEvent,
  RunSummary,
  TeacherSummary,
  WeightsRef,
} from '../../workers/protocol.ts';
import * as data from './scripted-data.ts';
import {
  compareEvaluations,
  evaluation,
  evaluationSet,
  foundPairs,
  patchView,
} from './scripted-evaluation.ts';
import { drawScene } from './scripted-pictures.ts';

const scenes = ['empty', 'full', 'partial', 'stuck', 'failing', 'asking'] as const;

/**
 * What the engine holds and how it behaves. `empty`: nothing yet, everything works. `full`: much is there. `partial`:
 * there, with gaps. `stuck`: long work begins and never ends. `failing`: all work fails. `asking`: even the first
 * questions are never answered.
 */
export type Scene = (typeof scenes)[number];

export function isScene(name: string): name is Scene {
  return (scenes as readonly string[]).includes(name);
}

const never = new Promise<never>(() => {});
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** An engine that computes nothing: for designing and testing the page alone. */
export class ScriptedEngine implements Engine {
  private readonly scene: Scene;
  private encoders: EncoderSummary[] = [];
  private teachers: TeacherSummary[] = [];
  private benchmarks: BenchmarkSummary[] = [];
  private sets: ImageSetSummary[] = [];
  private runs: RunSummary[] = [];
  private checkpoints: CheckpointSummary[] = [];
  private readonly reports: BenchmarkReport[] = [];
  private evaluationSets: EvaluationSetSummary[] = [];
  private evaluations: EvaluationResult[] = [];
  private readonly stopping = new Map<string, 'paused' | 'stopped'>();
  private cancelWork: (() => void) | undefined;

  constructor(scene: Scene) {
    this.scene = scene;
    if (scene === 'full') {
      this.fill();
      this.runs.unshift(
        data.run('Run 5', {
          step: 118,
          state: 'paused',
          config: { ...presets.diva, seed: 7 },
          createdAt: '2026-11-24T09:02:00Z',
        }),
      );
    }
    if (scene === 'partial' || scene === 'stuck' || scene === 'failing') {
      this.fill();
      this.encoders = [data.blindEncoder, data.encoder];
      this.sets = [data.holedSet, data.imageSet];
      this.benchmarks = [data.warnedBenchmark, data.benchmark];
    }
  }

  private fill() {
    this.encoders = [data.encoder];
    this.teachers = [data.teacher];
    this.sets = [data.imageSet, data.holedSet];
    this.benchmarks = [data.benchmark];
    this.evaluationSets = [
      evaluationSet('classes', 'pets'),
      evaluationSet('captions', 'flickr'),
      evaluationSet('masks', 'voc'),
    ];
    const optimizer = { ...presets.quick.optimizer, learningRate: 1e-3 };
    this.runs = [
      data.run('Run 4', { step: 60 }),
      data.run('Run 3', {
        step: 31,
        state: 'stopped',
        config: { ...presets.quick, steps: 90, condition: 'class' },
      }),
      data.run('Run 2', {
        step: 12,
        state: 'failed',
        config: { ...presets.quick, optimizer },
        problem: 'The loss of step 12 is not a number. Lower the learning rate (0.001) and start again.',
      }),
    ];
    this.checkpoints = [
      { ...data.checkpoint('Run 4', 60), scores: [{ benchmark: data.benchmark.id, total: 45.2 }] },
      data.checkpoint('Run 4', 40),
      data.checkpoint('Run 4', 20),
      data.checkpoint('Run 3', 31),
    ];
  }

  /** Long work: reports progress, then ends, fails or never ends, as the scene wants. */
  private async work(
    label: string,
    total: number,
    listener?: Listener<Progress>,
    failure?: string,
  ): Promise<void> {
    const cancelled = new Promise<never>((_, reject) => {
      this.cancelWork = () => reject(new DOMException('Cancelled', 'AbortError'));
    });
    cancelled.catch(() => {});
    for (let part = 0; part <= 10; part++) {
      listener?.({ label, done: Math.round((total * part) / 10), total, secondsLeft: (10 - part) * 0.4 });
      if (this.scene === 'stuck' && part === 4) await Promise.race([never, cancelled]);
      if (this.scene === 'failing' && part === 3) throw new Error(failure ?? `${label} failed. Try again.`);
      await Promise.race([pause(30), cancelled]);
    }
  }

  async hardware(force: ProviderName | 'auto' = 'auto'): Promise<HardwareReport> {
    if (this.scene === 'asking') return never;
    if (this.scene === 'failing') throw new Error('The adapter was lost while it was asked. Try again.');
    if (force !== 'webgpu') return data.hardware;
    return { ...data.hardware, provider: 'webgpu', reason: 'You asked for WebGPU.' };
  }

  async inventory() {
    if (this.scene === 'asking') return never;
    return { encoders: this.encoders, teachers: this.teachers, benchmarks: this.benchmarks };
  }

  async loadEncoder(files: ModelFiles, progress?: Listener<Progress>): Promise<EncoderSummary> {
    const name = files.kind === 'files' ? files.name : data.encoder.name;
    await this.work(
      'bytes',
      data.encoder.bytes,
      progress,
      `${name}: no vision model found among 3 files. Give a folder that holds onnx/vision_model.onnx.`,
    );
    const encoder = { ...data.encoder, name };
    this.encoders = [encoder];
    return encoder;
  }

  async loadTeacher(files: ModelFiles, progress?: Listener<Progress>): Promise<TeacherSummary> {
    await this.work(
      'bytes',
      data.teacher.bytes,
      progress,
      'unet/model.onnx: operator GroupNorm of com.microsoft is not supported. Export the UNet without fusion.',
    );
    const teacher = { ...data.teacher, name: files.kind === 'files' ? files.name : data.teacher.name };
    this.teachers = [teacher];
    return teacher;
  }

  async addImages(name: string, files: NamedBlob[], progress?: Listener<Progress>): Promise<ImageSetSummary> {
    await this.work(
      'images',
      files.length,
      progress,
      'There is no room left: 12 MB are free, the set needs 61 MB.',
    );
    const skipped = files
      .filter(({ path }) => !/\.(png|jpe?g|webp)$/i.test(path))
      .map(({ path }) => ({ path, reason: 'not a PNG, JPEG or WebP file' }));
    const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
    const set = {
      ...data.imageSet,
      id: `set-${name}`,
      name,
      count: files.length - skipped.length,
      bytes,
      skipped,
    };
    this.sets = [set, ...this.sets];
    return set;
  }

  async addBenchmark(name: string): Promise<BenchmarkSummary> {
    await this.work('rows', 270, undefined, 'Questions.csv is missing. Drop the folder that holds it.');
    const added = { ...data.benchmark, name };
    this.benchmarks = [added];
    return added;
  }

  listImageSets = async () => (this.scene === 'asking' ? never : this.sets);
  listReports = async () => structuredClone(this.reports);
  listRuns = async () =>
    this.first(structuredClone(this.runs), 'The database of runs is locked by another tab. Close it.');
  listCheckpoints = async () => this.first(this.checkpoints, 'The storage of this site could not be opened.');
  file = async (_owner: string, path: string) => drawScene(path);
  thumbnail = async (_set: string, path: string) => URL.createObjectURL(await drawScene(path));

  private first<T>(list: T, problem: string): T | Promise<T> {
    if (this.scene === 'asking') return never;
    if (this.scene === 'failing') throw new Error(problem);
    return list;
  }

  async imagePaths(owner: string): Promise<string[]> {
    const count = this.sets.find(({ id }) => id === owner)?.count ?? 0;
    return Array.from(
      { length: count },
      (_, index) => `${owner}/scene-${String(index).padStart(4, '0')}.png`,
    );
  }

  async findDuplicates(owner: string, progress?: Listener<Progress>): Promise<DuplicateImage[]> {
    const paths = await this.imagePaths(owner);
    await this.work('images', paths.length, progress, 'The images could not be read again.');
    return paths.slice(0, 2).map((path) => ({ path, mark: 'exact', group: 0 }));
  }

  async splitImages(owner: string, { share }: { share: number; seed: number }) {
    const whole = this.sets.find(({ id }) => id === owner)!;
    const part = (name: string, size: number): ImageSetSummary => ({
      ...whole,
      id: `${owner}-${name}`,
      name: `${whole.name}, ${name}`,
      count: Math.round(size * whole.count),
    });
    const split = { train: part('without held-out', 1 - share), heldOut: part('held out', share) };
    this.sets = [split.train, split.heldOut, ...this.sets];
    return split;
  }

  async planRun({ total, config }: PlanRequest): Promise<PlanReport> {
    const parts = [
      { name: 'weights', bytes: 4.7e9 },
      { name: 'gradients', bytes: 1.2e9 },
    ];
    const fits = total === null || total >= 5.9e9;
    return {
      provider: 'webgpu',
      parts,
      peak: 5.9e9,
      largest: { name: 'scores', bytes: 3.3e8 },
      limits: { buffer: 2 ** 31, binding: 2 ** 31, total },
      obstacles: fits ? [] : ['Training takes 5.90 GB at its peak'],
      choices: fits
        ? []
        : [
            {
              choice: 'LoRA, rank 16',
              peak: 3.1e9,
              fits: true,
              config: { ...config, trainable: { kind: 'lora', rank: 16, alpha: 16 } },
            },
          ],
      time: { step: 2, run: 120, from: 'kernels' },
    };
  }

  async startRun(request: Parameters<Engine['startRun']>[0], listener: Listener<RunEvent>): Promise<string> {
    if (this.scene === 'failing')
      throw new Error('The training graph needs 9.1 GB; the device has 4 GB. Lower images a pass.');
    const id = request.name ?? `Run ${this.runs.length + 1}`;
    const { config, encoder, teacher, imageSet, watch } = request;
    this.runs = [
      data.run(id, {
        ...(watch ? { watched: data.watched(watch.benchmark, watch.pair) } : {}),
        step: 0,
        steps: [],
        state: 'preparing',
        config,
        encoder,
        teacher,
        imageSet,
        createdAt: new Date().toISOString(),
      }),
      ...this.runs,
    ];
    await this.prepare(listener);
    void this.go(id, listener);
    return id;
  }

  async resumeRun(run: string, listener: Listener<RunEvent>): Promise<void> {
    await this.prepare(listener);
    void this.go(run, listener);
  }

  private async prepare(listener: Listener<RunEvent>) {
    listener({ type: 'state', state: 'preparing' });
    await this.work('weights', 184, (progress) => listener({ type: 'progress', progress }));
  }

  /** The steps of a run, a few a second. */
  private async go(id: string, listener: Listener<RunEvent>) {
    const run = this.runs.find((each) => each.id === id)!;
    const send = (event: RunEvent) => {
      if (event.type === 'state') run.state = event.state;
      listener(event);
    };
    send({ type: 'state', state: 'running' });
    while (run.step < run.config.steps) {
      await pause(20);
      const record = data.step(run.step + 1);
      run.step = record.step;
      run.steps = [...run.steps, record];
      send({ type: 'step', record, secondsLeft: (run.config.steps - run.step) * 0.6 });
      if (run.watched) {
        const point = data.watchedPoint(run.step, run.config.steps);
        run.watched.points.push(point);
        send({ type: 'pair', point });
      }
      if (run.step % (run.config.checkpointEvery || Number.POSITIVE_INFINITY) === 0) this.write(run, send);
      const wanted = this.stopping.get(id);
      this.stopping.delete(id);
      if (wanted) {
        if (wanted === 'stopped') this.write(run, send);
        send({ type: 'state', state: wanted });
        return;
      }
    }
    this.write(run, send);
    send({ type: 'state', state: 'finished' });
  }

  private write(run: RunSummary, send: Listener<RunEvent>) {
    const checkpoint = data.checkpoint(run.id, run.step);
    this.checkpoints = [checkpoint, ...this.checkpoints.filter(({ id }) => id !== checkpoint.id)];
    send({ type: 'checkpoint', checkpoint });
  }

  async pauseRun(run: string) {
    this.stopping.set(run, 'paused');
  }

  async stopRun(run: string) {
    this.stopping.set(run, 'stopped');
  }

  async deleteRun(run: string) {
    this.runs = this.runs.filter(({ id }) => id !== run);
    this.checkpoints = this.checkpoints.filter((checkpoint) => checkpoint.run !== run);
  }

  async score(
    weights: WeightsRef,
    _benchmark: string,
    progress?: Listener<Progress>,
  ): Promise<BenchmarkReport> {
    await this.work(
      'pairs',
      135,
      progress,
      'The text side of this encoder is missing, so statements cannot be embedded.',
    );
    const report = data.report(weights, weights.kind === 'checkpoint');
    this.reports.push(report);
    return report;
  }

  async compare(before: WeightsRef, after: WeightsRef) {
    await pause(50);
    const [first, second] = [before, after].map((weights) =>
      data.report(weights, weights.kind === 'checkpoint'),
    );
    const flips = first!.pairs.map((pair, index) => [pair.correct, second!.pairs[index]!.correct] as const);
    const fixed = flips.filter(([was, is]) => !was && is).length;
    const broken = flips.filter(([was, is]) => was && !is).length;
    return {
      before: first!,
      after: second!,
      fixed,
      broken,
      pValue: fixed === broken ? 1 : 0.0041,
      interval: fixed === broken ? ([0, 0] as [number, number]) : ([3.7, 18.5] as [number, number]),
      verdict:
        fixed === broken
          ? 'Nothing changed: the two score the same on every pattern.'
          : `The refined encoder solves ${fixed - broken} more of 135 pairs (${fixed} fixed, ${broken} broken), a gain that chance alone would give in 4 of 1,000 cases.`,
    };
  }

  async addEvaluationSet(
    task: EvaluationTask,
    name: string,
    _files: NamedBlob[],
    progress?: Listener<Progress>,
  ) {
    await this.work(
      'images',
      96,
      progress,
      '96 images in 0 class folders: give a folder that holds one folder for each class.',
    );
    const added = evaluationSet(task, name);
    this.evaluationSets = [added, ...this.evaluationSets];
    return added;
  }

  async evaluate(request: EvaluationRequest, progress?: Listener<Progress>): Promise<EvaluationResult> {
    await this.work('images', 96, progress, 'my-clip has no text side. Add onnx/text_model.onnx.');
    const result = await evaluation(request);
    this.evaluations = [result, ...this.evaluations];
    return result;
  }

  async loadSecondEncoder(files: ModelFiles) {
    const name = files.kind === 'built-in' ? files.id : files.kind === 'hub' ? files.repository : files.name;
    await this.work('files', 3, undefined, `${name} holds no onnx/vision_model.onnx.`);
    return { id: 'second', name };
  }

  async findBlindPairs({ imageSet }: PairSearch, progress?: Listener<Progress>): Promise<FoundPair[]> {
    await this.work(
      'images compared',
      1200,
      progress,
      'The second encoder is no longer loaded: drop its folder again.',
    );
    return foundPairs(imageSet);
  }

  patchView = async () => patchView();
  phrase = async (_weights: WeightsRef, text: string) =>
    text.includes('red') ? Float32Array.of(1, 0, 0) : Float32Array.of(0, 1, 0);
  listEvaluationSets = async () => this.evaluationSets;
  listEvaluations = async () => this.evaluations;
  compareEvaluations = async (baseline: string, others: string[]) =>
    compareEvaluations(this.evaluations, baseline, others);
  async deleteEvaluation(id: string) {
    this.evaluations = this.evaluations.filter((result) => result.id !== id);
  }

  async cancel() {
    this.cancelWork?.();
  }

  async exportEncoder() {
    if (this.scene === 'failing')
      throw new Error('The checkpoint’s weights could not be read: its file is shorter than its index says.');
    await pause(50);
    const file = (path: string, bytes: number) => ({ path, blob: new Blob([new Uint8Array(bytes)]) });
    return [
      file('refined/model.onnx', 3_432_708),
      file('refined/model.safetensors', 3_401_220),
      file('refined/config.json', 1611),
    ];
  }

  async exportTrainingGraph() {
    await pause(50);
    return { path: 'training-graph.onnx', blob: new Blob([new Uint8Array(64)]) };
  }

  async deleteCheckpoint(id: string) {
    if (this.scene === 'failing')
      throw new Error('Another tab is reading this checkpoint. Close it and try again.');
    this.checkpoints = this.checkpoints.filter((checkpoint) => checkpoint.id !== id);
  }

  async checkOnWebGpu(_run: string, steps: number, progress?: Listener<Progress>) {
    await this.work(
      'steps',
      steps,
      progress,
      'This browser offers no WebGPU adapter. Enable it in its settings.',
    );
    return {
      adapter: 'google swiftshader, software',
      loss: [0.173214, 0.171902, 0.174415],
      wasmLoss: [0.173214, 0.171903, 0.174415],
      gradientRelativeError: 3.1e-5,
      dispatches: 1204,
      ms: [9120, 4310, 4288],
    };
  }
}
