/**
 * What the page and the engine worker say to each other (through comlink). Every value here survives a structured
 * clone. The engine worker owns the GPU device, every session and the optimisers; the page owns nothing but views.
 */
import type { ImageMode } from '../src/data/decode.ts';
import type { SkippedFile } from '../src/data/image-set.ts';
import type { NamedBlob } from '../src/data/named-blob.ts';
import type { RefineConfig } from '../src/method/config.ts';
import type { StepRecord } from '../src/storage/checkpoints.ts';
import type { EvaluationEngine } from './evaluation-protocol.ts';
import type {
  BenchmarkReport,
  Listener,
  ModelFiles,
  PairSimilarities,
  Progress,
  ProviderName,
  WeightsRef,
} from './protocol-common.ts';

export type {
  EvaluationRequest,
  EvaluationResult,
  EvaluationSetSummary,
  EvaluationTask,
  FoundPair,
  PairSearch,
  PatchView,
  SecondEncoderSummary,
} from './evaluation-protocol.ts';
export type {
  BenchmarkReport,
  Listener,
  ModelFiles,
  PairScore,
  PairSimilarities,
  Progress,
  ProviderName,
  WeightsRef,
} from './protocol-common.ts';
export type { NamedBlob, SkippedFile, StepRecord };

export interface HardwareReport {
  /** The provider that a run will use, and why, in a sentence for the person. */
  provider: ProviderName;
  reason: string;
  /** Null when the browser offers no WebGPU adapter. */
  adapter: {
    description: string;
    vendor: string;
    architecture: string;
    software: boolean;
    f16: boolean;
  } | null;
  wasmThreads: number;
  crossOriginIsolated: boolean;
}

export interface EncoderSummary {
  id: string;
  name: string;
  /** Such as "CLIP ViT". */
  family: string;
  parameters: number;
  bytes: number;
  imageSize: number;
  patchSize: number;
  /** Patch tokens, without the class token. */
  patches: number;
  width: number;
  projection: number;
  /** Whether the folder also holds the text side, which scoring needs. */
  hasText: boolean;
  files: { path: string; bytes: number }[];
}

export interface TeacherSummary {
  id: string;
  name: string;
  family: string;
  parameters: number;
  bytes: number;
  /** Edge of the square image that the autoencoder takes, in pixels. */
  imageSize: number;
  latent: { channels: number; size: number };
  context: { tokens: number; width: number };
  files: { path: string; bytes: number }[];
}

export interface ImageSetSummary {
  id: string;
  name: string;
  count: number;
  bytes: number;
  skipped: SkippedFile[];
  /** SHA-256 over the sorted paths and contents, hexadecimal. */
  hash: string;
  /** How its pixels are read; absent in sets of earlier versions, which are photos. */
  mode?: ImageMode;
}

/** An image that another of its set equals in contents, or nearly in looks. */
export interface DuplicateImage {
  path: string;
  mark: 'exact' | 'near';
  /** Images with one number belong together. */
  group: number;
}

export interface BenchmarkSummary {
  id: string;
  name: string;
  pairs: number;
  /** Pattern names in order with their number of pairs. */
  patterns: { name: string; pairs: number }[];
  /** Exactly 135 pairs in nine patterns: the official benchmark's form; otherwise "MMVP-style". */
  official: boolean;
  warnings: string[];
}

/** The models and benchmarks that the engine holds. */
export interface Inventory {
  encoders: EncoderSummary[];
  teachers: TeacherSummary[];
  benchmarks: BenchmarkSummary[];
}

export type RunState = 'preparing' | 'running' | 'paused' | 'finished' | 'stopped' | 'failed';

export interface RunSummary {
  id: string;
  name: string;
  state: RunState;
  config: RefineConfig;
  encoder: string;
  teacher: string;
  imageSet: string;
  /** What it refined on: the set's identity, and how pixels were read. Older runs have none. */
  images?: { name: string; hash: string; mode: ImageMode };
  provider: ProviderName;
  /** ISO 8601. */
  createdAt: string;
  /** Steps done. */
  step: number;
  steps: StepRecord[];
  /** The pair that is followed, when the run was started with one. */
  watched?: WatchedPair;
  /** Why it failed, for the person. */
  problem?: string;
}

export interface CheckpointSummary {
  id: string;
  run: string;
  step: number;
  /** Bytes it takes on this device. */
  bytes: number;
  createdAt: string;
  loss: number;
  encoder: string;
  /** MMVP totals by benchmark id, where scored. */
  scores: { benchmark: string; total: number }[];
}

export type RunEvent =
  | { type: 'state'; state: RunState; problem?: string }
  | { type: 'progress'; progress: Progress }
  | { type: 'step'; record: StepRecord; secondsLeft: number }
  | { type: 'pair'; point: WatchedPair['points'][number] }
  | { type: 'checkpoint'; checkpoint: CheckpointSummary };

/** One pair of a benchmark that a run is watched by: how its similarities move from step to step. */
export interface WatchedPair {
  benchmark: string;
  /** Index of the pair, from 0. */
  index: number;
  images: [string, string];
  statements: [string, string];
  /** From step 0, the encoder as it came. */
  points: { step: number; similarities: PairSimilarities }[];
}

/** Paired comparison of two reports over the same pairs. */
export interface Comparison {
  before: BenchmarkReport;
  after: BenchmarkReport;
  /** Pairs wrong before and right after, and the other way round. */
  fixed: number;
  broken: number;
  /** Two-sided exact McNemar p-value. */
  pValue: number;
  /** 95% interval of the difference of totals, by bootstrap over pairs within patterns. */
  interval: [number, number];
  /** One honest sentence: what changed and how sure that is. */
  verdict: string;
}

