import type { GraphBuilder } from '../onnx/builder.ts';
import type { Node, TypedGraph } from '../onnx/model.ts';
import { reshape } from './unbroadcast.ts';

/**
 * Transposes as cheaply as the graph allows: nothing at all for the identity, a Reshape where only axes of size one
 * move, and one node where the value is itself a Transpose (none, when the two cancel). Transposes are among the
 * costliest nodes of a backward pass on WebGPU, so every rule goes through here.
 *
 * @param perm as ONNX has it: axis `i` of the result is axis `perm[i]` of the value
 */
export function transpose(b: GraphBuilder, value: string, perm: readonly number[]): string {
  const producer = producerOf(b.graph, value);
  if (producer?.op === 'Transpose' && producer.domain === '') {
    const source = producer.inputs[0]!;
    const rank = b.shape(source).length;
    const attribute = producer.attributes['perm'];
    const inner =
      attribute?.type === 'ints' ? attribute.value : Array.from({ length: rank }, (_, i) => rank - 1 - i);
    return transpose(
      b,
      source,
      perm.map((axis) => inner[axis]!),
    );
  }
  const shape = b.shape(value);
  const moved = perm.filter((axis) => shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)) {
    return reshape(
      b,
      value,
      perm.map((axis) => shape[axis]!),
    );
  }
  return b.op('Transpose', [value], { perm: [...perm] });
}

/** Exchanges the last two axes of a matrix or a stack of matrices. */
export function transposeMatrix(b: GraphBuilder, value: string): string {
  const rank = b.shape(value).length;
  return transpose(b, value, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

const indices = new WeakMap<TypedGraph, { read: number; producers: Map<string, Node> }>();

/** The node that makes a value. Graphs only grow while a gradient is built, so the index reads each node once. */
function producerOf(graph: TypedGraph, value: string): Node | undefined {
  let index = indices.get(graph);
  if (!index) {
    index = { read: 0, producers: new Map() };
    indices.set(graph, index);
  }
  for (; index.read < graph.nodes.length; index.read++) {
    const node = graph.nodes[index.read]!;
    for (const output of node.outputs) index.producers.set(output, node);
  }
  return index.producers.get(value);
}
