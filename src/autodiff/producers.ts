import type { Node, TypedGraph } from '../onnx/model.ts';

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

/** {@link producerOf}, when it is a standard operator of the given name. */
export function madeBy(graph: TypedGraph, value: string, op: string): Node | undefined {
  const node = producerOf(graph, value);
  return node?.op === op && node.domain === '' ? node : undefined;
}
