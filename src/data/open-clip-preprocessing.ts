import { type Preprocessing, readPreprocessing } from './preprocess.ts';

/**
 * Reads a parsed `open_clip_config.json`: the transform that open_clip builds for evaluation (its
 * `image_transform(..., is_train=False)`), which crops by torchvision's rule.
 *
 * @throws Error naming the field that cannot be understood.
 */
export function readOpenClipPreprocessing(config: unknown): Preprocessing {
  const told = record(config, 'preprocess_cfg');
  const vision = record(record(config, 'model_cfg'), 'vision_cfg');
  const { mean, std, interpolation = 'bicubic', resize_mode: mode = 'shortest' } = told;
  if (mode !== 'shortest' && mode !== 'squash') {
    throw new Error(
      `open_clip_config.json gives resize_mode as ${String(mode)}; shortest and squash are known`,
    );
  }
  const resample = { bilinear: 2, bicubic: 3, random: 3 }[String(interpolation)];
  if (resample === undefined) {
    throw new Error(
      `open_clip_config.json gives interpolation as ${String(interpolation)}; bilinear and bicubic are known`,
    );
  }
  const edge = told['size'] ?? vision['image_size'] ?? 224;
  const [height, width] = Array.isArray(edge) ? edge : [edge, edge];
  const square = mode === 'shortest' && height === width;
  return {
    ...readPreprocessing({
      size: square ? { shortest_edge: height } : { height, width },
      do_center_crop: square,
      crop_size: height,
      resample,
      ...(mean !== undefined && { image_mean: mean }),
      ...(std !== undefined && { image_std: std }),
    }),
    cropRounding: 'half-even',
  };
}

function record(from: unknown, field: string): Partial<Record<string, unknown>> {
  const value: unknown = typeof from === 'object' && from !== null ? Reflect.get(from, field) : undefined;
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
