import type { GraphBuilder } from '../onnx/builder.ts';

/**
 * Sums a gradient over the axes along which its value was broadcast, back to the value's own shape
 * (numpy broadcasting: missing leading axes and axes of size one). The only place where broadcasting is undone.
 *
 * @param grad name of a gradient of the broadcast shape
 * @param shape the shape to return to
 */
export function unbroadcast(b: GraphBuilder, grad: string, shape: readonly number[]): string {
  const from = b.shape(grad);
  const lead = from.length - shape.length;
  const axes = from.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  const summed = axes.length === 0 ? grad : b.op('ReduceSum', [grad, b.ints(axes)], { keepdims: 1 });
  return reshape(b, summed, shape);
}

/** Reshape to a static shape; the value itself when it already has it. */
export function reshape(b: GraphBuilder, value: string, shape: readonly number[]): string {
  const from = b.shape(value);
  if (from.length === shape.length && from.every((size, i) => size === shape[i])) return value;
  return b.op('Reshape', [value, b.ints(shape)]);
}
