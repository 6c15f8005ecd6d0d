import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashed, picture, reference } from './testing/pictures.ts';
import { numbersPerCrop, randomResizedCrop, trainingCrop } from './training-crop.ts';

const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const uniform = (seed: number): number[] => [...hashed(seed, numbersPerCrop)].map((n) => n / 2 ** 32);

describe('randomResizedCrop', () => {
  it('takes the rectangles of torchvision for the same numbers', () => {
    for (const { image, scale, seed, box } of reference.crops) {
      const { left, top, width, height } = randomResizedCrop(...image, scale, uniform(seed));
      expect([left, top, width, height], `${image.join('x')} from ${scale}, numbers ${seed}`).toEqual(box);
    }
  });

  it('takes the centre square when the whole is asked for', () => {
    expect(randomResizedCrop(640, 427, 1, uniform(1))).toEqual({
      left: 106,
      top: 0,
      width: 427,
      height: 427,
    });
    expect(randomResizedCrop(10, 31, 1, uniform(1))).toEqual({ left: 0, top: 10, width: 10, height: 10 });
  });

  it('refuses a wrong count of numbers', () => {
    expect(() => randomResizedCrop(10, 10, 0.9, [0.5])).toThrow(/22 uniform numbers, not 1/);
  });
});

describe('trainingCrop', () => {
  it('gives the pixels of torchvision and Pillow for both branches', () => {
    for (const { image, pictureSeed, box, teacher, encoder } of reference.crops) {
      const [left, top, width, height] = box;
      const crop = trainingCrop(picture(pictureSeed, ...image), { left, top, width, height }, 64, 48);
      expect([digest(crop.teacher), digest(crop.encoder)]).toEqual([teacher, encoder]);
    }
  });

  it('shares the pixels when both sizes are equal', () => {
    const crop = trainingCrop(picture(1, 20, 20), { left: 0, top: 0, width: 20, height: 20 }, 16, 16);
    expect(crop.encoder).toBe(crop.teacher);
  });
});
