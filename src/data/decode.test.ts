import { describe, expect, it } from 'vitest';
import { decodeImage, orient, type RawDecoder } from './decode.ts';
import { inspectImageFile, neutraliseOrientation } from './image-file.ts';
import { bytesOf, imageFiles } from './testing/image-files.ts';
import { picture } from './testing/pictures.ts';

/** A decoder that gives known pixels, whatever it is handed. */
const giving =
  (width: number, height: number, rgba: string): RawDecoder =>
  async () => ({ width, height, data: bytesOf(rgba) });

/** The same with 16 bits a channel. */
const givingDeep =
  (width: number, height: number, rgba16: string): RawDecoder =>
  async () => ({ width, height, data: new Uint16Array(bytesOf(rgba16).buffer) });

describe('decodeImage', () => {
  for (const { name, file, width, height, rgba, rgba16, photo } of imageFiles.good) {
    it(`follows Pillow in both modes: ${name}`, async () => {
      const decoder = rgba16 ? givingDeep(width, height, rgba16) : giving(width, height, rgba);
      const reference = await decodeImage(bytesOf(file), 'reference', decoder);
      expect([reference.width, reference.height]).toEqual([width, height]);
      expect([...reference.data]).toEqual([...bytesOf(rgba)].filter((_, i) => i % 4 !== 3));
      const seen = await decodeImage(bytesOf(file), 'photo', decoder);
      expect([seen.width, seen.height]).toEqual([photo.width, photo.height]);
      expect([...seen.data]).toEqual([...bytesOf(photo.rgb)]);
    });
  }

  for (const { name, file, reason } of imageFiles.refused) {
    it(`names the reason of ${name}`, async () => {
      const never: RawDecoder = async () => {
        throw new Error('a refused file reached the decoder');
      };
      for (const mode of ['reference', 'photo'] as const) {
        await expect(decodeImage(bytesOf(file), mode, never)).rejects.toThrow(reason);
      }
    });
  }

  it('refuses a size that would fill the memory before it decodes', async () => {
    const bytes = bytesOf(imageFiles.good.find(({ name }) => name === 'rgb.png')!.file);
    new DataView(bytes.buffer).setUint32(16, 100_000);
    new DataView(bytes.buffer).setUint32(20, 100_000);
    const never: RawDecoder = async () => {
      throw new Error('it reached the decoder');
    };
    await expect(decodeImage(bytes, 'photo', never)).rejects.toThrow(/100000 x 100000 pixels are more/);
  });

  it('says so when the decoder fails or gives another size', async () => {
    const { file, rgba, width, height } = imageFiles.good[0]!;
    const failing: RawDecoder = async () => {
      throw new Error('bad Huffman code');
    };
    await expect(decodeImage(bytesOf(file), 'photo', failing)).rejects.toThrow(
      /damaged.*\(bad Huffman code\)/,
    );
    const turned = giving(height, width, rgba);
    await expect(decodeImage(bytesOf(file), 'photo', turned)).rejects.toThrow(
      /states 11 x 7 .* decodes to 7 x 11/,
    );
  });
});

describe('inspectImageFile', () => {
  it('reads size, transparency and orientation', () => {
    for (const { name, file, width, height, rgba } of imageFiles.good) {
      const info = inspectImageFile(bytesOf(file));
      const transparent = bytesOf(rgba).some((value, i) => i % 4 === 3 && value < 255);
      const orientation = Number(
        /turned-(\d)/.exec(name)?.[1] ?? { 'turned.png': 6, 'turned.webp': 8 }[name] ?? 1,
      );
      expect(info, name).toMatchObject({ width, height, alpha: transparent, orientation });
    }
  });

  it('finds every shortened file to be cut off or damaged', () => {
    for (const { name, file } of imageFiles.good.filter((one) => one.name !== 'trailing.jpg')) {
      const bytes = bytesOf(file);
      for (let length = 4; length < bytes.length; length += 3) {
        // A WebP's last byte may be padding.
        if (name.endsWith('.webp') && length === bytes.length - 1) continue;
        expect(() => inspectImageFile(bytes.subarray(0, length)), `${name} at ${length}`).toThrow(
          /cut off|damaged|Not an image/,
        );
      }
    }
  });
});

describe('neutraliseOrientation', () => {
  it('makes every turned file upright and leaves the rest alone', () => {
    for (const { name, file } of imageFiles.good) {
      const bytes = bytesOf(file);
      const before = bytes.slice();
      const upright = neutraliseOrientation(bytes, inspectImageFile(bytes));
      expect(inspectImageFile(upright).orientation, name).toBe(1);
      if (!name.startsWith('turned')) expect(upright).toBe(bytes);
      expect(bytes).toEqual(before);
    }
  });
});

describe('orient', () => {
  it('has an inverse for every orientation', () => {
    const image = picture(4, 9, 5);
    for (const [there, back] of [
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
      [6, 8],
      [7, 7],
      [8, 6],
    ] as const) {
      expect(orient(orient(image, there), back)).toEqual(image);
    }
  });
});
