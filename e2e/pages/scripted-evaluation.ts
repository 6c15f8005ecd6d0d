import { compareScores } from '../../src/evaluation/evaluation.ts';
import { learnFromLabels } from '../../src/evaluation/learned.ts';
import { scoreRetrieval } from '../../src/evaluation/retrieval.ts';
import { scoreZeroShot } from '../../src/evaluation/zero-shot.ts';
import type {
  EvaluationRequest,
  EvaluationResult,
  EvaluationSetSummary,
  EvaluationTask,
  FoundPair,
  PatchView,
} from '../../workers/protocol.ts';
import { numbers, report } from './scripted-data.ts';

const classes = ['apple', 'balloon', 'cat', 'dog', 'fish', 'house', 'pear', 'tiger'];
const imagesEach = 12;

export function evaluationSet(task: EvaluationTask, name: string): EvaluationSetSummary {
  const images = classes.length * imagesEach;
  return {
    id: `set-${task}`,
    name,
    task,
    images,
    classes: task === 'captions' ? [] : classes.map((each) => ({ name: each, images: imagesEach })),
    captions: task === 'captions' ? images : 0,
    skipped: [{ path: `${name}/torn.jpg`, reason: 'The file ends in the middle of the picture' }],
    hash: { classes: 'c1', captions: 'ca', masks: 'ea' }[task].repeat(32),
  };
}

/** Scores of made-up embeddings by the real rules: a refined model sees with less noise. */
export async function evaluation(request: EvaluationRequest): Promise<EvaluationResult> {
  const refined = request.weights.kind === 'checkpoint';
  // Every checkpoint is a model of its own: their ids end in their steps.
  const own = request.weights.kind === 'checkpoint' ? Number(request.weights.id.split('-').at(-1)) : 0;
  const random = numbers(5 + own);
  const noise = refined ? 1.4 : 2.2;
  const width = classes.length;
  const labels = Array.from({ length: classes.length * imagesEach }, (_, i) => Math.floor(i / imagesEach));
  const rows = (blur: number) =>
    Float32Array.from(
      labels.flatMap((label) =>
        Array.from({ length: width }, (_, i) => (i === label ? 1 : 0) + blur * (random() - 0.5)),
      ),
    );
  const images = rows(noise);
  const heads = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
  const learning = { embeddings: images, labels, classes: width };
  const scores: EvaluationResult['scores'] = {};
  if (request.benchmark) scores.mmvp = { ...report(request.weights, refined), official: true };
  if (request.classes) {
    scores.zeroShot = await scoreZeroShot(images, { rows: width, width, values: heads }, labels, classes);
    scores.knn = (await learnFromLabels('knn', learning, request.seeds))!;
    scores.probe = (await learnFromLabels('probe', learning, request.seeds))!;
  }
  if (request.masks)
    scores.segmentation = {
      images: 40,
      meanIou: 41.2 + own / 10,
      pixelAccuracy: 66,
      classes: [
        { name: 'aeroplane', iou: 41.2 + own / 10 },
        { name: 'bicycle', iou: undefined },
      ],
    };
  if (request.captions)
    scores.retrieval = await scoreRetrieval(images, rows(0.5), [...labels.keys()], labels.length);
  return {
    ...request,
    id: `evaluation of ${request.name}`,
    modelHash: refined ? own.toString(16).padStart(16, 'b') : 'a1'.repeat(8),
    sets: [{ name: 'Demo classes', hash: 'c1'.repeat(32) }],
    scores,
    warnings: [],
    provider: 'wasm',
    versions: ['Acuity 0.1.0'],
    createdAt: '2026-11-24T09:02:00Z',
    seconds: 3.1,
  };
}

export const foundPairs = (imageSet: string): FoundPair[] =>
  Array.from({ length: 5 }, (_, i) => ({
    paths: [`${imageSet}/scene-000${i}.png`, `${imageSet}/scene-001${i}.png`],
    alike: 0.99 - 0.005 * i,
    different: 0.31 + 0.04 * i,
  }));

/** A picture whose left half is one thing and whose right half another. */
export function patchView(): PatchView {
  const [grid, size] = [8, 64];
  const side = (x: number, of: number) => (x < of / 2 ? 0 : 1);
  const tokens = Array.from({ length: grid * grid }, (_, i) =>
    side(i % grid, grid) === 0 ? [1, 0.1, i / 200] : [0.1, 1, i / 200],
  );
  const data = Uint8ClampedArray.from({ length: 4 * size * size }, (_, i) => {
    const shade = side(Math.floor(i / 4) % size, size) === 0 ? [196, 120, 80] : [70, 130, 180];
    return i % 4 === 3 ? 255 : shade[i % 4]!;
  });
  return {
    grid,
    width: 3,
    tokens: Float32Array.from([[1, 1, 0], ...tokens].flat()),
    picture: { size, data },
  };
}

export const compareEvaluations = (
  results: readonly EvaluationResult[],
  baseline: string,
  others: readonly string[],
) => {
  const scoresOf = (id: string) => results.find((result) => result.id === id)!.scores;
  return others.map((other) => compareScores(scoresOf(baseline), scoresOf(other)));
};
