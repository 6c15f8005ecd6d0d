import { describe, expect, it } from 'vitest';
import { compareScores, type Scores } from '../evaluation.ts';
import type { LearnedScore } from '../learned.ts';
import { evaluationReport } from './evaluation-report.ts';

/** 40 pairs of which the first `right` are right. */
const pairs = (right: number): NonNullable<Scores['mmvp']> => ({
  official: false,
  total: (100 * right) / 40,
  patterns: [{ name: 'Texts', score: (100 * right) / 40, correct: right, pairs: 40 }],
  pairs: Array.from({ length: 40 }, (_, index) => ({ index, pattern: 'Texts', correct: index < right })),
});
const learned = (right: number): LearnedScore => ({
  accuracy: right,
  spread: 1.5,
  seeds: [0, 1].map((seed) => ({ seed, accuracy: right })),
  correct: Array.from({ length: 100 }, (_, i) => i < right),
  train: 400,
  test: 100,
  classes: 8,
});
const recall = (at1: number, queries: number) => ({
  ...{ queries, at1, at5: 80, at10: 90 },
  ranks: Array.from({ length: queries }, (_, i) => (i < (at1 * queries) / 100 ? 1 : 2)),
});
const model = (right: number): Scores => ({
  mmvp: pairs(right),
  divaStyle: {
    ...pairs(right),
    rule: 'openai',
    total: 50,
    spread: 2.5,
    seeds: [3, 4].map((seed) => ({ seed, total: 50 })),
  },
  retrieval: { imageToText: recall(50, 20), textToImage: recall(40, 40) },
  knn: learned(60),
  probe: learned(40 + right),
});

describe('evaluationReport', () => {
  const all = [model(10), model(12), model(30)];
  const reported = all.map((scores, i) => ({
    name: `model ${i}`,
    scores,
    ...(i > 0 ? { against: compareScores(all[0]!, scores) } : {}),
  }));
  const report = evaluationReport(reported, {
    facts: [['Pixels', 'reference']],
    warnings: ['Id 3: unusual'],
  });
  const table = (title: string) => report.tables.find((each) => each.title === title)!;

  it('calls a small difference one inside the noise and a large one beyond chance', () => {
    const { notes } = table('MMVP-style');
    expect(notes![0]).toMatch(/^model 1: 2 pairs fixed and 0 pairs broken.*: a difference inside the noise/);
    expect(notes![1]).toMatch(/^model 2: 20 pairs fixed.*: a gain beyond chance/);
    expect(table('Learned from labels').notes!.join()).toMatch(/model 1: linear probe: .*inside the noise/);
  });

  it('has a line for guessing in every table of scores', () => {
    const guessing = (title: string, name: string) => table(title).rows.find(([first]) => first === name)![1];
    expect(guessing('MMVP-style', 'Guessing')).toBe(25);
    expect(guessing('MMVP-style, DIVA-style embedding', 'Guessing')).toBe(25);
    expect(guessing('Learned from labels', 'Guessing')).toBe(12.5);
    expect(guessing('Retrieval', 'Text to image R@5, guessing')).toBeCloseTo(25, 9);
    // Two captions an image, of 40.
    expect(guessing('Retrieval', 'Image to text R@1, guessing')).toBeCloseTo(5, 9);
  });

  it('warns of choosing by a benchmark that several models were scored on', () => {
    const warned = report.tables.filter(({ notes }) =>
      notes?.some((note) => /^2 refined models were scored on .*by chance/.test(note)),
    );
    expect(warned.map(({ title }) => title)).toEqual([
      'MMVP-style',
      'MMVP-style, DIVA-style embedding',
      'Retrieval',
      'Learned from labels',
    ]);
    const two = evaluationReport(reported.slice(0, 2), { facts: [] });
    expect(JSON.stringify(two)).not.toMatch(/refined models were scored/);
  });

  it('gives mean and spread over seeds, and of the models as runs', () => {
    expect(table('Learned from labels').rows).toContainEqual(['k-NN, spread', '± 1.5', '± 1.5', '± 1.5']);
    expect(table('MMVP-style, DIVA-style embedding').rows).toContainEqual([
      ...['Total, spread', '± 2.5', '± 2.5', '± 2.5'],
    ]);
    const runs = table('The compared models as runs of one recipe');
    expect(runs.rows[0]!.slice(0, 5)).toEqual(['MMVP', 25, 52.5, '± 31.8', '+27.5']);
    expect(runs.notes![0]).toMatch(
      /^MMVP: mean 52\.5 ± 31\.8 over 2 runs.*: a difference inside the noise\.$/,
    );
  });

  it('lists what is unusual about the data among its facts', () => {
    expect(report.facts).toEqual([
      ['Pixels', 'reference'],
      ['Warning', 'Id 3: unusual'],
    ]);
  });
});
