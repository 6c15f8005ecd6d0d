import { expect, test } from 'vitest';
import type { BenchmarkReport } from '../../../workers/protocol.ts';
import { confusedPair } from './confused-pair.ts';

function report(solved: Record<string, boolean[]>): BenchmarkReport {
  const names = Object.keys(solved);
  let index = 0;
  return {
    benchmark: 'b',
    weights: { kind: 'original', encoder: 'e' },
    total: 0,
    mode: 'reference',
    seconds: 1,
    patterns: names.map((name) => {
      const correct = solved[name]!.filter(Boolean).length;
      return { name, correct, pairs: solved[name]!.length, score: (100 * correct) / solved[name]!.length };
    }),
    pairs: names.flatMap((pattern) =>
      solved[pattern]!.map((correct) => ({
        index: index++,
        pattern,
        images: ['a', 'b'] as [string, string],
        statements: ['a', 'b'] as [string, string],
        similarities: [
          [1, 0],
          [0, 1],
        ] as [[number, number], [number, number]],
        correct,
      })),
    ),
  };
}

test('the first unsolved pair of the weakest pattern', () => {
  expect(confusedPair(report({ Colour: [true, false], Count: [true, false, false] }))?.index).toBe(3);
});

test('a weakest pattern that is solved gives way to the next', () => {
  expect(confusedPair(report({ Colour: [true], Count: [true] }))).toBeUndefined();
  expect(confusedPair(report({ Colour: [true], Count: [false] }))?.index).toBe(1);
});
