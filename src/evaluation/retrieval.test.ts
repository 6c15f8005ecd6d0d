import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreRetrieval } from './retrieval.ts';

/** By CLIP_benchmark's own evaluation, in float32 (tools/reference/evaluation.py). */
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
  it('gives CLIP_benchmark’s recall both ways, several captions an image', async () => {
    const score = await scoreRetrieval(
      Float32Array.from(reference.images),
      Float32Array.from(reference.texts),
      reference.owner,
      reference.count,
    );
    for (const way of ['imageToText', 'textToImage'] as const) {
      const { at1, at5, at10, queries } = score[way];
      for (const [i, value] of [at1, at5, at10].entries()) expect(value).toBeCloseTo(reference[way][i]!, 4);
      expect(queries).toBe(way === 'imageToText' ? reference.count : reference.owner.length);
    }
  });

  it('refuses an image without captions and captions of no image', async () => {
    const one = Float32Array.of(1, 0);
    const square = Float32Array.of(1, 0, 0, 1);
    await expect(scoreRetrieval(square, one, [0], 2)).rejects.toThrow(/Image 2 has no caption/);
    await expect(scoreRetrieval(one, one, [1], 1)).rejects.toThrow(/Caption 1 belongs to image 2 of 1/);
  });

  it('tells how far it is, and stops where the pause throws', async () => {
    const width = 2 ** 11;
    const rows = new Float32Array(64 * width).fill(1);
    const owner = Array.from({ length: 64 }, (_, i) => i);
    const shares: number[] = [];
    await scoreRetrieval(rows, rows, owner, 64, async (share) => void shares.push(share));
    expect(shares).toEqual([0, 32 / 128, 64 / 128, 96 / 128]);
    const stop = () => Promise.reject(new Error('cancelled'));
    await expect(scoreRetrieval(rows, rows, owner, 64, stop)).rejects.toThrow('cancelled');
  });
});
