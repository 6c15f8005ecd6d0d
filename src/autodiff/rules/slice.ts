import type { GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import type { RuleContext } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { axisOf, filled, padded, paddedAxis, part, reversed } from './expressions.ts';

/** What a Slice takes of one axis: `count` elements, the lowest at `low`, `stride` apart, perhaps backwards. */
interface Range {
  axis: number;
  low: number;
  count: number;
  stride: number;
  backwards: boolean;
}

/**
 * The gradient of a Slice: its elements put back where they came from, zeros elsewhere. Reversed axes are turned
 * round, strided ones spread out, and one Pad does the rest.
 */
export function unslice(c: RuleContext): string {
  const { b } = c;
  const shape = c.shape(0);
  const ranges = rangesOf(c, shape);
  if (ranges.some(({ count }) => count === 0)) return filled(b, 0, b.dtype(c.grad), shape);
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  let grad = c.grad;
  for (const { axis, low, stride, backwards } of ranges) {
    if (backwards) grad = reversed(b, grad, axis);
    if (stride > 1) grad = spread(b, grad, axis, stride);
    const room = shape[axis]! - low;
    grad = part(b, grad, axis, 0, Math.min(room, b.shape(grad)[axis]!));
    before[axis] = low;
    after[axis] = room - b.shape(grad)[axis]!;
  }
  return padded(b, grad, before, after);
}

/** Puts `stride - 1` zeros behind each element of an axis. */
function spread(b: GraphBuilder, x: string, axis: number, stride: number): string {
  const shape = b.shape(x);
  if (shape[axis] === 1) return x;
  const inner = sizeOf(shape.slice(axis + 1));
  const single = reshape(b, x, [sizeOf(shape) / inner, 1, inner]);
  return reshape(b, paddedAxis(b, single, 1, 0, stride - 1), shape.with(axis, shape[axis]! * stride));
}

/** The constant ranges of a Slice, clamped as the operator's definition says. */
function rangesOf(c: RuleContext, shape: readonly number[]): Range[] {
  const starts = c.ints(1);
  const ends = c.ints(2);
  const axes = c.inputs[3] ? c.ints(3) : starts.map((_, i) => i);
  const steps = c.inputs[4] ? c.ints(4) : starts.map(() => 1);
  return axes.map((given, i) => {
    const axis = axisOf(given, shape.length);
    const size = shape[axis]!;
    const step = steps[i]!;
    const stride = Math.abs(step);
    const fromEnd = (index: number) => (index < 0 ? index + size : index);
    const clamp = (index: number, low: number, high: number) => Math.min(Math.max(index, low), high);
    const backwards = step < 0;
    const start = clamp(fromEnd(starts[i]!), 0, backwards ? size - 1 : size);
    const end = clamp(fromEnd(ends[i]!), backwards ? -1 : 0, backwards ? size - 1 : size);
    const count = Math.max(0, Math.ceil((end - start) / step));
    return { axis, low: backwards ? start - (count - 1) * stride : start, count, stride, backwards };
  });
}
