import type { RefineConfig } from '../../src/method/config.ts';
import type { Engine, NamedBlob, RunEvent } from '../../workers/protocol.ts';

export interface RunRequest {
  encoder: string;
  teacher: string;
  imageSet: string;
  config: RefineConfig;
  watch?: { benchmark: string; pair: number };
}

/** What tests need beside the engine: files cannot be handed to a page as such. */
export interface EngineTools {
  /** Files from paths and base64. */
  files(given: readonly (readonly [path: string, base64: string])[]): NamedBlob[];
  /** The files of a built-in model as if they had been dropped. */
  builtIn(model: string): Promise<NamedBlob[]>;
  /** Starts a run and writes its events down. */
  start(request: RunRequest): Promise<string>;
  resume(run: string): Promise<void>;
  events(run: string): RunEvent[];
  /** Resolves when the run has done a step, or has come to rest. */
  untilStep(run: string, step: number): Promise<void>;
  /** Resolves when the run has come to rest. */
  untilRest(run: string): Promise<void>;
  /** The message that a call is refused with; empty when it succeeds. */
  problem(call: Promise<unknown>): Promise<string>;
  base64(blob: Blob): Promise<string>;
}

declare global {
  interface Window {
    engine: Engine;
    tools: EngineTools;
  }
}
