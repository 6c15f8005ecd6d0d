import type { Attribute, Graph, Node } from './model.ts';

/** The graphs among a node's attributes. */
export function subgraphsOf(node: Node): Graph[] {
  const graphs: Graph[] = [];
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.type === 'graph') graphs.push(attribute.value);
    else if (attribute.type === 'graphs') graphs.push(...attribute.value);
  }
  return graphs;
}

/** Names that a graph reads but does not make: it takes them from the graphs around it. */
function capturesOf(graph: Graph): Set<string> {
  const made = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const name of node.outputs) made.add(name);
  const captured = new Set<string>();
  const read = (name: string) => {
    if (name !== '' && !made.has(name)) captured.add(name);
  };
  for (const node of graph.nodes) for (const name of readsOf(node)) read(name);
  for (const { name } of graph.outputs) read(name);
  return captured;
}

/** Names that a node reads, its subgraphs included. */
export function readsOf(node: Node): readonly string[] {
  const graphs = subgraphsOf(node);
  return graphs.length === 0
    ? node.inputs
    : [...node.inputs, ...graphs.flatMap((graph) => [...capturesOf(graph)])];
}

/** A node with each of its subgraphs replaced. */
export function mapSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  const entries = Object.entries(node.attributes);
  if (!entries.some(([, { type }]) => type === 'graph' || type === 'graphs')) return node;
  const attributes = entries.map(([name, attribute]): [string, Attribute] => {
    if (attribute.type === 'graph') return [name, { ...attribute, value: change(attribute.value) }];
    if (attribute.type === 'graphs') return [name, { ...attribute, value: attribute.value.map(change) }];
    return [name, attribute];
  });
  return { ...node, attributes: Object.fromEntries(attributes) };
}
