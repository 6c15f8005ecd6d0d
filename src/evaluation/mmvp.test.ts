import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { groupPairs, type MmvpRow, officialPatterns, questionWarnings, scoreMmvp } from './mmvp.ts';

/** Outcomes of the official script's arithmetic in PyTorch (tools/reference/mmvp_rule.py). */
const reference: { rows: number; logitScale: number; outcomes: string[] } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/mmvp_rule.json', import.meta.url), 'utf8'),
);

/** As in tools/reference/mmvp_rule.py. */
function hashed(seed: number, count: number): Float32Array {
  const values = new Float32Array(count);
  const base = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < count; i++) {
    let h = (base + i) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) >>> 0;
    values[i] = (h >>> 8) * 2 ** -23 - 1;
  }
  return values;
}

/** As in tools/reference/mmvp_rule.py: every fifth pair ties for one statement, every eleventh for both. */
function make(seed: number, rows: number): { images: Float32Array; texts: Float32Array } {
  const width = 16 + 8 * (seed % 7);
  const images = hashed(2 * seed, rows * width);
  const texts = hashed(2 * seed + 1, rows * width).map((value, i) => value + Math.fround(images[i]! * 0.25));
  for (let pair = 0; pair < rows / 2; pair++) {
    const first = 2 * pair * width;
    const second = first + width;
    if ((pair + seed) % 5 === 0) {
      const tied = (pair + seed) % 2 === 0 ? first : second;
      for (let i = 0; i < width; i++) images[second + i] = images[first + i]! * (i === 0 ? 1 : -1);
      texts.fill(0, tied + 1, tied + width);
    } else if ((pair + seed) % 11 === 0) {
      images.copyWithin(second, first, second);
      texts.fill(0, first + 1, second + width - 1);
    }
  }
  return { images, texts };
}

const rowsOf = (count: number, type: (pair: number) => string = () => 'Color'): MmvpRow[] =>
  Array.from({ length: count }, (_, i) => ({ id: i + 1, type: type(Math.floor(i / 2)), statement: `s${i}` }));

describe('scoreMmvp', () => {
  it('decides every pair of 1,000 random sets as the official arithmetic does, exact ties included', () => {
    const rows = rowsOf(reference.rows);
    const differing: string[] = [];
    let ties = 0;
    for (const [seed, hex] of reference.outcomes.entries()) {
      const { images, texts } = make(seed, reference.rows);
      const score = scoreMmvp(images, texts, rows, reference.logitScale);
      const outcome = score.pairs.map((pair) => (pair.correct ? '1' : '0')).join('');
      const expected = BigInt(`0x${hex}`)
        .toString(2)
        .padStart(reference.rows / 2, '0');
      if (outcome !== expected) differing.push(`set ${seed}`);
      ties += score.pairs.filter(({ similarities: [[a, b], [c, d]] }) => (a === b) !== (c === d)).length;
    }
    expect(differing).toEqual([]);
    // The sets do hold one-sided ties: a fifth of 135,000 pairs.
    expect(ties).toBeGreaterThan(25_000);
  });

  it('gives a tie to the second image', () => {
    const images = new Float32Array([1, 0, 1, 0]);
    const texts = new Float32Array([1, 0, 0.5, 0.5]);
    const [pair] = scoreMmvp(images, texts, rowsOf(2), 100).pairs;
    expect(pair!.picks).toEqual([1, 1]);
    expect(pair!.correct).toBe(false);
  });

  it('gives the statement of an odd id to the first image, whatever its place', () => {
    const images = new Float32Array([1, 0, 0, 1]);
    const right = scoreMmvp(images, new Float32Array([1, 0, 0, 1]), rowsOf(2), 100);
    expect(right.pairs[0]!.correct).toBe(true);
    expect(right.total).toBe(100);
    const swapped = [
      { id: 2, type: 'a', statement: '' },
      { id: 1, type: 'a', statement: '' },
    ];
    expect(scoreMmvp(images, new Float32Array([1, 0, 0, 1]), swapped, 100).total).toBe(0);
    expect(scoreMmvp(images, new Float32Array([0, 1, 1, 0]), swapped, 100).total).toBe(100);
  });

  it('averages patterns, not pairs, and groups other sizes by type', () => {
    const rows = rowsOf(8, (pair) => (pair < 3 ? 'Color' : 'Text'));
    const images = new Float32Array([1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1]);
    const texts = new Float32Array([1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1]);
    const score = scoreMmvp(images, texts, rows, 100);
    expect(score.official).toBe(false);
    expect(score.patterns).toEqual([
      { name: 'Color', score: (1 / 3) * 100, correct: 1, pairs: 3 },
      { name: 'Text', score: 100, correct: 1, pairs: 1 },
    ]);
    expect(score.total).toBeCloseTo((100 / 3 + 100) / 2, 10);
  });

  it('refuses embeddings that cannot be scored', () => {
    const ones = new Float32Array(8).fill(1);
    expect(() => scoreMmvp(ones, new Float32Array(6), rowsOf(4), 100)).toThrow(/do not make 4 embeddings/);
    expect(() => scoreMmvp(ones, new Float32Array(8), rowsOf(4), 100)).toThrow(
      /text embedding of row 1 is zero/,
    );
    const broken = ones.slice();
    broken[5] = Number.NaN;
    expect(() => scoreMmvp(broken, ones, rowsOf(4), 100)).toThrow(/image embedding of row 3 is not finite/);
    expect(() => scoreMmvp(ones, ones, rowsOf(4), 0)).toThrow(/logit scale/);
  });
});

