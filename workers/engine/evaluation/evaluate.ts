import { learnFromLabels } from '../../../src/evaluation/learned.ts';
import type { MmvpBenchmark } from '../../../src/evaluation/mmvp-folder.ts';
import { scoreRetrieval } from '../../../src/evaluation/retrieval.ts';
import { classEmbeddings, scoreZeroShot } from '../../../src/evaluation/zero-shot.ts';
import { classPrompts } from '../../../src/text/templates/templates.ts';
import type { EvaluationRequest, EvaluationResult } from '../../evaluation-protocol.ts';
import { scoreBenchmark, scoreByDiva } from '../scoring.ts';
import { type EmbeddingParts, embedImages, embedPrompts, type HashedFile } from './embeddings.ts';
import { pauses } from './pauses.ts';
import { segmentSet } from './segment-set.ts';
import type { EvaluationSet } from './sets.ts';

/** What to evaluate on, read already; parts that were not asked for are undefined. */
export interface EvaluationData {
  benchmark?: { id: string; content: MmvpBenchmark };
  classes?: EvaluationSet;
  captions?: EvaluationSet;
  masks?: EvaluationSet;
}

/** Scores one model on everything asked for. */
export async function evaluate(
  parts: EmbeddingParts,
  data: EvaluationData,
  request: EvaluationRequest,
): Promise<EvaluationResult['scores']> {
  const scores: EvaluationResult['scores'] = {};
  const { benchmark, classes, captions, masks } = data;
  if (benchmark) {
    const report = await scoreBenchmark(parts, request.weights, benchmark);
    scores.mmvp = { ...report, official: benchmark.content.official };
    if (request.divaStyle)
      scores.divaStyle = await scoreByDiva(parts, benchmark.content, request.divaStyle, request.seeds);
  }
  if (classes?.content.task === 'classes') Object.assign(scores, await byClass(parts, classes, request));
  if (captions?.content.task === 'captions') {
    const { content } = captions;
    const texts = await embedPrompts(parts, content.captions);
    const images = await embedImages(parts, hashed(captions));
    const pause = pauses(parts, 'percent of the retrieval');
    scores.retrieval = await scoreRetrieval(images, texts, content.imageOf, content.images.length, pause);
  }
  if (masks) {
    const score = await segmentSet(parts, masks, request.templates.list);
    if (score) scores.segmentation = score;
  }
  return scores;
}

async function byClass(
  parts: EmbeddingParts,
  set: EvaluationSet,
  { zeroShot, knn, probe, seeds, templates }: EvaluationRequest,
): Promise<Pick<EvaluationResult['scores'], 'zeroShot' | 'knn' | 'probe'>> {
  if (set.content.task !== 'classes') return {};
  const { classes, labels } = set.content;
  const result: Pick<EvaluationResult['scores'], 'zeroShot' | 'knn' | 'probe'> = {};
  // Prompts first: a missing text side is told before any image is embedded.
  const prompts = zeroShot ? await embedPrompts(parts, classPrompts(classes, templates.list)) : undefined;
  const embeddings = await embedImages(parts, hashed(set));
  if (prompts) {
    const heads = classEmbeddings(prompts, classes.length, templates.list.length);
    const pause = pauses(parts, 'percent of the classes');
    result.zeroShot = await scoreZeroShot(embeddings, heads, labels, classes, pause);
  }
  const learning = { embeddings, labels, classes: classes.length };
  for (const method of [...(knn ? ['knn' as const] : []), ...(probe ? ['probe' as const] : [])]) {
    const pause = pauses(parts, `percent of the ${method === 'knn' ? 'neighbours' : 'linear probe'}`);
    const score = await learnFromLabels(method, learning, seeds, pause);
    if (!score) throw new Error('No class has two images, so that none can be held out: add images');
    result[method] = score;
  }
  return result;
}

const hashed = ({ content, files }: EvaluationSet): HashedFile[] =>
  files.map((file, i) => ({ ...file, sha256: content.images[i]!.sha256 }));
