/** What page and engine say to each other about evaluation; part of `protocol.ts`. */
import type { ImageMode } from '../src/data/decode.ts';
import type { SkippedFile } from '../src/data/image-set.ts';
import type { NamedBlob } from '../src/data/named-blob.ts';
import type { DivaRule } from '../src/evaluation/diva-style.ts';
import type { Scores, ScoresComparison } from '../src/evaluation/evaluation.ts';
import type {
  BenchmarkReport,
  Listener,
  ModelFiles,
  Progress,
  ProviderName,
  WeightsRef,
} from './protocol-common.ts';

/** Images with classes (folders or labels.csv), captions (CSV, JSON lines, COCO) or masks (VOC's or ADE's layout). */
export type EvaluationTask = 'classes' | 'captions' | 'masks';

export interface EvaluationSetSummary {
  id: string;
  name: string;
  task: EvaluationTask;
  images: number;
  /** Names with their number of images; empty for captions, and numbers of 0 for masks, which hold several. */
  classes: { name: string; images: number }[];
  /** Number of captions; 0 for other tasks. */
  captions: number;
  /** Files that cannot be decoded. They are left out of every score. */
  skipped: SkippedFile[];
  /** SHA-256 over paths, contents and labels or captions, hexadecimal. */
  hash: string;
}

export interface EvaluationRequest {
  weights: WeightsRef;
  /** Name of the weights, for reports. */
  name: string;
  /** Ids of what to evaluate on; null leaves the part out. */
  benchmark: string | null;
  classes: string | null;
  captions: string | null;
  masks: string | null;
  /** What to do with `classes`. */
  zeroShot: boolean;
  knn: boolean;
  probe: boolean;
  /** Also scores the benchmark by DIVA's image embeddings, under one of its rules. */
  divaStyle: DivaRule | null;
  mode: ImageMode;
  /** Of the splits for k-NN and probe and of DIVA's draws, at least one. */
  seeds: number[];
  /** Prompts with `{}` for the class, and what to call them in reports. */
  templates: { name: string; list: string[] };
}

export interface EvaluationResult extends EvaluationRequest {
  /** Of everything that decides the figures: the same evaluation made again replaces the first. */
  id: string;
  /** Of the encoder's files and, for a checkpoint, of the weights that it changed. */
  modelHash: string;
  /** Name and identity of each set, in the order benchmark, classes, captions, masks. */
  sets: { name: string; hash: string }[];
  scores: Omit<Scores, 'mmvp'> & { mmvp?: BenchmarkReport & { official: boolean } };
  /** What is unusual about the benchmark's rows, and texts that were cut. */
  warnings: string[];
  provider: ProviderName;
  /** Name and version of the software, such as Acuity and ONNX Runtime. */
  versions: string[];
  /** ISO 8601. */
  createdAt: string;
  seconds: number;
}

/** An encoder that is only looked through, such as a DINOv2 export; it serves this visit. */
export interface SecondEncoderSummary {
  id: string;
  name: string;
}

/** Who is asked for a second opinion: another model, an encoder loaded for this, or the teacher's latents. */
export type SecondOpinion =
  | { kind: 'weights'; weights: WeightsRef }
  | { kind: 'encoder'; id: string }
  | { kind: 'teacher'; id: string };

/** A search for pairs of one's own images that the first encoder thinks alike and the second different. */
export interface PairSearch {
  weights: WeightsRef;
  second: SecondOpinion;
  imageSet: string;
  /** The first encoder's cosine is above this. */
  alike: number;
  /** The second one's is below this. */
  different: number;
  most: number;
}

export interface FoundPair {
  paths: [string, string];
  /** Cosines by the first and by the second encoder. */
  alike: number;
  different: number;
}

/** One picture as an encoder sees it, patch by patch. */
export interface PatchView {
  /** Patches along an edge. */
  grid: number;
  /** [1 + grid * grid, width]: class token first, then patches in reading order; not L2-normalised. */
  tokens: Float32Array;
  width: number;
  /** What the encoder was given: RGBA, [size, size, 4]. */
  picture: { size: number; data: Uint8ClampedArray<ArrayBuffer> };
}

export interface EvaluationEngine {
  addEvaluationSet(
    task: EvaluationTask,
    name: string,
    files: NamedBlob[],
    progress?: Listener<Progress>,
  ): Promise<EvaluationSetSummary>;
  listEvaluationSets(): Promise<EvaluationSetSummary[]>;
  /** Scores one model on everything asked for. Embeddings made before are used again. */
  evaluate(request: EvaluationRequest, progress?: Listener<Progress>): Promise<EvaluationResult>;
  /** Newest first. */
  listEvaluations(): Promise<EvaluationResult[]>;
  /** Each of `others` against `baseline`, image by image. */
  compareEvaluations(baseline: string, others: string[]): Promise<ScoresComparison[]>;
  loadSecondEncoder(files: ModelFiles, progress?: Listener<Progress>): Promise<SecondEncoderSummary>;
  findBlindPairs(search: PairSearch, progress?: Listener<Progress>): Promise<FoundPair[]>;
  /** The tokens of one picture of an image set or benchmark. */
  patchView(weights: WeightsRef, owner: string, path: string): Promise<PatchView>;
  /** A phrase in the space that images share, [width], without a prompt around it. */
  phrase(weights: WeightsRef, text: string): Promise<Float32Array>;
  deleteEvaluation(id: string): Promise<void>;
}
