/** A pair's outcome, with the pattern that it belongs to. */
export interface PairOutcome {
  pattern: string;
  correct: boolean;
}

export interface PairedComparison {
  /** Pairs wrong before and right after. */
  fixed: number;
  /** Pairs right before and wrong after. */
  broken: number;
  /** Total after minus total before, in points. */
  difference: number;
  /** Two-sided exact McNemar p-value. */
  pValue: number;
  /** 95% interval of the difference, in points. */
  interval: [number, number];
  /** One sentence: what changed and how sure that is. */
  verdict: string;
}

/**
 * Compares two scorings of the same pairs, in the same order.
 *
 * @param options.noun what a pair is called in the verdict, such as `image`
 * @throws Error when the two do not list the same pairs.
 */
export function comparePairs(
  before: readonly PairOutcome[],
  after: readonly PairOutcome[],
  options: { resamples?: number; seed?: number; noun?: string } = {},
): PairedComparison {
  if (before.length === 0 || before.length !== after.length) {
    throw new Error(
      `${before.length} pairs cannot be compared with ${after.length}: score both on one benchmark`,
    );
  }
  const groups = new Map<string, number[]>();
  for (const [i, { pattern, correct }] of before.entries()) {
    const other = after[i]!;
    if (other.pattern !== pattern) {
      throw new Error(
        `Pair ${i + 1} is of “${pattern}” before and “${other.pattern}” after: not one benchmark`,
      );
    }
    const changes = groups.get(pattern) ?? [];
    changes.push(Number(other.correct) - Number(correct));
    groups.set(pattern, changes);
  }
  const changes = [...groups.values()];
  const fixed = changes.flat().filter((change) => change > 0).length;
  const broken = changes.flat().filter((change) => change < 0).length;
  const difference =
    changes.reduce((sum, group) => sum + (100 * group.reduce((a, b) => a + b, 0)) / group.length, 0) /
    changes.length;
  const pValue = mcnemar(fixed, broken);
  const interval = bootstrapInterval(changes, options.resamples ?? 10_000, options.seed ?? 0);
  const verdict = sentence({ fixed, broken, difference, pValue, interval }, options.noun ?? 'pair');
  return { fixed, broken, difference, pValue, interval, verdict };
}

/**
 * Two-sided exact McNemar test: the chance that `fixed + broken` flips of a fair coin are at least this uneven
 * (McNemar 1947; the exact form is the binomial sign test over discordant pairs).
 */
export function mcnemar(fixed: number, broken: number): number {
  const flips = fixed + broken;
  const few = Math.min(fixed, broken);
  if (2 * few === flips) return 1;
  // Terms of the binomial distribution from 0 to `few`, in logarithms: 2^-flips alone would underflow.
  let logTerm = -flips * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let k = 1; k <= few; k++) {
    logTerm += Math.log((flips - k + 1) / k);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

/**
 * 95% percentile interval of the mean over patterns of each pattern's mean change, by resampling pairs within
 * patterns (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
 *
 * @param changes for each pattern, each pair's change: -1, 0 or 1.
 * @returns the ends, in points of 100.
 */
export function bootstrapInterval(
  changes: readonly (readonly number[])[],
  resamples: number,
  seed: number,
): [number, number] {
  const random = mulberry32(seed);
  const differences = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (const group of changes) {
      let changed = 0;
      for (let i = 0; i < group.length; i++) changed += group[Math.floor(random() * group.length)]!;
      sum += changed / group.length;
    }
    differences[r] = (100 * sum) / changes.length;
  }
  differences.sort();
  return [quantile(differences, 0.025), quantile(differences, 0.975)];
}

/** Linear interpolation between order statistics (numpy's default). */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low]!;
  const above = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return below + (at - low) * (above - below);
}

function sentence(c: Omit<PairedComparison, 'verdict'>, noun: string): string {
  if (c.fixed === 0 && c.broken === 0) return `Not one ${noun} changed.`;
  const pairs = (n: number) => `${n} ${n === 1 ? noun : `${noun}s`}`;
  const flips = `${pairs(c.fixed)} fixed and ${pairs(c.broken)} broken, ${signed(c.difference)} points`;
  const evidence = `p = ${probability(c.pValue)}, 95% interval ${signed(c.interval[0])} to ${signed(c.interval[1])}`;
  if (c.pValue >= 0.05) return `${flips}: a difference inside the noise (${evidence}).`;
  // Unequal patterns can turn the total against the count of flips; then neither word would be honest.
  if (c.fixed > c.broken && c.difference > 0) return `${flips}: a gain beyond chance (${evidence}).`;
  if (c.fixed < c.broken && c.difference < 0) return `${flips}: a loss beyond chance (${evidence}).`;
  return `${flips}: more ${noun}s changed one way than chance explains, but the total does not follow (${evidence}).`;
}

/** Points of 100 with their sign and one decimal. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(1);
  if (text === '0.0') return '0.0';
  return `${value < 0 ? '−' : '+'}${text}`;
}

function probability(p: number): string {
  if (p < 0.001) return p.toExponential(1);
  return p.toFixed(p < 0.1 ? 3 : 2);
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Sample standard deviation (n - 1); undefined for fewer than two values. */
export function deviation(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/** A small seeded generator of uniform numbers in [0, 1) (Tommy Ettinger's Mulberry32, public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
