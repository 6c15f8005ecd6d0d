import { sha256 } from '../../../src/data/hash.ts';
import type { ImagePool } from '../../../src/data/image-pool.ts';
import type { NamedBlob } from '../../../src/data/named-blob.ts';
import { compareScores, type ScoresComparison } from '../../../src/evaluation/evaluation.ts';
import type { MmvpBenchmark } from '../../../src/evaluation/mmvp-folder.ts';
import type {
  EvaluationRequest,
  EvaluationResult,
  EvaluationSetSummary,
  EvaluationTask,
} from '../../evaluation-protocol.ts';
import type { BenchmarkSummary, Listener, Progress, WeightsRef } from '../../protocol.ts';
import type { Store } from '../store.ts';
import type { EmbeddingParts } from './embeddings.ts';
import { type EvaluationData, evaluate } from './evaluate.ts';
import { type EvaluationSet, readEvaluationSet } from './sets.ts';

/** What evaluations need of the engine. */
export interface EvaluationHost {
  store: Promise<Store>;
  pool: ImagePool;
  /** The weights ready to embed, in a mode. */
  parts(
    weights: WeightsRef,
    work: Pick<EmbeddingParts, 'mode' | 'signal' | 'progress' | 'notice'>,
  ): Promise<EmbeddingParts>;
  benchmark(id: string): Promise<{ summary: BenchmarkSummary; content: MmvpBenchmark }>;
  versions: string[];
}

/** Sets to evaluate on and what came of it. */
export class Evaluations {
  readonly #host: EvaluationHost;
  readonly #sets = new Map<string, EvaluationSet>();

  constructor(host: EvaluationHost) {
    this.#host = host;
  }

  async add(
    task: EvaluationTask,
    name: string,
    files: NamedBlob[],
    signal: AbortSignal,
    progress?: Listener<Progress>,
  ): Promise<EvaluationSetSummary> {
    const { pool, store } = this.#host;
    const started = performance.now();
    const set = await readEvaluationSet(
      task,
      name,
      files,
      (blob) => pool.run((jobs) => jobs.examine(blob), signal),
      {
        parallel: 2 * pool.size,
        signal,
        onProgress: (done, total) => {
          const secondsLeft = ((performance.now() - started) / 1000 / done) * (total - done);
          progress?.({ label: 'images', done, total, secondsLeft });
        },
      },
    );
    this.#sets.set(set.summary.id, set);
    await (await store).keepEvaluationSet(set.summary, set.content, set.files);
    return set.summary;
  }

  async sets(): Promise<EvaluationSetSummary[]> {
    return (await (await this.#host.store).evaluationSets()).map(({ summary }) => summary);
  }

  /** Undefined when no set has this id. */
  async find(id: string): Promise<EvaluationSet | undefined> {
    const known = this.#sets.get(id);
    if (known) return known;
    const store = await this.#host.store;
    const kept = (await store.evaluationSets()).find(({ summary }) => summary.id === id);
    if (!kept) return undefined;
    const set = { ...kept, files: await store.evaluationFiles(id) };
    this.#sets.set(id, set);
    return set;
  }

  async evaluate(
    request: EvaluationRequest,
    signal: AbortSignal,
    progress?: Listener<Progress>,
  ): Promise<EvaluationResult> {
    const started = performance.now();
    const benchmark = request.benchmark === null ? undefined : await this.#host.benchmark(request.benchmark);
    const data: EvaluationData = {
      ...(benchmark ? { benchmark: { id: request.benchmark!, content: benchmark.content } } : {}),
      ...(request.classes === null ? {} : { classes: await this.#set(request.classes) }),
      ...(request.captions === null ? {} : { captions: await this.#set(request.captions) }),
      ...(request.masks === null ? {} : { masks: await this.#set(request.masks) }),
    };
    const notices = new Set<string>();
    const work = {
      mode: request.mode,
      signal,
      progress: (event: Progress) => progress?.(event),
      notice: (text: string) => void notices.add(text),
    };
    const parts = await this.#host.parts(request.weights, work);
    const scores = await evaluate(parts, data, request);
    const { modelHash } = parts;
    const provider = parts.runtime.provider === 'webgpu' ? 'webgpu' : 'wasm';
    const { name: _, ...settings } = request;
    const decided = JSON.stringify([modelHash, provider, settings]);
    const result: EvaluationResult = {
      ...request,
      id: (await sha256(new TextEncoder().encode(decided))).slice(0, 16),
      modelHash,
      sets: [
        ...(benchmark ? [{ name: benchmark.summary.name, hash: benchmark.summary.id }] : []),
        ...[data.classes, data.captions, data.masks].flatMap((set) =>
          set ? [{ name: set.summary.name, hash: set.summary.hash }] : [],
        ),
      ],
      scores,
      warnings: [...(benchmark?.content.warnings ?? []), ...notices],
      provider,
      versions: this.#host.versions,
      createdAt: new Date().toISOString(),
      seconds: (performance.now() - started) / 1000,
    };
    await (await this.#host.store).keepEvaluation(result);
    return result;
  }

  async results(): Promise<EvaluationResult[]> {
    return (await this.#host.store).evaluations();
  }

  async compare(baseline: string, others: readonly string[]): Promise<ScoresComparison[]> {
    const results = await this.results();
    const scoresOf = (id: string) => {
      const found = results.find((result) => result.id === id);
      if (!found) throw new Error('This evaluation is no longer on this device: run it again');
      return found.scores;
    };
    return others.map((other) => compareScores(scoresOf(baseline), scoresOf(other)));
  }

  async remove(id: string): Promise<void> {
    await (await this.#host.store).deleteEvaluation(id);
  }

  async #set(id: string): Promise<EvaluationSet> {
    const found = await this.find(id);
    if (!found) throw new Error('This set is no longer on this device: drop its folder again');
    return found;
  }
}
