import { GraphBuilder } from '../builder.ts';
import { sizeOf } from '../data-types.ts';
import type { Node, TensorType, TypedGraph } from '../model.ts';
import { valuesOf } from '../tensors.ts';
import { removeDeadValues } from './dead-code.ts';

/** Who makes and who reads each value of a graph, for recognising patterns. */
export class GraphView {
  readonly graph: TypedGraph;
  readonly #producers = new Map<string, Node>();
  readonly #consumers = new Map<string, Node[]>();
  readonly #fixed: Set<string>;

  constructor(graph: TypedGraph, keep: Iterable<string> = []) {
    this.graph = graph;
    this.#fixed = new Set([...graph.outputs.map((output) => output.name), ...keep]);
    for (const node of graph.nodes) {
      for (const name of node.outputs) if (name !== '') this.#producers.set(name, node);
      for (const name of new Set(node.inputs)) {
        const readers = this.#consumers.get(name);
        if (readers) readers.push(node);
        else this.#consumers.set(name, [node]);
      }
    }
  }

  /** Whether a value must stay: an output of the graph, or one that was asked for. */
  isFixed(name: string): boolean {
    return this.#fixed.has(name);
  }

  /** The node that makes a value, when it is of one of these standard operators. */
  producer(name: string, ...ops: string[]): Node | undefined {
    const node = this.#producers.get(name);
    return node && node.domain === '' && (ops.length === 0 || ops.includes(node.op)) ? node : undefined;
  }

  /** The only node that reads a value, unless the value must stay anyway. */
  soleConsumer(name: string, ...ops: string[]): Node | undefined {
    const readers = this.#consumers.get(name);
    if (readers?.length !== 1 || this.isFixed(name)) return undefined;
    const [node] = readers;
    return node?.domain === '' && ops.includes(node.op) ? node : undefined;
  }

  type(name: string): TensorType | undefined {
    return this.graph.types.get(name);
  }

  /** The number in a constant of one element. */
  scalar(name: string): number | undefined {
    const tensor = this.graph.initializers.get(name);
    if (tensor?.data.kind !== 'bytes' || sizeOf(tensor.shape) !== 1) return undefined;
    return valuesOf(tensor)[0];
  }

  /** The elements of a constant in memory. */
  values(name: string): number[] | undefined {
    const tensor = this.graph.initializers.get(name);
    return tensor?.data.kind === 'bytes' ? valuesOf(tensor) : undefined;
  }
}

/**
 * Nodes to put in place of one, making its outputs under their names unless nothing needs them any more; undefined to
 * leave it. Constants may be made with the builder; nodes may not.
 */
export type RewriteRule = (node: Node, b: GraphBuilder) => Node[] | undefined;

/** Applies a rule to every node, types what is new and removes what nothing reads any more. */
export function rewriteNodes(
  graph: TypedGraph,
  keep: Iterable<string>,
  prepare: (view: GraphView) => RewriteRule,
): TypedGraph {
  const kept = [...keep];
  const rule = prepare(new GraphView(graph, kept));
  const types = new Map(graph.types);
  const target: TypedGraph = { ...graph, nodes: [], initializers: new Map(graph.initializers), types };
  const b = new GraphBuilder(target, prefixOf(graph));
  let changed = false;
  for (const node of graph.nodes) {
    const replacement = rule(node, b);
    if (!replacement) {
      target.nodes.push(node);
      continue;
    }
    changed = true;
    for (const name of replacement.flatMap((made) => made.outputs)) types.delete(name);
    for (const made of replacement) b.append(made);
  }
  return changed ? removeDeadValues(target, kept) : graph;
}

/** New values share a prefix that no value of the graph begins with. */
function prefixOf(graph: TypedGraph): string {
  const used = new Set<string>();
  for (const name of graph.types.keys())
    if (name.startsWith('fused')) used.add(name.slice(0, name.indexOf('/') + 1));
  let prefix = 'fused/';
  for (let i = 2; used.has(prefix); i++) prefix = `fused${i}/`;
  return prefix;
}

/** Whether two numbers are equal as far as a half-precision constant can tell. */
export const nearly = (a: number | undefined, b: number): boolean =>
  a !== undefined && Math.abs(a - b) <= 2e-3 * Math.abs(b);
