import type { GraphBuilder } from './builder.ts';
import { ModelError } from './errors.ts';
import type { DataType, Node, TypedGraph } from './model.ts';

/** An empty typed graph to build into. */
export function emptyGraph(name: string, opset: number): TypedGraph {
  return {
    name,
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: new Map(),
    valueInfo: new Map(),
    types: new Map(),
    opset,
  };
}

/**
 * Copies a typed graph into the one under construction. Names get the prefix; inputs named in `bindings` are joined
 * to existing values, the others become inputs of the whole. The graft's outputs are not declared as outputs.
 *
 * @param prefix put before every name of the graft, such as `unet/`
 * @param bindings for input names of the graft, the value of the builder's graph that feeds it
 * @returns the new name of every value of the graft
 */
export function graft(
  b: GraphBuilder,
  graph: TypedGraph,
  prefix: string,
  bindings: Readonly<Record<string, string>> = {},
): Map<string, string> {
  const names = new Map<string, string>([['', '']]);
  const define = (name: string): string => {
    const renamed = `${prefix}${name}`;
    const type = graph.types.get(name);
    if (!type) throw new ModelError(`The type of value "${name}" is unknown`, { value: name });
    if (b.graph.types.has(renamed))
      throw new ModelError(`Value "${renamed}" is defined twice`, { value: renamed });
    b.graph.types.set(renamed, type);
    names.set(name, renamed);
    return renamed;
  };
  for (const input of graph.inputs) {
    const bound = bindings[input.name];
    if (bound === undefined) {
      b.graph.inputs.push({ ...input, name: define(input.name) });
      continue;
    }
    checkBinding(b, graph, input.name, bound);
    names.set(input.name, bound);
  }
  for (const [name, tensor] of graph.initializers) b.graph.initializers.set(define(name), tensor);
  for (const node of graph.nodes) b.graph.nodes.push(renamed(node, prefix, names, define));
  return names;
}

function renamed(
  node: Node,
  prefix: string,
  names: ReadonlyMap<string, string>,
  define: (name: string) => string,
): Node {
  return {
    ...node,
    name: `${prefix}${node.name}`,
    inputs: node.inputs.map((name) => {
      const found = names.get(name);
      if (found === undefined)
        throw new ModelError(`Value "${name}" is used before it is made`, { node: node.name });
      return found;
    }),
    outputs: node.outputs.map((name) => (name === '' ? '' : define(name))),
  };
}

function checkBinding(b: GraphBuilder, graph: TypedGraph, input: string, bound: string): void {
  const want = graph.types.get(input);
  const got = b.type(bound);
  if (want && want.dtype === got.dtype && want.shape.join() === got.shape.join()) return;
  throw new ModelError(
    `Value "${bound}" is ${got.dtype}[${got.shape.join(', ')}] but input "${input}" takes ${want?.dtype}[${want?.shape.join(', ')}]`,
    { value: bound },
  );
}

/** Adds a graph input of a static type and returns its name. */
export function addInput(b: GraphBuilder, name: string, dtype: DataType, shape: readonly number[]): string {
  if (b.graph.types.has(name)) throw new ModelError(`Value "${name}" is defined twice`, { value: name });
  b.graph.inputs.push({ name, dtype, shape: [...shape] });
  b.graph.types.set(name, { dtype, shape: [...shape] });
  return name;
}

/** Declares a value as an output of the graph. */
export function addOutput(b: GraphBuilder, name: string): void {
  const { dtype, shape } = b.type(name);
  b.graph.outputs.push({ name, dtype, shape: [...shape] });
}

/**
 * Declares a value as an output under a name of its own: the value takes the name, or, where it is an input, a
 * constant or already an output, a copy of it does.
 */
export function nameOutput(b: GraphBuilder, value: string, output: string): void {
  const { graph } = b;
  const made = graph.nodes.some((node) => node.outputs.includes(value));
  const declared = graph.outputs.some((other) => other.name === value);
  if (made && !declared) rename(graph, value, output);
  else {
    const copy = {
      name: output,
      op: 'Identity',
      domain: '',
      inputs: [value],
      outputs: [output],
      attributes: {},
    };
    b.append(copy);
  }
  addOutput(b, output);
}

/**
 * Gives a value another name, everywhere: for outputs that must be called something particular.
 * The value must be made by a node of the graph.
 */
export function rename(graph: TypedGraph, from: string, to: string): void {
  const type = graph.types.get(from);
  if (!type) throw new ModelError(`The graph has no value "${from}"`, { value: from });
  if (graph.types.has(to)) throw new ModelError(`Value "${to}" is defined twice`, { value: to });
  graph.types.delete(from);
  graph.types.set(to, type);
  const swap = (names: string[]) => names.map((name) => (name === from ? to : name));
  graph.nodes = graph.nodes.map((node) =>
    node.inputs.includes(from) || node.outputs.includes(from)
      ? { ...node, inputs: swap(node.inputs), outputs: swap(node.outputs) }
      : node,
  );
}
