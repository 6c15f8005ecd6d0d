import { expect, it } from 'vitest';
import { readOpenClipPreprocessing } from './open-clip-preprocessing.ts';
import { preparedSize } from './preprocess.ts';

const config = (preprocess: object, size: unknown = 384) => ({
  model_cfg: { vision_cfg: { image_size: size } },
  preprocess_cfg: preprocess,
});

it('reads open_clip’s transform: shortest edge and centre crop, or a squash', () => {
  expect(readOpenClipPreprocessing(config({}))).toMatchObject({
    resize: { shortestEdge: 384 },
    centerCrop: { width: 384, height: 384 },
    cropRounding: 'half-even',
    filter: 'bicubic',
    mean: [0.48145466, 0.4578275, 0.40821073],
  });
  const squash = readOpenClipPreprocessing(
    config({ resize_mode: 'squash', interpolation: 'bilinear', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }),
  );
  expect(squash).toMatchObject({ filter: 'bilinear', centerCrop: null, mean: [0.5, 0.5, 0.5] });
  expect(preparedSize(squash)).toEqual({ width: 384, height: 384 });
  expect(preparedSize(readOpenClipPreprocessing(config({ resize_mode: 'squash' }, [240, 320])))).toEqual({
    width: 320,
    height: 240,
  });
});

it('names what it does not know', () => {
  expect(() => readOpenClipPreprocessing(config({ resize_mode: 'longest' }))).toThrow(
    /resize_mode as longest/,
  );
  expect(() => readOpenClipPreprocessing(config({ interpolation: 'nearest' }))).toThrow(/as nearest/);
});
