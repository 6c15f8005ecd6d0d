import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { limits } from './limits.ts';
import type { Attribute, Graph, Model, ModelFunction, Node, ValueInfo } from './model.ts';
import { mapSubgraphs, subgraphsOf } from './subgraphs.ts';

/** How deep functions may call one another. */
const deepest = 64;

/**
 * Replaces every call of a model-local function by the function's nodes, in subgraphs too. Inner values and nodes get
 * new names that begin with the call's; attributes that a function passes on are filled in from the call or from the
 * function's defaults. The result has no functions.
 *
 * @throws MalformedModelError where functions call themselves; UnsupportedModelError where a function is written in
 * another version of an operator set than the model, or where the calls unfold into too many nodes.
 */
export function inlineFunctions(model: Model): Model {
  if (model.functions.length === 0) return model;
  const inliner = new Inliner(model);
  const graph = inliner.graph(model.graph);
  const opsets = new Map(inliner.opsets);
  const used = domainsOf(graph);
  for (const { domain } of model.functions) if (!used.has(domain)) opsets.delete(domain);
  return { ...model, graph, opsets, functions: [] };
}

const keyOf = (domain: string, name: string): string => `${domain}:${name}`;

/** What the names and the attributes of a function stand for in one call. */
interface Call {
  readonly prefix: string;
  readonly node: Node;
  readonly fn: ModelFunction;
  /** Actual names by the function's own. */
  readonly names: Map<string, string>;
}

class Inliner {
  readonly opsets: Map<string, number>;
  readonly #functions: ReadonlyMap<string, ModelFunction>;
  /** Names of values and nodes that the model has already. */
  readonly #taken = new Set<string>();
  /** How often a name was wanted again. */
  readonly #repeats = new Map<string, number>();
  /** Functions that are being unfolded, outermost first. */
  readonly #calls: string[] = [];
  #count = 0;
  #nameLength = 0;

  constructor(model: Model) {
    this.opsets = new Map(model.opsets);
    this.#functions = new Map(model.functions.map((fn) => [keyOf(fn.domain, fn.name), fn]));
    this.#takeNames(model.graph);
  }

