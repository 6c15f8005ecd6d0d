import { expect, it } from 'vitest';
import { conditionRows, fillSelection } from './condition.ts';

/** Which token each row of a selection picks. */
function picks(
  condition: Parameters<typeof fillSelection>[1],
  rows: number,
  tokens: number,
  drawn: number[],
) {
  const selection = new Float32Array(rows * tokens).fill(9);
  fillSelection(selection, condition, rows, tokens, (k) => drawn[k]!);
  return Array.from({ length: rows }, (_, row) => {
    const weights = [...selection.subarray(row * tokens, (row + 1) * tokens)];
    expect(weights.filter((w) => w !== 0)).toEqual([1]);
    return weights.indexOf(1);
  });
}

it('shows the class token first, then the drawn patches', () => {
  expect(picks('class+part', 4, 6, [4, 0, 4])).toEqual([0, 5, 1, 5]);
  expect(picks('class+all', 3, 3, [])).toEqual([0, 1, 2]);
  expect(picks('class', 1, 6, [])).toEqual([0]);
});

it('has as many rows as the method says', () => {
  expect(conditionRows({ condition: 'class', partTokens: 76 }, 257)).toBe(1);
  expect(conditionRows({ condition: 'class+part', partTokens: 76 }, 257)).toBe(77);
  expect(conditionRows({ condition: 'class+all', partTokens: 76 }, 257)).toBe(257);
});
