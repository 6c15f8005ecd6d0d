import { expect, it } from 'vitest';
import { mmvpFiles, type WrittenPair } from './mmvp-export.ts';
import { readMmvpFolder } from './mmvp-folder.ts';

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