  graph(graph: Graph): Graph {
    return { ...graph, nodes: this.#nodes(graph.nodes) };
  }

  #nodes(nodes: readonly Node[]): Node[] {
    const inlined: Node[] = [];
    for (const node of nodes) {
      const fn = this.#functions.get(keyOf(node.domain, node.op));
      if (fn) {
        for (const inner of this.#unfold(node, fn)) inlined.push(inner);
        continue;
      }
      this.#count++;
      if (this.#count > limits.nodes) {
        throw new UnsupportedModelError(`The model's functions unfold into more than ${limits.nodes} nodes`);
      }
      inlined.push(mapSubgraphs(node, (graph) => this.graph(graph)));
    }
    return inlined;
  }

  #unfold(node: Node, fn: ModelFunction): Node[] {
    const key = keyOf(fn.domain, fn.name);
    const at = { node: node.name, op: node.op };
    if (this.#calls.includes(key)) throw new MalformedModelError(`The function ${fn.name} calls itself`, at);
    if (this.#calls.length >= deepest) {
      throw new UnsupportedModelError(`Functions call one another more than ${deepest} levels deep`, at);
    }
    if (node.inputs.length > fn.inputs.length || node.outputs.length > fn.outputs.length) {
      throw new MalformedModelError(`The function ${fn.name} is called with more values than it has`, at);
    }
    this.#spend();
    this.#importOpsets(fn, at);

    const names = new Map(fn.inputs.map((name, i) => [name, node.inputs[i] ?? '']));
    const call: Call = { prefix: `${node.name || node.outputs.find(Boolean) || fn.name}/`, node, fn, names };
    const passed: Node[] = [];
    for (const [i, name] of fn.outputs.entries()) {
      const actual = node.outputs[i] ?? '';
      if (actual === '') continue;
      const already = names.get(name);
      // An input that is handed through, or a value that is returned twice.
      if (already === undefined) names.set(name, actual);
      else passed.push(identity(this.#fresh(`${call.prefix}${name}`), already, actual));
    }
    this.#calls.push(key);
    const nodes = this.#nodes(fn.nodes.map((inner) => this.#bind(inner, call, names)));
    this.#calls.pop();
    return [...nodes, ...passed];
  }

  /** A node of a function's body with the names and attributes of one call. */
  #bind(node: Node, call: Call, names: Map<string, string>): Node {
    const inputs = node.inputs.map((name) => this.#actual(name, node, names));
    const attributes: [string, Attribute][] = [];
    for (const [name, attribute] of Object.entries(node.attributes)) {
      const value = attribute.type === 'reference' ? lookUp(attribute.value, call) : attribute;
      if (value) attributes.push([name, value]);
    }
    const bound = mapSubgraphs({ ...node, attributes: Object.fromEntries(attributes) }, (graph) =>
      this.#bindGraph(graph, call, names),
    );
    const outputs = node.outputs.map((name) => this.#define(name, call, names));
    return { ...bound, name: this.#fresh(`${call.prefix}${node.name || node.op}`), inputs, outputs };
  }

  #bindGraph(graph: Graph, call: Call, outer: ReadonlyMap<string, string>): Graph {
    const names = new Map(outer);
    const own = [...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()];
    for (const name of own) names.set(name, this.#fresh(`${call.prefix}${name}`));
    const nodes = graph.nodes.map((node) => this.#bind(node, call, names));
    const rename = (info: ValueInfo): ValueInfo => ({ ...info, name: names.get(info.name) ?? info.name });
    return {
      name: graph.name,
      nodes,
      inputs: graph.inputs.map(rename),
      outputs: graph.outputs.map(rename),
      initializers: new Map(
        [...graph.initializers].map(([name, tensor]) => [names.get(name) ?? name, tensor]),
      ),
      valueInfo: new Map([...graph.valueInfo.values()].map(rename).map((info) => [info.name, info])),
    };
  }

  #actual(name: string, node: Node, names: ReadonlyMap<string, string>): string {
    if (name === '') return '';
    const actual = names.get(name);
    if (actual !== undefined) return actual;
    throw new MalformedModelError('A function reads a value that nothing makes', {
      node: node.name,
      op: node.op,
      value: name,
    });
  }

  #define(name: string, call: Call, names: Map<string, string>): string {
    if (name === '') return '';
    // An output of the function has its actual name already.
    const known = call.fn.outputs.includes(name) && names === call.names ? names.get(name) : undefined;
    const actual = known ?? this.#fresh(`${call.prefix}${name}`);
    names.set(name, actual);
    return actual;
  }

  #fresh(stem: string): string {
    let name = stem;
    while (this.#taken.has(name)) {
      const repeat = (this.#repeats.get(stem) ?? 0) + 1;
      this.#repeats.set(stem, repeat);
      name = `${stem}_${repeat}`;
    }
    this.#nameLength += name.length;
    if (this.#nameLength > limits.skeletonBytes) {
      throw new UnsupportedModelError("The model's functions unfold into too many long names");
    }
    this.#taken.add(name);
    return name;
  }

  /** Counts nodes and calls: functions that call others twice unfold into two to the power of their depth. */
  #spend(): void {
    this.#count++;
    if (this.#count <= limits.nodes) return;
    throw new UnsupportedModelError(`The model's functions unfold into more than ${limits.nodes} nodes`);
  }

  #takeNames(graph: Graph): void {
    for (const { name } of graph.inputs) this.#taken.add(name);
    for (const name of graph.initializers.keys()) this.#taken.add(name);
    for (const node of graph.nodes) {
      this.#taken.add(node.name);
      for (const name of node.outputs) this.#taken.add(name);
      for (const inner of subgraphsOf(node)) this.#takeNames(inner);
    }
  }

  #importOpsets(fn: ModelFunction, at: { node: string; op: string }): void {
    for (const [domain, version] of fn.opsets) {
      const present = this.opsets.get(domain);
      if (present === undefined) this.opsets.set(domain, version);
      else if (present !== version && domainsOf(fn).has(domain)) {
        throw new UnsupportedModelError(
          `The function ${fn.name} uses version ${version} of the operator set "${domain || 'ai.onnx'}", the model ${present}`,
          at,
          'Export the model with one operator set version',
        );
      }
    }
  }
}

/** The attribute that a function's body refers to: the call's, else the default, else none. */
function lookUp(name: string, { node, fn }: Call): Attribute | undefined {
  if (Object.hasOwn(node.attributes, name)) return node.attributes[name];
  return Object.hasOwn(fn.attributeDefaults, name) ? fn.attributeDefaults[name] : undefined;
}

const identity = (name: string, input: string, output: string): Node => ({
  name,
  op: 'Identity',
  domain: '',
  inputs: [input],
  outputs: [output],
  attributes: {},
});

/** Operator domains of nodes, those in subgraphs included. */
function domainsOf({ nodes }: Pick<Graph, 'nodes'>, domains = new Set<string>()): Set<string> {
  for (const node of nodes) {
    domains.add(node.domain);
    for (const graph of subgraphsOf(node)) domainsOf(graph, domains);
  }
  return domains;
}
