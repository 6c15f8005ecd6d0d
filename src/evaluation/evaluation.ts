import type { DivaStyleScore } from './diva-style.ts';
import type { LearnedScore } from './learned.ts';
import type { MmvpScore } from './mmvp.ts';
import type { RetrievalScore } from './retrieval.ts';
import type { SegmentationScore } from './segmentation.ts';
import { comparePairs, type PairedComparison } from './statistics.ts';
import { type ZeroShotGuard, zeroShotGuard } from './verdicts.ts';
import type { ZeroShotScore } from './zero-shot.ts';

/** Segmentation of images with masks, by a label list. */
export interface LabelledSegmentation extends Omit<SegmentationScore, 'iou'> {
  images: number;
  /** Intersection over union in percent; undefined where a class occurs neither in masks nor in predictions. */
  classes: { name: string; iou: number | undefined }[];
}

/** What one model scored; parts that were not asked for are undefined. */
export interface Scores {
  mmvp?: Pick<MmvpScore, 'official' | 'total' | 'patterns'> & {
    pairs: readonly { index: number; pattern: string; correct: boolean }[];
  };
  /** MMVP by DIVA's image embeddings. */
  divaStyle?: DivaStyleScore;
  zeroShot?: ZeroShotScore;
  retrieval?: RetrievalScore;
  segmentation?: LabelledSegmentation;
  knn?: LearnedScore;
  probe?: LearnedScore;
}

/** Two models on the same data, image by image or pair by pair; parts that one of them lacks are undefined. */
export interface ScoresComparison {
  mmvp?: PairedComparison;
  /** The pairs of the first seed. */
  divaStyle?: PairedComparison;
  /** Top-1, image by image. */
  zeroShot?: PairedComparison;
  /** What refining cost of zero-shot top-1. */
  guard?: ZeroShotGuard;
  /** R@1, query by query. */
  retrieval?: { imageToText: PairedComparison; textToImage: PairedComparison };
  /** The held-out images of the first seed. */
  knn?: PairedComparison;
  probe?: PairedComparison;
}

/**
 * @param options.guard points of top-1 that refining may cost
 * @throws Error when the two were not scored on the same data
 */
export function compareScores(
  before: Scores,
  after: Scores,
  options: { guard?: number } = {},
): ScoresComparison {
  const result: ScoresComparison = {};
  if (before.mmvp && after.mmvp) result.mmvp = comparePairs(before.mmvp.pairs, after.mmvp.pairs);
  if (before.divaStyle && after.divaStyle && before.divaStyle.rule === after.divaStyle.rule)
    result.divaStyle = comparePairs(before.divaStyle.pairs, after.divaStyle.pairs);
  if (before.zeroShot && after.zeroShot) {
    result.zeroShot = byRank(before.zeroShot.ranks, after.zeroShot.ranks, 'image');
    result.guard = zeroShotGuard(before.zeroShot.top1, after.zeroShot.top1, options.guard);
  }
  if (before.retrieval && after.retrieval) {
    const way = (key: 'imageToText' | 'textToImage', noun: string) =>
      byRank(before.retrieval![key].ranks, after.retrieval![key].ranks, noun);
    result.retrieval = {
      imageToText: way('imageToText', 'image'),
      textToImage: way('textToImage', 'caption'),
    };
  }
  if (before.knn && after.knn) result.knn = byOutcome(before.knn.correct, after.knn.correct, 'image');
  if (before.probe && after.probe)
    result.probe = byOutcome(before.probe.correct, after.probe.correct, 'image');
  return result;
}

const byRank = (before: readonly number[], after: readonly number[], noun: string): PairedComparison =>
  byOutcome(
    before.map((rank) => rank === 1),
    after.map((rank) => rank === 1),
    noun,
  );

function byOutcome(before: readonly boolean[], after: readonly boolean[], noun: string): PairedComparison {
  const outcomes = (all: readonly boolean[]) => all.map((correct) => ({ pattern: 'all', correct }));
  return comparePairs(outcomes(before), outcomes(after), { noun });
}

/** Percent that guessing scores at `k` tries among `options`, of which `right` are right answers. */
export function chanceAt(k: number, options: number, right = 1): number {
  let missed = 1;
  for (let i = 0; i < Math.min(k, options); i++) missed *= Math.max(0, options - right - i) / (options - i);
  return 100 * (1 - missed);
}
