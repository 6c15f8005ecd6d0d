import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resizeImage } from './resize.ts';
import { picture, reference } from './testing/pictures.ts';

describe('resizeImage', () => {
  for (const { seed, image, box, size, filter, sha256 } of reference.resizes) {
    const part = box ? ` of ${box.join(',')}` : '';
    it(`equals Pillow to the bit: ${filter} ${image.join('x')}${part} to ${size.join('x')}`, () => {
      const [left, top, width, height] = box ?? [0, 0, ...image];
      const result = resizeImage(picture(seed, ...image), ...size, filter, { left, top, width, height });
      expect([result.width, result.height, result.data.length]).toEqual([...size, size[0] * size[1] * 3]);
      expect(createHash('sha256').update(result.data).digest('hex')).toBe(sha256);
    });
  }

  it('leaves its input alone', () => {
    const image = picture(1, 20, 10);
    const before = image.data.slice();
    const same = resizeImage(image, 20, 10, 'bicubic');
    same.data.fill(7);
    expect(image.data).toEqual(before);
  });
});
