import type { InferContext } from './context.ts';

/** The shape that operands of these shapes broadcast to (numpy's rule, right-aligned). */
export function broadcast(c: InferContext, shapes: readonly (readonly number[])[]): number[] {
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const offset = rank - shape.length;
    for (const [k, d] of shape.entries()) {
      const known = result[offset + k]!;
      if (known === 1) result[offset + k] = d;
      else if (d !== 1 && d !== known) c.fail('The input shapes do not broadcast');
    }
  }
  return result;
}

/** An axis as a non-negative number below `rank`; negative axes count from the end. */
export function axisOf(c: InferContext, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank) c.fail(`Axis ${axis} is out of range for rank ${rank}`);
  return a;
}

/** Axes as non-negative numbers, none twice. */
export function axesOf(c: InferContext, axes: readonly number[], rank: number): number[] {
  const result = axes.map((axis) => axisOf(c, axis, rank));
  if (new Set(result).size !== result.length) c.fail(`Axes [${axes.join(', ')}] name an axis twice`);
  return result;
}

/** `shape` with the sizes at some axes replaced. */
export function withSizes(shape: readonly number[], sizes: Readonly<Record<number, number>>): number[] {
  return shape.map((d, i) => sizes[i] ?? d);
}

/** The product of dimensions from `start` up to but not including `end`. */
export function productOf(shape: readonly number[], start = 0, end = shape.length): number {
  let n = 1;
  for (let i = start; i < end; i++) n *= shape[i]!;
  return n;
}
