import { sizeOf } from '../../onnx/data-types.ts';
import { tensorOf, valuesOf } from '../../onnx/tensors.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { axisOf, sum } from './expressions.ts';
import { interpolationMatrix } from './interpolation.ts';

/** One axis that a Resize changes: `matrix` [outSize, inSize] maps its elements. */
interface ResizedAxis {
  axis: number;
  inSize: number;
  outSize: number;
  matrix: Float64Array;
}

/**
 * Resizing an axis is a product with a constant matrix, so its gradient is the product with that matrix transposed:
 * one MatMul an axis. Repeating every element a whole number of times, the common upsampling, is undone by one
 * ReduceSum over all axes at once.
 */
const resize: Rule = (c) => {
  const outShape = c.b.shape(c.grad);
  // ONNX Runtime copies where no size changes, whatever the scales.
  if (outShape.join() === c.shape(0).join()) return [c.grad];
  const scales = scalesOf(c, outShape);
  const axes = c.shape(0).flatMap((inSize, axis): ResizedAxis[] => {
    const outSize = outShape[axis]!;
    // An antialiasing filter leaves axes alone whose size stays, whatever their scale: so does ONNX Runtime.
    if (inSize === outSize && (scales[axis] === 1 || c.int('antialias', 0) !== 0)) return [];
    return [{ axis, inSize, outSize, matrix: matrixOf(c, inSize, outSize, scales[axis]!) }];
  });
  if (axes.every(repeatsEvenly)) return [sumOfRepeats(c)];
  return [axes.reduce((grad, axis) => throughAxis(c, grad, axis), c.grad)];
};

/** How much each axis grows: the `scales` input, or what `sizes` and the aspect ratio policy make of the sizes. */
function scalesOf(c: RuleContext, outShape: readonly number[]): number[] {
  const shape = c.shape(0);
  const axes = c.intList('axes')?.map((axis) => axisOf(axis, shape.length)) ?? [...shape.keys()];
  const scales = shape.map(() => 1);
  if (c.inputs[2]) {
    const given =
      c.constant(2) ?? c.refuse('The scales of Resize must be constant', 'Fix the sizes of the inputs');
    for (const [i, scale] of valuesOf(given).entries()) scales[axes[i]!] = scale;
    if (given.shape[0] !== 0) return scales;
  }
  const policy = c.string('keep_aspect_ratio_policy', 'stretch');
  const sizes = policy === 'stretch' ? axes.map((axis) => outShape[axis]!) : c.ints(3);
  const quotients = axes.map((axis, i) => sizes[i]! / shape[axis]!);
  const same = policy === 'not_larger' ? Math.min(...quotients) : Math.max(...quotients);
  for (const [i, axis] of axes.entries()) scales[axis] = policy === 'stretch' ? quotients[i]! : same;
  return scales;
}

function matrixOf(c: RuleContext, inSize: number, outSize: number, scale: number): Float64Array {
  const mode = c.string('mode', 'nearest');
  const coordinates = c.string('coordinate_transformation_mode', 'half_pixel');
  if (mode !== 'nearest' && mode !== 'linear' && mode !== 'cubic')
    return c.refuse(`Resize mode "${mode}"`, fix);
  const matrix = interpolationMatrix({
    inSize,
    outSize,
    scale,
    mode,
    coordinates,
    nearestMode: c.string('nearest_mode', 'round_prefer_floor'),
    antialias: c.int('antialias', 0) !== 0,
    cubicCoefficient: c.float('cubic_coeff_a', -0.75),
    excludeOutside: c.int('exclude_outside', 0) !== 0,
  });
  return matrix ?? c.refuse(`Resize coordinates "${coordinates}"`, fix);
}

const fix = 'Export with nearest, linear or cubic interpolation and any coordinates but tf_crop_and_resize';

/** Whether every input element fills a run of output elements of the same whole length. */
function repeatsEvenly({ inSize, outSize, matrix }: ResizedAxis): boolean {
  const times = outSize / inSize;
  if (!Number.isInteger(times)) return false;
  for (let row = 0; row < outSize; row++) {
    if (matrix[row * inSize + Math.floor(row / times)] !== 1) return false;
  }
  return true;
}

function sumOfRepeats(c: RuleContext): string {
  const { b, grad } = c;
  const dims: number[] = [];
  const repeats: number[] = [];
  for (const [axis, size] of c.shape(0).entries()) {
    const times = b.shape(grad)[axis]! / size;
    // Axes that stay are merged with the one before, so that the reduction has few axes to walk.
    if (dims.length > 0 && !repeats.includes(dims.length - 1)) dims.push(dims.pop()! * size);
    else dims.push(size);
    if (times > 1) repeats.push(dims.push(times) - 1);
  }
  const blocks = repeats.length === 0 ? grad : sum(b, reshape(b, grad, dims), repeats, 0);
  return reshape(b, blocks, c.shape(0));
}

function throughAxis(
  { b }: RuleContext,
  grad: string,
  { axis, inSize, outSize, matrix }: ResizedAxis,
): string {
  const shape = b.shape(grad);
  const [lead, rest] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  const constant = (rows: number, columns: number, at: (row: number, column: number) => number) =>
    b.shared(
      tensorOf(
        b.dtype(grad),
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns)),
      ),
    );
  const product =
    rest === 1
      ? b.op('MatMul', [
          reshape(b, grad, [lead, outSize]),
          constant(outSize, inSize, (o, i) => matrix[o * inSize + i]!),
        ])
      : b.op('MatMul', [
          constant(inSize, outSize, (i, o) => matrix[o * inSize + i]!),
          reshape(b, grad, [lead, outSize, rest]),
        ]);
  return reshape(b, product, [...shape.slice(0, axis), inSize, ...shape.slice(axis + 1)]);
}

export const resizing: RuleTable = { Resize: resize };
