import fc from 'fast-check';
import { backwardOf, type GradientCase } from './case.ts';
import { cases } from './cases/index.ts';

/** The same few cases of a variant every time. */
export function samplesOf(variant: string, count: number): GradientCase[] {
  return fc.sample(cases[variant]!, { seed: 1729, numRuns: count });
}

/** The operator that a variant is about: `Pow constant` is about Pow. */
export const operatorOf = (variant: string): string => variant.split(' ')[0]!;

/** Enough cases to meet every branch of a rule. */
const enough = 60;

/** Operators that the rules write in the gradient graphs of all cases, by differentiated operator. */
export function emittedByOperator(): Map<string, Set<string>> {
  const emitted = new Map<string, Set<string>>();
  for (const variant of Object.keys(cases)) {
    const key = operatorOf(variant);
    const ops = emitted.get(key) ?? new Set();
    emitted.set(key, ops);
    for (const c of samplesOf(variant, enough)) {
      for (const node of backwardOf(c, 'float32').emitted) ops.add(node.op);
    }
  }
  return emitted;
}
