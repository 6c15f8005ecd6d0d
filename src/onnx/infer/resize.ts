import { attributeOf } from '../attributes.ts';
import type { TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';
import { axesOf, withSizes } from './shapes.ts';

/** Sizes scale in float32, as the definition and the runtimes have it. */
const scaled = (size: number, scale: number): number => Math.floor(Math.fround(size * Math.fround(scale)));

function scaleBy(c: InferContext, scales: readonly number[], axes: readonly number[]): TensorType[] {
  const input = c.shape(0);
  c.check(
    scales.length === axes.length && scales.every((s) => s > 0),
    `The scales [${scales.join(', ')}] do not fit`,
  );
  const sizes = Object.fromEntries(axes.map((axis, k) => [axis, scaled(input[axis]!, scales[k]!)]));
  return [{ dtype: c.dtype(0), shape: withSizes(input, sizes) }];
}

function resize(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const all = input.map((_, i) => i);
  if (c.opset < 11) return scaleBy(c, c.values(1, 'scales'), all);
  const axes = axesOf(c, c.ints('axes') ?? all, input.length);
  const given = c.optionalValues(2, 'scales');
  if (given && given.length > 0) {
    const crops = c.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
    return crops
      ? c.fail('Cropping by scales is not supported', 'Export with sizes')
      : scaleBy(c, given, axes);
  }
  const wanted = c.values(3, 'sizes');
  c.check(wanted.length === axes.length, `${wanted.length} sizes for ${axes.length} axes`);
  const sizes = keepAspect(c, wanted, axes);
  return [
    { dtype: c.dtype(0), shape: withSizes(input, Object.fromEntries(axes.map((a, k) => [a, sizes[k]!]))) },
  ];
}

function keepAspect(c: InferContext, wanted: readonly number[], axes: readonly number[]): readonly number[] {
  const policy = c.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return wanted;
  const ratios = axes.map((axis, k) => wanted[k]! / c.shape(0)[axis]!);
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis) => Math.floor(scale * c.shape(0)[axis]! + 0.5));
}

function upsample(c: InferContext): TensorType[] {
  const all = c.shape(0).map((_, i) => i);
  const scales = c.opset >= 9 ? c.values(1, 'scales') : attributeOf(c.node, 'scales', 'floats')?.value;
  return scaleBy(c, scales ?? c.fail('The scales are missing'), all);
}

function gridSample(c: InferContext): TensorType[] {
  const [x, grid] = [c.shape(0), c.shape(1)];
  c.check(
    grid.length === x.length && grid.at(-1) === x.length - 2 && grid[0] === x[0],
    'The grid does not fit the input',
  );
  return [{ dtype: c.dtype(0), shape: [x[0]!, x[1]!, ...grid.slice(1, -1)] }];
}

function affineGrid(c: InferContext): TensorType[] {
  const [n, , ...size] = c.values(1, 'size');
  return [{ dtype: c.dtype(0), shape: [n ?? 0, ...size, size.length] }];
}

function roiAlign(c: InferContext): TensorType[] {
  const [height, width] = [c.int('output_height', 1), c.int('output_width', 1)];
  return [{ dtype: c.dtype(0), shape: [c.shape(1)[0]!, c.shape(0)[1]!, height, width] }];
}

export const sampling: InferTable = {
  AffineGrid: affineGrid,
  GridSample: gridSample,
  Resize: resize,
  RoiAlign: roiAlign,
  Upsample: upsample,
};
