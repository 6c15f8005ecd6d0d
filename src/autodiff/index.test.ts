import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as autodiff from './index.ts';

it('explains everything that it exports', () => {
  const page = readFileSync(new URL('../../docs/library.md', import.meta.url), 'utf8');
  const names = Object.keys(autodiff);
  expect(names).toContain('gradient');
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
});
