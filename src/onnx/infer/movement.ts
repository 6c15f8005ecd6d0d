import { sizeOf } from '../data-types.ts';
import { limits } from '../limits.ts';
import type { TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';
import { axesOf, axisOf, broadcast, productOf, withSizes } from './shapes.ts';

function reshape(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const wanted = c.values(1, 'shape');
  const keepZero = c.int('allowzero', 0) !== 0;
  let open = -1;
  const shape = wanted.map((d, i) => {
    if (d === -1) {
      c.check(open < 0, `The wanted shape [${wanted.join(', ')}] has more than one -1`);
      open = i;
      return 1;
    }
    if (d === 0 && !keepZero)
      return input[i] ?? c.fail(`Axis ${i} of the wanted shape copies an axis that is not there`);
    c.check(d >= 0, `The wanted shape [${wanted.join(', ')}] has a negative size`);
    return d;
  });
  const have = sizeOf(input);
  const known = sizeOf(shape);
  if (open >= 0) {
    c.check(
      known > 0 && have % known === 0,
      `${have} elements do not fill the wanted shape [${wanted.join(', ')}]`,
    );
    shape[open] = have / known;
  } else {
    c.check(have === known, `${have} elements do not fill the wanted shape [${wanted.join(', ')}]`);
  }
  return [{ dtype: c.dtype(0), shape }];
}

function transpose(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const order = c.ints('perm') ?? input.map((_, i) => input.length - 1 - i);
  c.check(order.length === input.length, `perm [${order.join(', ')}] does not fit the rank`);
  return [{ dtype: c.dtype(0), shape: axesOf(c, order, input.length).map((axis) => input[axis]!) }];
}

function squeeze(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const given = c.moved('axes', 1, 13);
  const axes = given ? axesOf(c, given, input.length) : input.flatMap((d, i) => (d === 1 ? [i] : []));
  for (const axis of axes) c.check(input[axis] === 1, `Axis ${axis} has size ${input[axis]}, not 1`);
  return [{ dtype: c.dtype(0), shape: input.filter((_, i) => !axes.includes(i)) }];
}

function unsqueeze(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const given = c.moved('axes', 1, 13) ?? c.fail('The axes are missing');
  const rank = input.length + given.length;
  c.check(rank <= limits.rank, `The output would have ${rank} axes`);
  const axes = axesOf(c, given, rank);
  const rest = [...input];
  return [
    {
      dtype: c.dtype(0),
      shape: Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!)),
    },
  ];
}

function flatten(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const given = c.int('axis', 1);
  const axis = given === input.length ? given : axisOf(c, given, input.length);
  return [{ dtype: c.dtype(0), shape: [productOf(input, 0, axis), productOf(input, axis)] }];
}

/** First index, count and step of each axis of a Slice, by numpy's rules (ONNX Slice-13). */
export function sliceExtent(
  size: number,
  start: number,
  end: number,
  step: number,
): { first: number; count: number } {
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  if (step > 0) {
    const first = clamp(from, 0, size);
    return { first, count: Math.max(0, Math.ceil((clamp(to, 0, size) - first) / step)) };
  }
  const first = clamp(from, 0, size - 1);
  return { first, count: Math.max(0, Math.ceil((clamp(to, -1, size - 1) - first) / step)) };
}

function slice(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const starts = c.moved('starts', 1, 10) ?? c.fail('The starts are missing');
  const ends = c.moved('ends', 2, 10) ?? c.fail('The ends are missing');
  const axes = axesOf(c, c.moved('axes', 3, 10) ?? starts.map((_, i) => i), input.length);
  const steps = (c.opset >= 10 ? c.optionalValues(4, 'steps') : undefined) ?? starts.map(() => 1);
  const equal = [ends, axes, steps].every((list) => list.length === starts.length);
  c.check(equal, 'starts, ends, axes and steps differ in length');
  const sizes: Record<number, number> = {};
  for (const [k, axis] of axes.entries()) {
    c.check(steps[k] !== 0, 'A step is 0');
    sizes[axis] = sliceExtent(input[axis]!, starts[k]!, ends[k]!, steps[k]!).count;
  }
  return [{ dtype: c.dtype(0), shape: withSizes(input, sizes) }];
}

