import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { centered, fitImage, normalise, preparedSize, preprocess, readPreprocessing } from './preprocess.ts';
import { picture, reference } from './testing/pictures.ts';

const digest = (array: Uint8Array | Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest('hex');

describe('preprocess', () => {
  for (const { name, config, seed, image, shape, sha256 } of reference.preprocessed) {
    it(`equals transformers to the bit: ${name} on ${image.join('x')}`, () => {
      const recipe = readPreprocessing(config);
      const result = preprocess(picture(seed, ...image), recipe);
      expect(result.shape).toEqual(shape);
      expect(preparedSize(recipe)).toMatchObject({ width: shape[2], height: shape[1] });
      expect(digest(result.data)).toBe(sha256);
    });
  }

  for (const { image, sha256 } of reference.centerCrops) {
    it(`crops as torchvision when asked to: 224 out of ${image.join('x')}`, () => {
      const recipe = { ...readPreprocessing({ do_resize: false }), cropRounding: 'half-even' } as const;
      expect(digest(fitImage(picture(3, ...image), recipe).data)).toBe(sha256);
    });
  }
});

describe('readPreprocessing', () => {
  it('understands the older files, whose sizes are plain numbers', () => {
    const old = {
      crop_size: 224,
      do_center_crop: true,
      do_normalize: true,
      do_resize: true,
      feature_extractor_type: 'CLIPFeatureExtractor',
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      resample: 3,
      size: 224,
    };
    expect(readPreprocessing(old)).toEqual({
      resize: { shortestEdge: 224 },
      filter: 'bicubic',
      centerCrop: { width: 224, height: 224 },
      cropRounding: 'down',
      rescale: 1 / 255,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    });
    expect(
      readPreprocessing({ image_processor_type: 'ViTImageProcessor', size: 96, do_normalize: false }),
    ).toMatchObject({
      resize: { width: 96, height: 96 },
      centerCrop: null,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(
      preparedSize(readPreprocessing({ do_center_crop: false, size: { shortest_edge: 9 } })),
    ).toBeUndefined();
  });

  it('names what it does not understand', () => {
    expect(() => readPreprocessing(null)).toThrow(/preprocessor_config\.json holds no object/);
    expect(() => readPreprocessing({ resample: 1 })).toThrow(/resampling method 1/);
    expect(() => readPreprocessing({ size: { longest_edge: 3 } })).toThrow(/gives size in a form/);
    expect(() => readPreprocessing({ size: { shortest_edge: 2.5 } })).toThrow(/size\.shortest_edge as 2\.5/);
    expect(() => readPreprocessing({ image_mean: [1, 2] })).toThrow(/image_mean/);
  });
});

describe('normalise', () => {
  it('writes planes into a batch and spans [-1, 1] for the autoencoder', () => {
    const batch = new Float32Array(12);
    normalise({ width: 2, height: 1, data: Uint8Array.of(0, 255, 0, 255, 0, 255) }, centered, batch, 6);
    expect([...batch]).toEqual([0, 0, 0, 0, 0, 0, -1, 1, 1, -1, -1, 1]);
  });
});
