import type { Scores } from './evaluation.ts';
import { deviation, mean, signed } from './statistics.ts';
import { studentP, studentQuantile } from './student.ts';

/** Several runs of one recipe with different seeds, against what they began from. */
export interface RunsSummary {
  runs: number;
  baseline: number;
  mean: number;
  /** Standard deviation over the runs (n - 1), in points. */
  spread: number;
  /** Mean less baseline, in points, and its 95% interval by Student's t. */
  difference: number;
  interval: [number, number];
  /** Two-sided p-value of the mean's being the baseline. */
  pValue: number;
  /** One sentence. */
  verdict: string;
}

/**
 * Sums up the scores of at least two runs. The baseline is one model, not a sample: what varies are the runs.
 *
 * @throws Error for fewer than two runs, which have no spread
 */
export function summariseRuns(baseline: number, runs: readonly number[]): RunsSummary {
  const spread = deviation(runs);
  if (spread === undefined) throw new Error('One run has no spread: give at least two');
  const freedom = runs.length - 1;
  const middle = mean(runs);
  const difference = middle - baseline;
  const error = spread / Math.sqrt(runs.length);
  const reach = error * studentQuantile(0.05, freedom);
  // Runs that all score the same leave nothing to chance.
  const pValue = error > 0 ? studentP(difference / error, freedom) : difference === 0 ? 1 : 0;
  const interval: [number, number] = [difference - reach, difference + reach];
  const figures = `mean ${middle.toFixed(1)} ± ${spread.toFixed(1)} over ${runs.length} runs, ${signed(difference)} points, 95% interval ${signed(interval[0])} to ${signed(interval[1])}`;
  const meaning =
    pValue >= 0.05 ? 'a difference inside the noise' : `a ${difference > 0 ? 'gain' : 'loss'} beyond chance`;
  const verdict = `${figures}: ${meaning}.`;
  return { runs: runs.length, baseline, mean: middle, spread, difference, interval, pValue, verdict };
}

/** The figures of one model that stand for each part. */
function headlines(scores: Scores): Map<string, number> {
  const { mmvp, divaStyle, zeroShot, retrieval, knn, probe, segmentation } = scores;
  const all: [string, number | undefined][] = [
    ['MMVP', mmvp?.total],
    ['MMVP, DIVA-style', divaStyle?.total],
    ['Zero-shot top-1', zeroShot?.top1],
    ['Image to text R@1', retrieval?.imageToText.at1],
    ['Text to image R@1', retrieval?.textToImage.at1],
    ['k-NN', knn?.accuracy],
    ['Linear probe', probe?.accuracy],
    ['Mean IoU', segmentation?.meanIou],
  ];
  return new Map(all.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** All models after the first, read as runs of one recipe; nothing for fewer than two of them. */
export function runsOf(models: readonly Scores[]): { name: string; summary: RunsSummary }[] {
  const [first, ...others] = models.map(headlines);
  if (!first || others.length < 2) return [];
  return [...first].flatMap(([name, baseline]) => {
    const values = others.flatMap((scores) => scores.get(name) ?? []);
    return values.length === others.length ? [{ name, summary: summariseRuns(baseline, values) }] : [];
  });
}