function concat(c: InferContext): TensorType[] {
  const parts = c.rest(0);
  const first = parts[0] ?? c.fail('No inputs');
  const axis = axisOf(c, c.requiredInt('axis'), first.shape.length);
  let size = 0;
  for (const { dtype, shape } of parts) {
    c.check(dtype === first.dtype, `The inputs differ in element type: ${first.dtype} and ${dtype}`);
    const fits =
      shape.length === first.shape.length && shape.every((d, i) => i === axis || d === first.shape[i]);
    c.check(fits, `The inputs differ outside axis ${axis}`);
    size += shape[axis]!;
  }
  return [{ dtype: first.dtype, shape: withSizes(first.shape, { [axis]: size }) }];
}

/** Sizes of the parts of a Split: given, or as equal as they can be with the last one smaller (Split-18). */
function split(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const axis = axisOf(c, c.int('axis', 0), input.length);
  const size = input[axis]!;
  const count = c.node.outputs.length;
  let sizes = c.moved('split', 1, 13, limits.nodes);
  if (sizes) {
    c.check(sizes.length === count, `${sizes.length} sizes for ${count} outputs`);
    c.check(
      sizes.every((d) => d >= 0) && sizeOf([sizes.reduce((a, d) => a + d, 0)]) === size,
      `The sizes [${sizes.join(', ')}] do not add up to ${size}`,
    );
  } else {
    const even = c.int('num_outputs', count) === count;
    c.check(even, `num_outputs is ${c.int('num_outputs', count)} with ${count} outputs`);
    c.check(size % count === 0 || c.opset >= 18, `${size} does not split into ${count} equal parts`);
    const part = Math.ceil(size / count);
    sizes = Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
  }
  return sizes.map((d) => ({ dtype: c.dtype(0), shape: withSizes(input, { [axis]: d }) }));
}

function pad(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const pads = c.moved('pads', 1, 11) ?? c.fail('The pads are missing');
  const axes = axesOf(c, c.optionalValues(3, 'axes') ?? input.map((_, i) => i), input.length);
  c.check(pads.length === 2 * axes.length, `${pads.length} pads for ${axes.length} axes`);
  const sizes: Record<number, number> = {};
  for (const [k, axis] of axes.entries()) {
    const size = input[axis]! + pads[k]! + pads[axes.length + k]!;
    c.check(size >= 0, `The pads cut more than axis ${axis} holds`);
    sizes[axis] = size;
  }
  return [{ dtype: c.dtype(0), shape: withSizes(input, sizes) }];
}

function expand(c: InferContext): TensorType[] {
  return [{ dtype: c.dtype(0), shape: broadcast(c, [c.shape(0), c.values(1, 'shape')]) }];
}

function tile(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const repeats = c.values(1, 'repeats');
  c.check(repeats.length === input.length && repeats.every((r) => r >= 0), 'The repeats do not fit the rank');
  return [{ dtype: c.dtype(0), shape: input.map((d, i) => d * repeats[i]!) }];
}

/** Depth to space (`up`) and back; images are [N, C, H, W]. */
function blocks(c: InferContext, up: boolean): TensorType[] {
  const input = c.shape(0);
  c.check(input.length === 4, 'The input is not [N, C, H, W]');
  const [n, channels, h, w] = input as [number, number, number, number];
  const b = c.requiredInt('blocksize');
  c.check(b > 0, 'The block size is not positive');
  if (up) {
    c.check(channels % (b * b) === 0, `${channels} channels do not divide by ${b * b}`);
    return [{ dtype: c.dtype(0), shape: [n, channels / (b * b), h * b, w * b] }];
  }
  c.check(h % b === 0 && w % b === 0, `Height and width do not divide by ${b}`);
  return [{ dtype: c.dtype(0), shape: [n, channels * b * b, h / b, w / b] }];
}

function centerCropPad(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const axes = axesOf(c, c.ints('axes') ?? input.map((_, i) => i), input.length);
  const wanted = c.values(1, 'shape');
  c.check(wanted.length === axes.length, `${wanted.length} sizes for ${axes.length} axes`);
  return [
    { dtype: c.dtype(0), shape: withSizes(input, Object.fromEntries(axes.map((a, k) => [a, wanted[k]!]))) },
  ];
}

export const movement: InferTable = {
  CenterCropPad: centerCropPad,
  Concat: concat,
  DepthToSpace: (c) => blocks(c, true),
  Expand: expand,
  Flatten: flatten,
  Pad: pad,
  Reshape: reshape,
  ReverseSequence: (c) => [c.type(0)],
  Slice: slice,
  SpaceToDepth: (c) => blocks(c, false),
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Trilu: (c) => [c.type(0)],
  Unsqueeze: unsqueeze,
};
