import type { BenchmarkReport, PairScore } from '../../../workers/protocol.ts';

/** An example of what the weights get wrong: the first unsolved pair of the pattern with the lowest score. */
export function confusedPair({ patterns, pairs }: BenchmarkReport): PairScore | undefined {
  const order = [...patterns].sort((a, b) => a.score - b.score).map(({ name }) => name);
  for (const name of order) {
    const found = pairs.find(({ pattern, correct }) => pattern === name && !correct);
    if (found) return found;
  }
  return undefined;
}
