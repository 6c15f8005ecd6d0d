import { describe, expect, it } from 'vitest';
import { decodeImage } from '../src/data/decode.ts';
import { bytesOf, imageFiles } from '../src/data/testing/image-files.ts';
import { nodeDecoder } from './node-decoder.ts';

describe('nodeDecoder', () => {
  it.each(imageFiles.good.map((one) => [one.name, one] as const))(
    'gives Pillow’s pixels in both modes: %s',
    async (_, { file, width, height, rgba, photo }) => {
      const image = await decodeImage(bytesOf(file), 'reference', nodeDecoder);
      expect([image.width, image.height]).toEqual([width, height]);
      expect([...image.data]).toEqual([...bytesOf(rgba)].filter((_value, i) => i % 4 !== 3));
      const seen = await decodeImage(bytesOf(file), 'photo', nodeDecoder);
      expect([seen.width, seen.height]).toEqual([photo.width, photo.height]);
      expect([...seen.data]).toEqual([...bytesOf(photo.rgb)]);
    },
  );

  it('refuses a file whose inside is damaged', async () => {
    const { file } = imageFiles.good.find(({ name }) => name.endsWith('.png'))!;
    const bytes = bytesOf(file);
    bytes.fill(0, 45, bytes.length - 14);
    await expect(decodeImage(bytes, 'reference', nodeDecoder)).rejects.toThrow(/damaged|cut off/);
  });
});

it.each(imageFiles.near.map((one) => [one.name, one] as const))(
  'gives Pillow’s pixels within the rounding of AVIF’s colours: %s',
  async (_, { file, width, height, rgb }) => {
    const image = await decodeImage(bytesOf(file), 'reference', nodeDecoder);
    expect([image.width, image.height]).toEqual([width, height]);
    const wanted = bytesOf(rgb);
    const worst = image.data.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(2);
  },
);