export interface ExportedFile {
  /** Such as `refined/model.onnx`. */
  path: string;
  blob: Blob;
}

/** The first steps of a run made again on the WebGPU adapter with CPU fallback forbidden, against wasm. */
export interface WebGpuCheck {
  adapter: string;
  loss: number[];
  wasmLoss: number[];
  /** Relative L2 error of the whole gradient vector, the worst of the steps. */
  gradientRelativeError: number;
  /** GPU dispatches in one step. */
  dispatches: number;
  /** Milliseconds of each step; the first holds shader compilation. */
  ms: number[];
}

/** A run that is being thought about. */
export interface PlanRequest {
  encoder: string;
  teacher: string;
  config: RefineConfig;
  /** Whether a pair will be followed through the run. Default false. */
  watch?: boolean;
  /** Bytes that the device may give to it, where the person names them: browsers do not tell. */
  total: number | null;
}

/** What a run would take, from its graphs alone: nothing is loaded. Bytes and seconds. */
export interface PlanReport {
  provider: ProviderName;
  /** What is held at once during training. */
  parts: { name: string; bytes: number }[];
  /** The most at once, also while latents are made. */
  peak: number;
  /** The largest single value, which the device must bind at once. */
  largest: { name: string; bytes: number };
  /** Null where unknown or without limit. */
  limits: { buffer: number | null; binding: number | null; total: number | null };
  /** Why it does not fit; empty when it does. */
  obstacles: string[];
  /** Cheaper ways with the settings that make them, least memory first, when it does not fit. */
  choices: { choice: string; peak: number; fits: boolean; config: RefineConfig }[];
  /** From the steps of an earlier run with these models, or from kernels measured on this machine. */
  time: { step: number; run: number; from: 'run' | 'kernels' } | null;
}

/** The engine worker's interface. Long calls report through a comlink-proxied listener and can be cancelled. */
export interface Engine extends EvaluationEngine {
  hardware(force?: ProviderName | 'auto'): Promise<HardwareReport>;

  loadEncoder(files: ModelFiles, progress?: Listener<Progress>): Promise<EncoderSummary>;
  loadTeacher(files: ModelFiles, progress?: Listener<Progress>): Promise<TeacherSummary>;
  /** Keeps the images on this device so that a run can go on after the page is loaded again. */
  addImages(name: string, files: NamedBlob[], progress?: Listener<Progress>): Promise<ImageSetSummary>;
  addBenchmark(name: string, files: NamedBlob[]): Promise<BenchmarkSummary>;
  /** What scoring and refining can use at once, without giving files again: loaded now or kept from earlier visits. */
  inventory(): Promise<Inventory>;
  /** What earlier visits left: sets and runs, newest first. */
  listImageSets(): Promise<ImageSetSummary[]>;
  listRuns(): Promise<RunSummary[]>;
  listCheckpoints(): Promise<CheckpointSummary[]>;
  listReports(): Promise<BenchmarkReport[]>;
  /** A file of an image set or benchmark, for showing it. */
  file(owner: string, path: string): Promise<Blob>;
  /** A small square JPEG of an image set’s image as a data URL, for a grid of many; `edge` in pixels. */
  thumbnail(set: string, path: string, edge: number): Promise<string>;
  imagePaths(owner: string): Promise<string[]>;
  /** Images of a set that others equal. The first call looks at every image, later ones remember. */
  findDuplicates(imageSet: string, progress?: Listener<Progress>): Promise<DuplicateImage[]>;
  /** Keeps two sets made of one: to train on, and held out (a share of 0..1). Duplicates stay together. */
  splitImages(
    imageSet: string,
    split: { share: number; seed: number },
    progress?: Listener<Progress>,
  ): Promise<{ train: ImageSetSummary; heldOut: ImageSetSummary }>;

  /** What a run would take, before anything is loaded. */
  planRun(request: PlanRequest): Promise<PlanReport>;
  startRun(
    request: {
      encoder: string;
      teacher: string;
      imageSet: string;
      config: RefineConfig;
      name?: string;
      /** A pair to follow through the run. */
      watch?: { benchmark: string; pair: number };
    },
    listener: Listener<RunEvent>,
  ): Promise<string>;
  /** Continues a run from its last checkpoint, also after a reload. */
  resumeRun(run: string, listener: Listener<RunEvent>): Promise<void>;
  pauseRun(run: string): Promise<void>;
  /** Ends it after the step in hand and keeps a checkpoint. */
  stopRun(run: string): Promise<void>;
  deleteRun(run: string): Promise<void>;

  score(weights: WeightsRef, benchmark: string, progress?: Listener<Progress>): Promise<BenchmarkReport>;
  compare(before: WeightsRef, after: WeightsRef, benchmark: string): Promise<Comparison>;
  cancel(work: 'score' | 'load' | 'images' | 'duplicates' | 'evaluate' | 'prepare'): Promise<void>;

  exportEncoder(weights: WeightsRef): Promise<ExportedFile[]>;
  exportTrainingGraph(request: {
    encoder: string;
    teacher: string;
    config: RefineConfig;
  }): Promise<ExportedFile>;
  deleteCheckpoint(id: string): Promise<void>;
  /** Makes the first steps of the run again on WebGPU and compares. */
  checkOnWebGpu(run: string, steps: number, progress?: Listener<Progress>): Promise<WebGpuCheck>;
}
