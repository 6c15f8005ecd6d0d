import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreRetrieval } from './retrieval.ts';

/** By numpy's stable sort (tools/reference/evaluation.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/evaluation.json', import.meta.url), 'utf8'),
).retrieval as {
  images: number[];
  texts: number[];
  owner: number[];
  count: number;
  imageToText: number[];
  textToImage: number[];
};

describe('scoreRetrieval', () => {
  it('gives the recall of sorted similarities both ways, several captions an image', () => {
    const score = scoreRetrieval(
      Float32Array.from(reference.images),
      Float32Array.from(reference.texts),
      reference.owner,
      reference.count,
    );
    for (const way of ['imageToText', 'textToImage'] as const) {
      const { at1, at5, at10, queries } = score[way];
      for (const [i, value] of [at1, at5, at10].entries()) expect(value).toBeCloseTo(reference[way][i]!, 10);
      expect(queries).toBe(way === 'imageToText' ? reference.count : reference.owner.length);
    }
  });

  it('refuses an image without captions and captions of no image', () => {
    const one = Float32Array.of(1, 0);
    expect(() => scoreRetrieval(Float32Array.of(1, 0, 0, 1), one, [0], 2)).toThrow(/Image 2 has no caption/);
    expect(() => scoreRetrieval(one, one, [1], 1)).toThrow(/Caption 1 belongs to image 2 of 1/);
  });
});
