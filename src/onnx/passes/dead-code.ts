import type { Graph, Node, TypedGraph } from '../model.ts';
import { readsOf } from '../subgraphs.ts';

/** Operators whose outputs after the first may be left out, so that unused ones need not be computed. */
const optionalOutputs = new Set([
  'Attention',
  'BatchNormalization',
  'Dropout',
  'LayerNormalization',
  'MaxPool',
  'MultiHeadAttention',
  'SkipGroupNorm',
  'SimplifiedLayerNormalization',
  'SkipLayerNormalization',
  'SkipSimplifiedLayerNormalization',
]);

/**
 * Removes the nodes and initialisers that neither an output of the graph nor a value in `keep` depends on, and the
 * optional outputs that nothing reads. Declared inputs stay.
 */
export function removeDeadCode<G extends Graph>(graph: G, keep: Iterable<string> = []): G {
  const needed = new Set([...graph.outputs.map((output) => output.name), ...keep]);
  const nodes: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.push(optionalOutputs.has(node.op) ? withoutUnused(node, needed) : node);
    for (const name of readsOf(node)) needed.add(name);
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
  };
}

/** {@link removeDeadCode} for typed graphs: forgets the types of what went. */
export function removeDeadValues(graph: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  const lean = removeDeadCode(graph, keep);
  const alive = new Set([...lean.inputs.map((input) => input.name), ...lean.initializers.keys()]);
  for (const node of lean.nodes) for (const name of node.outputs) alive.add(name);
  return { ...lean, types: new Map([...graph.types].filter(([name]) => alive.has(name))) };
}

function withoutUnused(node: Node, needed: ReadonlySet<string>): Node {
  const outputs = node.outputs.map((name, i) => (i === 0 || needed.has(name) ? name : ''));
  while (outputs.length > 1 && outputs.at(-1) === '') outputs.pop();
  return outputs.join() === node.outputs.join() ? node : { ...node, outputs };
}
