import type { ImagePool } from '../../src/data/image-pool.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { embedTexts, ImageEmbedder } from '../../src/evaluation/embed.ts';
import { scoreMmvp } from '../../src/evaluation/mmvp.ts';
import type { MmvpBenchmark } from '../../src/evaluation/mmvp-folder.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import type { BenchmarkReport, Progress, WeightsRef } from '../protocol.ts';
import type { LoadedEncoder } from './models.ts';

const batch = 16;

/** Text embeddings of a benchmark's statements by an encoder; they do not change as the vision tower is refined. */
const textCache = new Map<string, Promise<Float32Array>>();

export interface ScoreRequest {
  runtime: Runtime;
  cpu: Runtime;
  pool: ImagePool;
  encoder: LoadedEncoder;
  /** Vision weights that differ from the file's, by initialiser name. */
  replaced: ReadonlyMap<string, Uint8Array>;
  weights: WeightsRef;
  benchmark: { id: string; content: MmvpBenchmark };
  signal: AbortSignal;
  progress(event: Progress): void;
}

/** Scores one set of weights on a benchmark by the official rule. */
export async function scoreBenchmark(request: ScoreRequest): Promise<BenchmarkReport> {
  const { encoder, benchmark, signal } = request;
  const { rows, images } = benchmark.content;
  const started = performance.now();
  const paired = rows.slice(0, images.length);
  const texts = await textEmbeddings(
    request,
    paired.map((row) => mmvpPrompt(row.statement)),
  );
  signal.throwIfAborted();
  const embeddings = await imageEmbeddings(request, images, started);
  const score = scoreMmvp(embeddings, texts, paired, encoder.folder.logitScale);
  return {
    benchmark: benchmark.id,
    weights: request.weights,
    total: score.total,
    patterns: score.patterns,
    pairs: score.pairs.map((pair) => ({
      index: pair.index,
      pattern: pair.pattern,
      images: [images[2 * pair.index]!.path, images[2 * pair.index + 1]!.path],
      statements: [paired[2 * pair.index]!.statement, paired[2 * pair.index + 1]!.statement],
      similarities: pair.similarities,
      correct: pair.correct,
    })),
    seconds: (performance.now() - started) / 1000,
  };
}

function textEmbeddings({ cpu, encoder, benchmark }: ScoreRequest, prompts: string[]): Promise<Float32Array> {
  const key = `${encoder.summary.id} ${benchmark.id}`;
  let found = textCache.get(key);
  if (!found) {
    found = embedTexts(cpu, encoder.folder, prompts);
    textCache.set(key, found);
    found.catch(() => textCache.delete(key));
  }
  return found;
}

async function imageEmbeddings(
  request: ScoreRequest,
  images: readonly NamedBlob[],
  started: number,
): Promise<Float32Array> {
  const { runtime, encoder, pool, replaced, signal } = request;
  const { imageSize, preprocessing } = encoder.folder;
  const embedder = await ImageEmbedder.open(runtime, encoder.vision, { imageSize, batch, replaced });
  try {
    const result = new Float32Array(images.length * embedder.width);
    const perImage = 3 * imageSize * imageSize;
    const pixels = new Float32Array(batch * perImage);
    let filled = 0;
    let done = 0;
    const flush = async () => {
      result.set(await embedder.embed(pixels.subarray(0, filled * perImage)), done * embedder.width);
      done += filled;
      filled = 0;
      const elapsed = (performance.now() - started) / 1000;
      const secondsLeft = (elapsed / done) * (images.length - done);
      request.progress({ label: 'images', done, total: images.length, secondsLeft });
    };
    const prepared = pool.map(images, (jobs, { blob }) => jobs.prepare(blob, 'reference', preprocessing), {
      signal,
    });
    let index = 0;
    for await (const image of prepared) {
      if (!image.ok)
        throw new Error(
          `${images[index]!.path}: ${image.reason}. Replace the file and add the benchmark again`,
        );
      pixels.set(image.value.data, filled++ * perImage);
      index++;
      if (filled === batch) await flush();
    }
    if (filled > 0) await flush();
    return result;
  } finally {
    await embedder.release();
  }
}
