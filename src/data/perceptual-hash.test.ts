import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lookOf } from './perceptual-hash.ts';
import { picture } from './testing/pictures.ts';

/** By Python's ImageHash (tools/reference/looks.py). */
const cases: { seed: number; image: [number, number]; dhash: string }[] = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/looks.json', import.meta.url), 'utf8'),
);

describe('lookOf', () => {
  it.each(cases.map((one) => [one.image.join('x'), one] as const))(
    'equals ImageHash to the bit: %s',
    (_, { seed, image, dhash }) => {
      expect(lookOf(picture(seed, ...image)).dhash).toBe(dhash);
    },
  );

  it('gives the mean colour', () => {
    const data = Uint8Array.from([10, 20, 30, 30, 40, 51]);
    expect(lookOf({ width: 2, height: 1, data }).colour).toEqual([20, 30, 40.5]);
  });
});
