/** What several parts of the protocol speak of; part of `protocol.ts`. */

import type { ImageMode } from '../src/data/decode.ts';
import type { NamedBlob } from '../src/data/named-blob.ts';
import type { HubFile } from '../src/storage/hub.ts';

export type ProviderName = 'webgpu' | 'wasm';

/** Which weights: an encoder as it came, or a checkpoint of a run. */
export type WeightsRef = { kind: 'original'; encoder: string } | { kind: 'checkpoint'; id: string };

/** Progress of long work; `done` and `total` share a unit that `label` names. */
export interface Progress {
  label: string;
  done: number;
  total: number;
  /** Seconds left as far as known. */
  secondsLeft: number | null;
  /** Bytes a second, of work in bytes. */
  speed?: number;
}

/** Cosine of statement i with image j. */
export type PairSimilarities = [[number, number], [number, number]];

export interface PairScore {
  /** Index of the pair, from 0. */
  index: number;
  pattern: string;
  /** Image paths inside the benchmark. */
  images: [string, string];
  statements: [string, string];
  similarities: PairSimilarities;
  correct: boolean;
}

export interface BenchmarkReport {
  /** The benchmark's id: a hash of its statements and images. */
  benchmark: string;
  /** How the images' pixels were read. */
  mode: ImageMode;
  weights: WeightsRef;
  /** Mean over patterns, 0..100. */
  total: number;
  patterns: { name: string; score: number; correct: number; pairs: number }[];
  pairs: PairScore[];
  seconds: number;
}

export type Listener<T> = (event: T) => void;

/** Where models come from: shipped with the app, files the person gave, or downloaded from a hub. */
export type ModelFiles =
  | { kind: 'built-in'; id: string }
  /** Files that the hub worker brought to this device. */
  | { kind: 'hub'; repository: string; files: HubFile[] }
  | { kind: 'files'; name: string; files: NamedBlob[] };
