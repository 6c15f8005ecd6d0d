import { MalformedModelError } from './errors.ts';
import type { Graph, Model, Node } from './model.ts';
import { mapSubgraphs, readsOf } from './subgraphs.ts';

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
  const graph = new Orderer(file, opsets, false).graph(model.graph);
  const functions = model.functions.map((fn) => {
    const own = new Map(fn.opsets);
    const names = { inputs: fn.inputs, initializers: [], outputs: fn.outputs };
    return { ...fn, nodes: new Orderer(file, own, true).nodes(fn.nodes, names), opsets: own };
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
  readonly #inFunction: boolean;
  /** Names that can be read where the walk stands: of this graph and of those around it. */
  readonly #scope = new Set<string>();

  constructor(file: string, opsets: Map<string, number>, inFunction: boolean) {
    this.#file = file;
    this.#opsets = opsets;
    this.#inFunction = inFunction;
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
      this.#checkReferences(node);
      for (const name of node.inputs) if (name !== '') this.#checkMade(name, node);
      ordered.push(mapSubgraphs(node, (graph) => this.graph(graph)));
      for (const name of node.outputs) if (name !== '') define(name, node.name);
    }
    if (new Set(boundary.outputs).size !== boundary.outputs.length) {
      throw new MalformedModelError('A value is declared twice as an output', { file: this.#file });
    }
    for (const name of boundary.outputs) this.#checkMade(name);
    for (const name of own) this.#scope.delete(name);
    return ordered;
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

  /** Only a function has a caller whose attributes it could refer to. */
  #checkReferences(node: Node): void {
    if (this.#inFunction || !Object.values(node.attributes).some(({ type }) => type === 'reference')) return;
    throw new MalformedModelError('A node outside any function refers to an attribute of its caller', {
      file: this.#file,
      node: node.name,
      op: node.op,
    });
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

/** Nodes in topological order; a list that is in order already comes back as it is. */
function sort(nodes: readonly Node[], file: string): readonly Node[] {
  const makers = new Map<string, number>();
  for (const [i, node] of nodes.entries())
    for (const name of node.outputs) if (name !== '') makers.set(name, i);
  const inOrder = nodes.every((node, i) => readsOf(node).every((name) => (makers.get(name) ?? -1) < i));
  if (inOrder) return nodes;

  const needs = nodes.map((node) => [
    ...new Set(
      readsOf(node)
        .map((name) => makers.get(name))
        .filter((i) => i !== undefined),
    ),
  ]);
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
