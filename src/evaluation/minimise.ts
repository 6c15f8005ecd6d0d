const history = 10;
/** Where the work ends by default: no element of the gradient is larger. */
export const gradientTolerance = 1e-7;

/** A function to minimise: returns the value at `x` and writes the gradient. */
export type Objective = (x: Float64Array, gradient: Float64Array) => Promise<number>;

/**
 * Minimises a smooth convex function by L-BFGS with a backtracking line search (Nocedal and Wright, Numerical
 * Optimization, algorithms 7.4 and 3.1).
 *
 * @param start where to begin
 * @param options.onStep told the largest element of the gradient, where the work began and where it is
 * @returns the point where the largest element of the gradient is under `tolerance`, or the last one reached
 */
export async function minimise(
  f: Objective,
  start: Float64Array,
  options: { tolerance?: number; maxSteps?: number; onStep?: (first: number, now: number) => void } = {},
): Promise<Float64Array> {
  const { tolerance = gradientTolerance, maxSteps = 2000 } = options;
  let x: Float64Array = start.slice();
  let gradient: Float64Array = new Float64Array(x.length);
  let value = await f(x, gradient);
  const first = largest(gradient);
  const pairs: { step: Float64Array; change: Float64Array; rho: number }[] = [];
  for (let taken = 0; taken < maxSteps; taken++) {
    const now = largest(gradient);
    options.onStep?.(first, now);
    if (now < tolerance) break;
    const direction = twoLoops(gradient, pairs);
    const slope = dot(direction, gradient);
    let length = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let next: Float64Array;
    let nextValue: number;
    const nextGradient = new Float64Array(x.length);
    for (;;) {
      const scale = length;
      next = x.map((v, i) => v + scale * direction[i]!);
      nextValue = await f(next, nextGradient);
      if (nextValue <= value + 1e-4 * length * slope) break;
      length /= 2;
      // No shorter step helps: the value is as low as its rounding allows.
      if (length < 1e-12) return x;
    }
    const from = { x, gradient };
    const step = next.map((v, i) => v - from.x[i]!);
    const change = nextGradient.map((g, i) => g - from.gradient[i]!);
    const curvature = dot(step, change);
    if (curvature > 1e-14 * dot(change, change)) {
      pairs.push({ step, change, rho: 1 / curvature });
      if (pairs.length > history) pairs.shift();
    }
    x = next;
    value = nextValue;
    gradient = nextGradient;
  }
  return x;
}

const largest = (gradient: Float64Array): number =>
  gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);

/** The quasi-Newton direction of the pairs kept, downhill. */
function twoLoops(
  gradient: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.map((g) => -g);
  const shares: number[] = [];
  for (const { step, change, rho } of pairs.toReversed()) {
    const share = rho * dot(step, q);
    shares.push(share);
    for (let i = 0; i < q.length; i++) q[i]! -= share * change[i]!;
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.change, last.change));
    for (let i = 0; i < q.length; i++) q[i]! *= scale;
  }
  for (const { step, change, rho } of pairs) {
    const share = shares.pop()! - rho * dot(change, q);
    for (let i = 0; i < q.length; i++) q[i]! += share * step[i]!;
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
