import { MalformedModelError } from './errors.ts';
import type { Graph, Model, Node } from './model.ts';

/** Domains that writers use without importing them. */
const implied = new Map([
  ['com.microsoft', 1],
  ['com.microsoft.nchwc', 1],
]);

/**
 * Checks the names of a decoded model and brings the nodes of every graph into topological order.
 *
 * @throws MalformedModelError where a name is made twice or never, where nodes form a cycle, or where the operator
 * set of a node is not imported.
 */
export function orderModel(model: Model, file: string): Model {
  const known = new Set<string>();
  for (const { domain, name } of model.functions) {
    const key = `${domain}:${name}`;
    if (known.has(key))
      throw new MalformedModelError(`The function ${domain}.${name} is defined twice`, { file });
    known.add(key);
  }
  const opsets = new Map(model.opsets);
  // Files of IR version 1 and 2 have no imports and mean the first version of the standard operators.
  if (opsets.size === 0 && model.irVersion < 3) opsets.set('', 1);
  const graph = new Orderer(file, opsets).graph(model.graph);
  const functions = model.functions.map((fn) => {
    const own = new Map(fn.opsets);
    const names = { inputs: fn.inputs, initializers: [], outputs: fn.outputs };
    return { ...fn, nodes: new Orderer(file, own).nodes(fn.nodes, names), opsets: own };
  });
  return { ...model, opsets, graph, functions };
}

/** Names that a list of nodes starts from and must make. */
interface Boundary {
  readonly inputs: readonly string[];
  readonly initializers: Iterable<string>;
  readonly outputs: readonly string[];
}

class Orderer {
  readonly #file: string;
  readonly #opsets: Map<string, number>;
  /** Names that can be read where the walk stands: of this graph and of those around it. */
  readonly #scope = new Set<string>();

  constructor(file: string, opsets: Map<string, number>) {
    this.#file = file;
    this.#opsets = opsets;
  }

  graph(graph: Graph): Graph {
    const nodes = this.nodes(graph.nodes, {
      inputs: graph.inputs.map(({ name }) => name),
      initializers: graph.initializers.keys(),
      outputs: graph.outputs.map(({ name }) => name),
    });
    return { ...graph, nodes };
  }

  nodes(nodes: readonly Node[], boundary: Boundary): Node[] {
    const own: string[] = [];
    const define = (name: string, node?: string) => {
      if (this.#scope.has(name)) {
        throw new MalformedModelError('A value is made twice', {
          file: this.#file,
          value: name,
          ...(node === undefined ? {} : { node }),
        });
      }
      this.#scope.add(name);
      own.push(name);
    };
    for (const name of boundary.inputs) define(name);
    for (const name of boundary.initializers) define(name);

    const ordered: Node[] = [];
    for (const node of sort(nodes, this.#file)) {
      this.#checkDomain(node);
      for (const name of node.inputs) if (name !== '') this.#checkMade(name, node);
      ordered.push(this.#withOrderedSubgraphs(node));
      for (const name of node.outputs) if (name !== '') define(name, node.name);
    }
    if (new Set(boundary.outputs).size !== boundary.outputs.length) {
      throw new MalformedModelError('A value is declared twice as an output', { file: this.#file });
    }
    for (const name of boundary.outputs) this.#checkMade(name);
    for (const name of own) this.#scope.delete(name);
    return ordered;
  }

  #withOrderedSubgraphs(node: Node): Node {
    if (!subgraphsOf(node).length) return node;
    const attributes = Object.entries(node.attributes).map(([name, attribute]) => {
      if (attribute.type === 'graph')
        return [name, { ...attribute, value: this.graph(attribute.value) }] as const;
      if (attribute.type !== 'graphs') return [name, attribute] as const;
      return [name, { ...attribute, value: attribute.value.map((graph) => this.graph(graph)) }] as const;
    });
    return { ...node, attributes: Object.fromEntries(attributes) };
  }

  #checkMade(name: string, node?: Node): void {
    if (this.#scope.has(name)) return;
    throw new MalformedModelError(
      node ? 'A node reads a value that nothing makes' : 'Nothing makes an output',
      {
        file: this.#file,
        ...(node ? { node: node.name, op: node.op } : {}),
        value: name,
      },
    );
  }

  #checkDomain(node: Node): void {
    if (this.#opsets.has(node.domain)) return;
    const version = implied.get(node.domain);
    if (version === undefined) {
      throw new MalformedModelError(
        `The model uses the operator domain "${node.domain}" without importing it`,
        { file: this.#file, node: node.name, op: node.op },
      );
    }
    this.#opsets.set(node.domain, version);
  }
}

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
export function capturesOf(graph: Graph): Set<string> {
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
export function readsOf(node: Node): string[] {
  return [...node.inputs, ...subgraphsOf(node).flatMap((graph) => [...capturesOf(graph)])];
}

/** Nodes in topological order; a list that is in order already comes back as it is. */
function sort(nodes: readonly Node[], file: string): readonly Node[] {
  const makers = new Map<string, number>();
  for (const [i, node] of nodes.entries())
    for (const name of node.outputs) if (name !== '') makers.set(name, i);
  const needs = nodes.map((node) =>
    readsOf(node)
      .map((name) => makers.get(name))
      .filter((i) => i !== undefined),
  );
  if (needs.every((before, i) => before.every((j) => j < i))) return nodes;

  // Depth first along what is needed, with a stack of our own: graphs are deeper than the call stack.
  const ordered: Node[] = [];
  const state = new Uint8Array(nodes.length);
  const [open, done] = [1, 2];
  for (const [start] of nodes.entries()) {
    const stack = [start];
    while (stack.length > 0) {
      const i = stack.at(-1)!;
      if (state[i] === 0) {
        state[i] = open;
        for (const j of needs[i]!.toReversed()) {
          if (state[j] === open) throw cycle(nodes[j]!, file);
          if (state[j] === 0) stack.push(j);
        }
      } else {
        stack.pop();
        if (state[i] === done) continue;
        state[i] = done;
        ordered.push(nodes[i]!);
      }
    }
  }
  return ordered;
}

const cycle = (node: Node, file: string) =>
  new MalformedModelError('The graph has a cycle', { file, node: node.name, op: node.op });
