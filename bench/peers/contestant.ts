import type { BlockName } from './blocks.ts';

export type Backend = 'webgpu' | 'wasm';
export type Library = 'acuity' | 'jax-js' | 'tfjs';

/** One library on one backend, training one block from the same start. */
export interface Contestant {
  /** Gradients of every weight at the start, by name, before any step. */
  gradients(): Promise<Record<string, Float32Array>>;
  /** One forward pass, backward pass and AdamW update, waited for to the end. Returns the loss. */
  step(): Promise<number>;
  /** What runs it, such as `wasm, 2 threads`. */
  readonly setting: string;
}

export interface Opening {
  library: Library;
  backend: Backend;
  block: BlockName;
  /** WebAssembly threads of Acuity; by default as many as it measures to be best. */
  threads?: number;
}

/** What the page asks of a contestant's worker. */
export type Request = { open: Opening } | { steps: number };
export type Reply =
  | { gradients: Record<string, Float32Array>; setting: string }
  | { milliseconds: number[]; loss: number }
  | { problem: string };

declare global {
  interface Window {
    /** The WebGPU adapter in words, or null. `software` as Acuity judges it. */
    adapter(): Promise<{ description: string; software: boolean } | null>;
    /** Opens a contestant in a worker of its own; answers its gradients. */
    openContestant(
      opening: Opening,
    ): Promise<{ id: number; gradients: Record<string, number[]>; setting: string } | { problem: string }>;
    /** Milliseconds of each of some steps. */
    runSteps(id: number, steps: number): Promise<{ milliseconds: number[]; loss: number }>;
    closeContestant(id: number): void;
  }
}
