import { expect, it } from 'vitest';
import { findBlindPairs } from './blind-pairs.ts';
import { mmvpFiles, type WrittenPair } from './mmvp-export.ts';
import { readMmvpFolder } from './mmvp-folder.ts';

/** Directions in the plane by their angles in degrees: cosines are known by hand. */
const plane = (...degrees: number[]) =>
  Float32Array.from(
    degrees.flatMap((d) => [3 * Math.cos((d * Math.PI) / 180), 3 * Math.sin((d * Math.PI) / 180)]),
  );

it('finds what one encoder thinks alike and another different, the widest gap first', async () => {
  const clip = plane(0, 10, 5, 90);
  const other = plane(0, 120, 62, 180);
  const pairs = await findBlindPairs(clip, other, 4);
  // 0 and 1: 10 degrees apart against 120; 0 and 2: 5 against 62; 1 and 2: 5 against 58.
  expect(pairs.map(({ images }) => images)).toEqual([
    [0, 1],
    [0, 2],
    [1, 2],
  ]);
  expect(pairs[0]!.alike).toBeCloseTo(Math.cos(Math.PI / 18), 6);
  expect(pairs[0]!.different).toBeCloseTo(-0.5, 6);
  expect(await findBlindPairs(clip, other, 4, { alike: 0.99 })).toHaveLength(2);
  expect(await findBlindPairs(clip, other, 4, { different: 0.4 })).toHaveLength(1);
  expect(await findBlindPairs(clip, other, 4, { most: 1 })).toHaveLength(1);
});

it('stops where the pause throws', async () => {
  const all = plane(...Array.from({ length: 70 }, (_, i) => i));
  const stop = () => Promise.reject(new Error('cancelled'));
  await expect(findBlindPairs(all, all, 70, { pause: stop })).rejects.toThrow('cancelled');
});

const pair = (type: string, name: string, statements: [string, string]): WrittenPair => ({
  type,
  images: [
    { path: `mine/${name}-a.JPG`, blob: new Blob([`${name}a`]) },
    { path: `mine/${name}-b.png`, blob: new Blob([`${name}b`]) },
  ],
  statements,
});

it('exports a benchmark that reads back, pairs of a pattern together', async () => {
  const files = mmvpFiles([
    pair('Texts', 'x', ['a sign that says "stop"', 'a sign, empty']),
    pair('Quantity and Count', 'y', ['one', 'two']),
    pair('Texts', 'z', ['A\n sign', 'B sign']),
  ]);
  const read = await readMmvpFolder(files);
  expect(read.warnings).toEqual([]);
  expect(read.patterns).toEqual([
    { name: 'Texts', pairs: 2 },
    { name: 'Quantity and Count', pairs: 1 },
  ]);
  expect(read.rows.map(({ statement }) => statement)).toEqual([
    'a sign that says "stop"',
    'a sign, empty',
    'A sign',
    'B sign',
    'one',
    'two',
  ]);
  expect(await Promise.all(read.images.map(({ blob }) => blob.text()))).toEqual([
    'xa',
    'xb',
    'za',
    'zb',
    'ya',
    'yb',
  ]);
});

it('names what keeps a pair out of a benchmark', () => {
  const open = pair('Texts', 'x', ['a', ' ']);
  expect(() => mmvpFiles([open])).toThrow(/x-b\.png has no statement/);
  expect(() => mmvpFiles([pair('../up', 'x', ['a', 'b'])])).toThrow(/cannot be the name of a folder/);
  expect(() => mmvpFiles([])).toThrow(/at least one/);
});
