import { type DivaRule, type DivaStyleScore, scoreDivaStyle } from '../../src/evaluation/diva-style.ts';
import { scoreMmvp } from '../../src/evaluation/mmvp.ts';
import type { MmvpBenchmark } from '../../src/evaluation/mmvp-folder.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import type { BenchmarkReport, WeightsRef } from '../protocol.ts';
import { type EmbeddingParts, embedDivaStyle, embedImages, embedPrompts } from './evaluation/embeddings.ts';

/** Scores one set of weights on a benchmark by the official rule. */
export async function scoreBenchmark(
  parts: EmbeddingParts,
  weights: WeightsRef,
  benchmark: { id: string; content: MmvpBenchmark },
): Promise<BenchmarkReport> {
  const { rows, images } = benchmark.content;
  const started = performance.now();
  const paired = rows.slice(0, images.length);
  const texts = await embedPrompts(
    parts,
    paired.map((row) => mmvpPrompt(row.statement)),
  );
  parts.signal.throwIfAborted();
  const embeddings = await embedImages(parts, images);
  const score = scoreMmvp(embeddings, texts, paired, parts.encoder.folder.logitScale);
  return {
    benchmark: benchmark.id,
    mode: parts.mode,
    weights,
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

/** Scores one set of weights on a benchmark by the image embeddings of DIVA's own scripts. */
export async function scoreByDiva(
  parts: EmbeddingParts,
  { rows, images }: MmvpBenchmark,
  rule: DivaRule,
  seeds: readonly number[],
): Promise<DivaStyleScore> {
  const paired = rows.slice(0, images.length);
  const texts = await embedPrompts(
    parts,
    paired.map((row) => mmvpPrompt(row.statement)),
  );
  const embeddings = await embedDivaStyle(parts, images, rule, seeds);
  return scoreDivaStyle(embeddings, texts, paired, parts.encoder.folder.logitScale, rule, seeds);
}
