import { sizeOf } from './data-types.ts';
import { bytesOfType } from './liveness.ts';
import type { Node, TypedGraph } from './model.ts';

/** What running a graph once asks of a machine. */
export interface GraphWork {
  /** Floating-point operations of matrix products: two for each multiply and add. */
  products: number;
  /** The same of convolutions, forward and backward. */
  convolutions: number;
  /** Bytes that all other nodes read and write. */
  moved: number;
  /** Nodes that compute something: views are free. */
  nodes: number;
}

const views = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Constant']);

/** Counts the work of a graph from its types alone. Weights and inputs may be absent. */
export function workOf(graph: TypedGraph): GraphWork {
  const work = { products: 0, convolutions: 0, moved: 0, nodes: 0 };
  for (const node of graph.nodes) {
    if (views.has(node.op)) continue;
    work.nodes++;
    const operations = operationsOf(node, graph);
    if (operations === undefined) work.moved += bytesAround(node, graph);
    else if (/^Conv/.test(node.op)) work.convolutions += operations;
    else work.products += operations;
  }
  return work;
}

function operationsOf(node: Node, graph: TypedGraph): number | undefined {
  const shape = (name: string | undefined) => (name ? graph.types.get(name)?.shape : undefined);
  const [a, b] = [shape(node.inputs[0]), shape(node.inputs[1])];
  const out = shape(node.outputs[0]);
  if (!a || !b || !out) return undefined;
  switch (node.op) {
    case 'MatMul':
      return 2 * sizeOf(out) * a.at(-1)!;
    case 'Gemm': {
      const transposed = node.attributes['transA'];
      return 2 * sizeOf(out) * (transposed?.type === 'int' && transposed.value ? a[0]! : a[1]!);
    }
    // Weights are [out, in / groups, ...kernel] and [in, out / groups, ...kernel].
    case 'Conv':
      return 2 * sizeOf(out) * sizeOf(b.slice(1));
    case 'ConvTranspose':
      return 2 * sizeOf(a) * sizeOf(b.slice(1));
    default:
      return undefined;
  }
}

function bytesAround(node: Node, graph: TypedGraph): number {
  let bytes = 0;
  for (const name of [...node.inputs, ...node.outputs]) {
    const type = graph.types.get(name);
    if (type) bytes += bytesOfType(type);
  }
  return bytes;
}
