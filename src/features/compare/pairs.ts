import type { Comparison, PairScore } from '../../../workers/protocol.ts';

/** What became of a pair: right or wrong before, right or wrong after. */
export type Outcome = 'fixed' | 'broken' | 'wrong' | 'right';

export const outcomeLabels: Record<Outcome, string> = {
  fixed: 'Fixed',
  broken: 'Broken',
  wrong: 'Still wrong',
  right: 'Still right',
};

export interface ComparedPair {
  index: number;
  outcome: Outcome;
  before: PairScore;
  after: PairScore;
}

/** Joins the two reports pair by pair. */
export function comparedPairs({ before, after }: Comparison): ComparedPair[] {
  const later = new Map(after.pairs.map((pair) => [pair.index, pair]));
  return before.pairs.flatMap((pair) => {
    const other = later.get(pair.index);
    return other ? [{ index: pair.index, outcome: outcome(pair, other), before: pair, after: other }] : [];
  });
}

function outcome(before: PairScore, after: PairScore): Outcome {
  if (before.correct) return after.correct ? 'right' : 'broken';
  return after.correct ? 'fixed' : 'wrong';
}

export interface PatternRow {
  name: string;
  pairs: number;
  before: number;
  after: number;
  fixed: number;
  broken: number;
}

/** One row a pattern, in the benchmark's order, scores from 0 to 100. */
export function patternRows(comparison: Comparison): PatternRow[] {
  const pairs = comparedPairs(comparison);
  const after = new Map(comparison.after.patterns.map((pattern) => [pattern.name, pattern.score]));
  return comparison.before.patterns.map((pattern) => {
    const mine = pairs.filter((pair) => pair.before.pattern === pattern.name);
    return {
      name: pattern.name,
      pairs: pattern.pairs,
      before: pattern.score,
      after: after.get(pattern.name) ?? 0,
      fixed: mine.filter((pair) => pair.outcome === 'fixed').length,
      broken: mine.filter((pair) => pair.outcome === 'broken').length,
    };
  });
}

/** Similarity by which the right image leads: positive when the statement goes to its own image. */
export function margin(pair: PairScore, statement: 0 | 1): number {
  const row = pair.similarities[statement];
  return statement === 0 ? row[0] - row[1] : row[1] - row[0];
}
