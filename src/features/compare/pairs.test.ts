import { expect, test } from 'vitest';
import type { BenchmarkReport, Comparison, PairScore } from '../../../workers/protocol.ts';
import { decision } from '../shared/decision.ts';
import { comparedPairs, margin, patternRows } from './pairs.ts';

function pair(index: number, pattern: string, similarities: PairScore['similarities']): PairScore {
  const correct = similarities[0][0] > similarities[0][1] && similarities[1][1] >= similarities[1][0];
  return { index, pattern, images: ['a.jpg', 'b.jpg'], statements: ['a', 'b'], similarities, correct };
}

const right: PairScore['similarities'] = [
  [0.3, 0.2],
  [0.1, 0.4],
];
const wrong: PairScore['similarities'] = [
  [0.2, 0.3],
  [0.1, 0.4],
];

function report(pairs: PairScore[]): BenchmarkReport {
  const names = [...new Set(pairs.map(({ pattern }) => pattern))];
  const patterns = names.map((name) => {
    const mine = pairs.filter((each) => each.pattern === name);
    const correct = mine.filter((each) => each.correct).length;
    return { name, correct, pairs: mine.length, score: (100 * correct) / mine.length };
  });
  return {
    benchmark: 'b',
    weights: { kind: 'original', encoder: 'e' },
    total: patterns.reduce((sum, { score }) => sum + score, 0) / patterns.length,
    patterns,
    pairs,
    mode: 'reference',
    seconds: 1,
  };
}

const comparison: Comparison = {
  before: report([
    pair(0, 'Colour', wrong),
    pair(1, 'Colour', right),
    pair(2, 'Count', wrong),
    pair(3, 'Count', right),
  ]),
  after: report([
    pair(3, 'Count', right),
    pair(0, 'Colour', right),
    pair(1, 'Colour', wrong),
    pair(2, 'Count', wrong),
  ]),
  fixed: 1,
  broken: 1,
  pValue: 1,
  interval: [-10, 10],
  verdict: '',
};

test('pairs are joined by index, whatever their order', () => {
  expect(comparedPairs(comparison).map(({ index, outcome }) => [index, outcome])).toEqual([
    [0, 'fixed'],
    [1, 'broken'],
    [2, 'wrong'],
    [3, 'right'],
  ]);
});

test('patterns keep the benchmark order and count flips', () => {
  expect(patternRows(comparison)).toEqual([
    { name: 'Colour', pairs: 2, before: 50, after: 50, fixed: 1, broken: 1 },
    { name: 'Count', pairs: 2, before: 50, after: 50, fixed: 0, broken: 0 },
  ]);
});

test('a tie goes to the second image', () => {
  expect(decision([0.2, 0.2])).toBe(1);
  expect(decision([0.21, 0.2])).toBe(0);
});

test('the margin is the lead of the right image', () => {
  expect(margin(pair(0, 'p', right), 0)).toBeCloseTo(0.1, 12);
  expect(margin(pair(0, 'p', right), 1)).toBeCloseTo(0.3, 12);
  expect(margin(pair(0, 'p', wrong), 0)).toBeCloseTo(-0.1, 12);
});
