import type { GraphBuilder } from '../onnx/builder.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { madeBy } from './producers.ts';

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
  const axes = from.flatMap((size, axis) =>
    axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return reshape(b, grad, shape);
  const keepdims = axes.length === lead && axes.every((axis) => axis < lead) ? 0 : 1;
  return reshape(b, b.op('ReduceSum', [grad, b.ints(axes)], { keepdims }), shape);
}

/**
 * Reshape to a static shape: the value itself when it already has it. A Reshape of a Reshape reads past the first,
 * and equal Reshapes of a graph are written once.
 */
export function reshape(b: GraphBuilder, value: string, shape: readonly number[]): string {
  const from = b.shape(value);
  if (from.length === shape.length && from.every((size, i) => size === shape[i])) return value;
  const inner = madeBy(b.graph, value, 'Reshape');
  if (inner) return reshape(b, inner.inputs[0]!, shape);
  const written = reshapesOf(b.graph);
  const key = `${shape.join()} ${value}`;
  const name = written.get(key) ?? b.op('Reshape', [value, b.ints(shape)]);
  written.set(key, name);
  return name;
}

const reshapes = new WeakMap<TypedGraph, Map<string, string>>();

function reshapesOf(graph: TypedGraph): Map<string, string> {
  let written = reshapes.get(graph);
  if (!written) {
    written = new Map();
    reshapes.set(graph, written);
  }
  return written;
}
