import { intAttribute } from '../attributes.ts';
import type { GraphBuilder } from '../builder.ts';
import { sizeOf } from '../data-types.ts';
import type { Node, TypedGraph } from '../model.ts';
import { type GraphView, rewriteNodes } from './rewrite.ts';

/** A node that takes positions `start` to `end` of one axis; a Gather of one position also drops the axis. */
interface Part {
  readonly node: Node;
  readonly input: string;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Joins the Slices, or Gathers of single positions, that together cut a value into all its parts along one axis into
 * one Split. Exporters cut this way where a model has `chunk` or `unbind` (gated activations, joint query, key and
 * value); the derivative of a Split is one Concat, where that of each part alone is a padded tensor to be summed.
 */
export function mergeParts(graph: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  return rewriteNodes(graph, keep, (view) => {
    const groups = groupsOf(graph, view);
    const order = new Map(graph.nodes.map((node, i) => [node, i]));
    const first = new Map(groups.map((parts) => [firstOf(parts, order), parts]));
    const others = new Set(groups.flatMap((parts) => parts.map((part) => part.node)));
    return (node, b) => {
      const parts = first.get(node);
      if (parts) return splitInto(parts, b);
      return others.has(node) ? [] : undefined;
    };
  });
}

/** Complete sets of parts, each in the order of its axis. */
function groupsOf(graph: TypedGraph, view: GraphView): Part[][] {
  const byAxis = new Map<string, Part[]>();
  for (const node of graph.nodes) {
    const part = partOf(node, view);
    if (!part) continue;
    const key = JSON.stringify([part.input, part.axis]);
    const parts = byAxis.get(key);
    if (parts) parts.push(part);
    else byAxis.set(key, [part]);
  }
  return [...byAxis.values()].flatMap((parts) => {
    const sorted = parts.toSorted((a, b) => a.start - b.start);
    const size = view.type(sorted[0]!.input)!.shape[sorted[0]!.axis];
    const joined = sorted.every((part, i) => part.start === (i === 0 ? 0 : sorted[i - 1]!.end));
    return sorted.length > 1 && joined && sorted.at(-1)!.end === size ? [sorted] : [];
  });
}

function partOf(node: Node, view: GraphView): Part | undefined {
  const input = node.inputs[0] ?? '';
  const shape = view.type(input)?.shape;
  if (node.domain !== '' || !shape) return undefined;
  if (node.op === 'Slice') return sliced(node, input, shape, view);
  return node.op === 'Gather' ? gathered(node, input, shape, view) : undefined;
}

function sliced(node: Node, input: string, shape: readonly number[], view: GraphView): Part | undefined {
  const list = (i: number) => (node.inputs[i] ? view.values(node.inputs[i]) : undefined);
  const [starts, ends, axes, steps] = [list(1), list(2), list(3) ?? [0], list(4) ?? [1]];
  if (starts?.length !== 1 || ends?.length !== 1 || axes.length !== 1 || steps[0] !== 1) return undefined;
  const axis = axes[0]! < 0 ? axes[0]! + shape.length : axes[0]!;
  const at = (x: number) => Math.min(Math.max(x < 0 ? x + shape[axis]! : x, 0), shape[axis]!);
  const [start, end] = [at(starts[0]!), at(ends[0]!)];
  return end > start ? { node, input, axis, start, end } : undefined;
}

function gathered(node: Node, input: string, shape: readonly number[], view: GraphView): Part | undefined {
  const indices = node.inputs[1] ?? '';
  const index = view.scalar(indices);
  if (index === undefined || view.type(indices)?.shape.length !== 0) return undefined;
  const given = intAttribute(node, 'axis', 0);
  const axis = given < 0 ? given + shape.length : given;
  const start = index < 0 ? index + shape[axis]! : index;
  return { node, input, axis, start, end: start + 1 };
}

/** The part that comes first in the graph. */
function firstOf(parts: readonly Part[], order: ReadonlyMap<Node, number>): Node {
  return parts.reduce(
    (first, { node }) => (order.get(node)! < order.get(first)! ? node : first),
    parts[0]!.node,
  );
}

function splitInto(parts: readonly Part[], b: GraphBuilder): Node[] {
  const { input, axis } = parts[0]!;
  const names = parts.map(({ node }) => (node.op === 'Slice' ? node.outputs[0]! : b.fresh('part')));
  const split: Node = {
    name: b.fresh('split'),
    op: 'Split',
    domain: '',
    inputs: [input, b.ints(parts.map(({ start, end }) => end - start))],
    outputs: names,
    attributes: { axis: { type: 'int', value: axis } },
  };
  const dropped = parts.flatMap(({ node }, i): Node[] => {
    if (node.op === 'Slice') return [];
    const shape = b.shape(input).toSpliced(axis, 1);
    const allowzero = sizeOf(shape) === 0 ? { allowzero: { type: 'int', value: 1 } as const } : {};
    return [{ ...node, op: 'Reshape', inputs: [names[i]!, b.ints(shape)], attributes: allowzero }];
  });
  return [split, ...dropped];
}
