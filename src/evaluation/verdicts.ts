/** Whether refining has cost what the encoder knew before, as one figure. */
export interface ZeroShotGuard {
  /** Top-1 after minus before, in points. */
  change: number;
  /** The largest loss that is accepted, in points. */
  threshold: number;
  passed: boolean;
  /** One sentence. */
  verdict: string;
}

/** Everything that is scored in one go; the name goes into reports. */
export const suiteName = 'Acuity suite 1';

/** Points of top-1 that a refinement may cost by default. */
export const guardThreshold = 1;

/** @param before top-1 in percent; likewise `after` */
export function zeroShotGuard(before: number, after: number, threshold = guardThreshold): ZeroShotGuard {
  const change = after - before;
  // Percentages of whole counts differ by rounding alone.
  const passed = change >= -threshold - 1e-9;
  const sign = change < 0 ? '−' : '+';
  const verdict = `Zero-shot top-1 ${sign}${Math.abs(change).toFixed(1)} points: ${passed ? 'within' : 'beyond'} the accepted loss of ${threshold.toFixed(1)}.`;
  return { change, threshold, passed, verdict };
}

/** What to say when several candidates were scored on one benchmark; undefined for one. */
export function selectionWarning(candidates: number, benchmark: string): string | undefined {
  if (candidates < 2) return undefined;
  return `${candidates} refined models were scored on ${benchmark}: the best of them is the best in part by chance. Choose by other images, then report this score once`;
}
