import { expect, test } from 'vitest';
import {
  baseName,
  formatBytes,
  formatCount,
  formatDuration,
  formatMeasure,
  formatMilliseconds,
  formatMoment,
  formatParameters,
  formatPlural,
  formatPValue,
  formatQuantity,
  formatSigned,
} from './format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [3_432_708, '3.43 MB'],
  [999_700, '1.00 MB'],
  [1_220_000_000, '1.22 GB'],
])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [512, '512'],
  [87_849_216, '87.8 M'],
  [866_000_000, '866 M'],
  [1_100_000_000, '1.10 B'],
])('%d parameters', (value, text) => expect(formatParameters(value)).toBe(text));

test.each([
  [0.2, '0 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [125, '2 min 5 s'],
  [3599.9, '1 h'],
  [4320, '1 h 12 min'],
])('%d seconds', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test.each([
  [0.0312, 'p = 0.031'],
  [0.0004, 'p < 0.001'],
  [1, 'p = 1'],
])('p-value %d', (p, text) => expect(formatPValue(p)).toBe(text));

test.each([
  [1e-4, '1e-4'],
  [0.25, '0.25'],
  [3, '3'],
  [12.5, '12.5'],
  [100, '100'],
  [123_456, '1.23e5'],
  [3.25e-5, '3.25e-5'],
  [0, '0'],
  [Number.NaN, 'NaN'],
])('quantity %d', (value, text) => expect(formatQuantity(value)).toBe(text));

test.each([
  [0.4, '0.400'],
  [12.34, '12.3'],
  [1234.5, '1235'],
  [0, '0'],
  [2e-5, '2e-5'],
])('measure %d', (value, text) => expect(formatMeasure(value)).toBe(text));

test('signs stay level and zero has none', () => {
  expect(formatSigned(3)).toBe('+3.0');
  expect(formatSigned(-1.52)).toBe('\u22121.5');
  expect(formatSigned(-0.01)).toBe('0.0');
});

test('counts, plurals, milliseconds, paths', () => {
  expect(formatCount(12_345)).toBe('12,345');
  expect(formatPlural(1, 'image')).toBe('1 image');
  expect(formatPlural(2, 'match', 'matches')).toBe('2 matches');
  expect(formatMilliseconds(4.21)).toBe('4.2 ms');
  expect(formatMilliseconds(840.4)).toBe('840 ms');
  expect(formatMilliseconds(12_300)).toBe('12.3 s');
  expect(baseName('a/b/c.onnx')).toBe('c.onnx');
  expect(baseName('c.onnx')).toBe('c.onnx');
});

test('the year shows only when it is another one', () => {
  const now = new Date('2026-11-24T12:00:00');
  expect(formatMoment('2026-11-24T14:05:00', now)).toBe('24 Nov, 14:05');
  expect(formatMoment('2025-02-01T09:30:00', now)).toBe('1 Feb 2025, 09:30');
});
