import { sizeOf, widthOf } from './data-types.ts';
import type { TensorType, TypedGraph } from './model.ts';

/** Operators whose output is their first input under another shape: runtimes share the memory. */
const views = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity']);

export interface Liveness {
  /** Largest sum of bytes of inner values and outputs alive at once, running the nodes in their order. */
  peakBytes: number;
  /** Index of the node while which the peak is reached; -1 for a graph without nodes. */
  peakNode: number;
  /** The largest single inner value, bytes. */
  largestBytes: number;
  largestValue: string;
}

/** Bytes of a value of this type. */
export const bytesOfType = ({ dtype, shape }: TensorType): number => sizeOf(shape) * widthOf(dtype);

/**
 * How much memory the inner values of a graph take, when each lives from its node to its last use. Inputs and
 * initialisers are not counted; outputs live to the end. A node's outputs and inputs are alive together.
 */
export function liveness(graph: TypedGraph): Liveness {
  const owner = new Map<string, string>();
  const ownerOf = (name: string) => owner.get(name) ?? name;
  const outside = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  const lastUse = new Map<string, number>();
  for (const [i, node] of graph.nodes.entries()) {
    const [output] = node.outputs;
    const [data] = node.inputs;
    if (views.has(node.op) && output && data && !outside.has(ownerOf(data))) owner.set(output, ownerOf(data));
    for (const name of [...node.inputs, ...node.outputs]) if (name !== '') lastUse.set(ownerOf(name), i);
  }
  for (const output of graph.outputs) lastUse.set(ownerOf(output.name), Number.POSITIVE_INFINITY);

  const dying = new Map<number, string[]>();
  for (const [name, at] of lastUse) {
    const list = dying.get(at);
    if (list) list.push(name);
    else dying.set(at, [name]);
  }
  const sizes = new Map<string, number>();
  const result: Liveness = { peakBytes: 0, peakNode: -1, largestBytes: 0, largestValue: '' };
  let alive = 0;
  for (const [i, node] of graph.nodes.entries()) {
    for (const output of node.outputs) {
      if (output === '' || owner.has(output)) continue;
      const type = graph.types.get(output);
      const bytes = type ? bytesOfType(type) : 0;
      sizes.set(output, bytes);
      alive += bytes;
      if (bytes > result.largestBytes) Object.assign(result, { largestBytes: bytes, largestValue: output });
    }
    if (alive > result.peakBytes) Object.assign(result, { peakBytes: alive, peakNode: i });
    for (const name of dying.get(i) ?? []) {
      alive -= sizes.get(name) ?? 0;
      sizes.delete(name);
    }
  }
  return result;
}