describe('groupPairs', () => {
  it('takes the pattern of exactly 135 pairs from the position, whatever the types say', () => {
    const { official, patterns, patternOfPair } = groupPairs(rowsOf(270));
    expect(official).toBe(true);
    expect(patterns).toEqual(officialPatterns.map((name) => ({ name, pairs: 15 })));
    expect(patternOfPair[14]).toBe('Orientation and Direction');
    expect(patternOfPair[15]).toBe('Presence of Specific Features');
    expect(groupPairs(rowsOf(268)).official).toBe(false);
  });
});

describe('questionWarnings', () => {
  /** The published file's own short names (MMVP_VLM on the Hugging Face hub). */
  const short = [
    'Orientation',
    'Presence',
    'State',
    'Quantity',
    'Spatial',
    'Color',
    'Structural',
    'Text',
    'Camera',
  ];
  const published = () => rowsOf(270, (pair) => short[Math.floor(pair / 15)]!);

  it('finds nothing in a regular benchmark, with short or with full names', () => {
    expect(questionWarnings(published())).toEqual([]);
    expect(questionWarnings(rowsOf(270, (pair) => officialPatterns[Math.floor(pair / 15)]!))).toEqual([]);
    expect(questionWarnings(rowsOf(8))).toEqual([]);
  });

  it('flags unusual parity, repeated ids, torn pairs and a row without partner', () => {
    const rows = rowsOf(9);
    rows[2] = { id: 4, type: 'Color', statement: '' };
    rows[5] = { id: 6, type: 'Text', statement: '' };
    const warnings = questionWarnings(rows);
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toMatch(/^Id 4: unusual parity/);
    expect(warnings[1]).toMatch(/^Id 4: used more than once/);
    expect(warnings[2]).toMatch(/^Id 6: its Type differs from the first row/);
    expect(warnings[3]).toMatch(/^Id 9: the last row has no partner/);
  });

  it('flags types that contradict the position', () => {
    const rows = published();
    rows[0] = { ...rows[0]!, type: 'Text' };
    rows[1] = { ...rows[1]!, type: 'Text' };
    expect(questionWarnings(rows)).toEqual([
      expect.stringMatching(/^Id 1: its Type differs from the other pairs/),
    ]);
    const shuffled = rowsOf(270, (pair) => officialPatterns[8 - Math.floor(pair / 15)]!);
    const warnings = questionWarnings(shuffled);
    expect(warnings).toHaveLength(8);
    expect(warnings[0]).toMatch(/^Pairs 1 to 15 count as “Orientation and Direction” by position/);
  });
});
