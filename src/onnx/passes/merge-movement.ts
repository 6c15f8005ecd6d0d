import { intsAttribute } from '../attributes.ts';
import type { Node, TypedGraph } from '../model.ts';
import { type GraphView, rewriteNodes } from './rewrite.ts';

/** Operators that only give their first input another shape. */
const views = ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'];

/** Joins a reshape of a reshape into one, and a transpose of a transpose likewise. */
export function mergeMovement(graph: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  return rewriteNodes(graph, keep, (view) => (node, b) => {
    if (node.domain !== '') return undefined;
    if (views.includes(node.op)) {
      const source = reshapedFrom(node.inputs[0]!, view);
      if (source === node.inputs[0]) return undefined;
      const shape = view.type(node.outputs[0]!)!.shape;
      return [{ ...node, op: 'Reshape', inputs: [source, b.ints(shape)], attributes: allowZero(shape) }];
    }
    return node.op === 'Transpose' ? merged(node, view) : undefined;
  });
}

function reshapedFrom(name: string, view: GraphView): string {
  let source = name;
  for (let node = view.producer(source, ...views); node; node = view.producer(source, ...views))
    source = node.inputs[0]!;
  return source;
}

/** A size of 0 in a shape means "as in the input" unless this says otherwise. */
const allowZero = (shape: readonly number[]): Node['attributes'] =>
  shape.includes(0) ? { allowzero: { type: 'int', value: 1 } } : {};

function merged(node: Node, view: GraphView): Node[] | undefined {
  const [input] = node.inputs as [string];
  const first = view.producer(input, 'Transpose');
  if (!first) return undefined;
  const [before, after] = [orderOf(first, view), orderOf(node, view)];
  const order = after.map((axis) => before[axis]!);
  return [{ ...node, inputs: [first.inputs[0]!], attributes: { perm: { type: 'ints', value: order } } }];
}

function orderOf(node: Node, view: GraphView): readonly number[] {
  const rank = view.type(node.inputs[0]!)!.shape.length;
  return intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}
