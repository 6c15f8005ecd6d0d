import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { divaEmbeddings, divaPasses, drawPatches, scoreDivaStyle } from './diva-style.ts';

/** By torch, on tokens of random numbers (tools/reference/diva_style.py). */
const { seeds, small } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/diva_style.json', import.meta.url), 'utf8'),
) as {
  seeds: number[];
  small: { tokens: number[]; width: number; image: number; openai: number[][]; metaclip: number[] };
};
const tokens = Float32Array.from(small.tokens);

describe('divaEmbeddings', () => {
  it.each([
    ['openai', small.openai.flat()],
    ['metaclip', small.metaclip],
  ] as const)('gives the embeddings of DIVA’s %s script', (rule, expected) => {
    const made = divaEmbeddings(tokens, small.width, small.image, rule, seeds);
    expect(made).toHaveLength(divaPasses(rule, seeds) * small.width);
    expect(expected).toHaveLength(made.length);
    for (const [i, value] of expected.entries()) expect(made[i]).toBeCloseTo(value, 6);
  });

  it('draws anew for every seed, image and statement, and the same again', () => {
    const drawn = [drawPatches(0, 3, 0, 64), drawPatches(0, 3, 1, 64), drawPatches(1, 3, 0, 64)];
    expect(new Set([...drawn, drawPatches(0, 4, 0, 64)].map(String)).size).toBe(4);
    expect(drawPatches(0, 3, 0, 64)).toEqual(drawn[0]);
    expect(Math.max(...drawn.flatMap((each) => [...each]))).toBeLessThan(64);
  });

  it('refuses values that are no tokens', () => {
    expect(() => divaEmbeddings(tokens.subarray(0, 4), 4, 0, 'openai', [0])).toThrow(/no class token and/);
    expect(() => divaEmbeddings(tokens.subarray(1), 4, 0, 'metaclip', [0])).toThrow(/no class token and/);
  });
});

describe('scoreDivaStyle', () => {
  const rows = [1, 2].map((id) => ({ id, type: 'Texts', statement: '' }));
  const texts = Float32Array.of(1, 0, 0, 1);

  it('scores each statement by its own pass, and averages the seeds', () => {
    // First seed: right in both passes. Second seed: the second statement's pass shows the images exchanged.
    const first = [1, 0, 1, 0, 1, 0, 0, 1];
    const second = [0, 1, 0, 1, 0, 1, 1, 0];
    const score = scoreDivaStyle(
      Float32Array.from([...first, ...second]),
      texts,
      rows,
      100,
      'openai',
      [3, 4],
    );
    expect(score.seeds).toEqual([
      { seed: 3, total: 100 },
      { seed: 4, total: 0 },
    ]);
    expect([score.total, score.official]).toEqual([50, false]);
    expect(score.spread).toBeCloseTo(Math.hypot(50, 50), 9);
    expect(score.pairs).toEqual([{ index: 0, pattern: 'Texts', correct: true }]);
  });

  it('has no seeds where nothing is drawn', () => {
    const score = scoreDivaStyle(Float32Array.of(1, 0, 0, 1), texts, rows, 100, 'metaclip', [0, 1]);
    expect(score).toMatchObject({ total: 100, spread: undefined, seeds: [] });
    expect(() => scoreDivaStyle(texts, texts, rows, 100, 'openai', [0])).toThrow(/not 2 embeddings/);
  });
});
