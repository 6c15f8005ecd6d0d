/** One measured value a step. */
export interface Point {
  step: number;
  value: number;
}

/**
 * Exponential moving average with the start's bias removed, as TensorBoard draws it. `weight` in [0, 1): 0 leaves the
 * values as they are. Values that are not finite are passed over.
 */
export function smooth(points: readonly Point[], weight: number): Point[] {
  let average = 0;
  let mass = 0;
  return points.map(({ step, value }) => {
    if (Number.isFinite(value)) {
      average = weight * average + (1 - weight) * value;
      mass = weight * mass + (1 - weight);
    }
    return { step, value: mass > 0 ? average / mass : value };
  });
}

/**
 * At most about `most` points, keeping the ends and each bucket's least and greatest value, so that no spike is lost.
 */
export function thin(points: readonly Point[], most: number): Point[] {
  if (points.length <= most) return [...points];
  const buckets = Math.max(1, Math.floor((most - 2) / 2));
  const inner = points.slice(1, -1);
  const kept: Point[] = [points[0]!];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * inner.length) / buckets);
    const to = Math.floor(((bucket + 1) * inner.length) / buckets);
    let least = inner[from]!;
    let greatest = least;
    for (const point of inner.slice(from, to)) {
      if (point.value < least.value) least = point;
      if (point.value > greatest.value) greatest = point;
    }
    if (least === greatest) kept.push(least);
    else kept.push(...(least.step < greatest.step ? [least, greatest] : [greatest, least]));
  }
  kept.push(points.at(-1)!);
  return kept;
}

/** Smoothing that suits a run of `steps`: a window of about a fifteenth of it, so that short runs do not lag. */
export function smoothingFor(steps: number): number {
  return Math.min(0.98, 1 - 1 / (1 + steps / 15));
}

/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Round numbers from 0 to at most `last`, about five of them. */
export function evenTicks(last: number): number[] {
  const rough = last / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power);
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, index) => index * step);
}
