import {
  type GraphLocation,
  MalformedModelError,
  ModelError,
  ShapeError,
  UnsupportedModelError,
} from './errors.ts';
import { inlineFunctions } from './functions.ts';
import type { Graph, Model, Node, TypedGraph, ValueInfo } from './model.ts';
import { removeDeadCode, removeDeadValues } from './passes/dead-code.ts';
import { modernOpset } from './passes/modernise.ts';
import { fixSizes, type InputSizes } from './specialise/sizes.ts';
import { Walk } from './specialise/walk.ts';
import { subgraphsOf } from './subgraphs.ts';

export interface SpecialiseOptions extends InputSizes {
  /** Inner values and initialisers that must survive under their own names, besides the outputs. */
  readonly keep?: readonly string[] | undefined;
  /** Outputs to keep of those the model declares; default: all of them. */
  readonly outputs?: readonly string[] | undefined;
}

/** Versions of the standard operator set that {@link specialise} reads. */
const oldest = 7;
const newest = 28;

/** First version of the operators that came after {@link modernOpset}. */
const later: Readonly<Record<string, number>> = {
  Attention: 23,
  BitCast: 26,
  CumProd: 26,
  RMSNormalization: 23,
  RotaryEmbedding: 23,
  Swish: 24,
  TensorScatter: 24,
};

/**
 * A model as a static graph: functions inlined, input sizes fixed, every value typed, constants folded, conditionals
 * decided, nodes that change nothing read past, dead code gone, old operator forms written in today's, and the fused
 * operators of files for native runtimes in standard ones.
 *
 * The graph is in opset 21, or in the first later version that knows all its operators. Outputs, inputs and
 * parameters keep their names. Floating-point initialisers are parameters: they stay what the graph reads and are never
 * folded away (see `parameters.ts` for single numbers). Nothing larger than 1 MiB is folded or loaded.
 *
 * @throws ShapeError when an input's size is not known, naming the option that gives it, or when shapes contradict an
 * operator; UnsupportedModelError for loops, undecided conditionals, unknown operators and opsets.
 */
export async function specialise(model: Model, options: SpecialiseOptions = {}): Promise<TypedGraph> {
  const { graph, opsets } = inlineFunctions(model);
  const opset = opsets.get('') ?? modernOpset;
  if (opset < oldest || opset > newest) {
    throw new UnsupportedModelError(
      `The model is written in opset ${opset}`,
      {},
      `Export it with an opset between 11 and ${newest}`,
    );
  }
  const outputs = chosenOutputs(graph, options.outputs);
  const keep = new Set(options.keep);
  const live = removeDeadCode({ ...graph, outputs }, keep);
  const inputs = fixSizes(live.inputs, options);
  const walk = new Walk(live, { opset, inputs, keep, prefix: unusedPrefix(live) });
  const typed = await walk.run(live).catch((error: unknown) => {
    if (!(error instanceof ModelError) || error.location.node === undefined) throw error;
    throw error.locate(pathTo(live, error.location.node, options.keep ?? []));
  });
  for (const name of keep) {
    if (!typed.types.has(name)) throw new ShapeError(`The model has no value "${name}"`, { value: name });
  }
  typed.inputs = live.inputs.map(({ name }) => declared(typed, name));
  typed.outputs = live.outputs.map((output) => checkedOutput(typed, output));
  const lean = removeDeadValues(typed, keep);
  return { ...lean, opset: opsetOf(lean.nodes) };
}

/** How values lead from a kept value or an output down to a node of the outermost graph. */
function pathTo(graph: Graph, name: string, keep: readonly string[]): GraphLocation {
  const producers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  );
  for (const end of [...keep, ...graph.outputs.map((output) => output.name)]) {
    const above = new Map<string, string | undefined>([[end, undefined]]);
    for (const value of above.keys()) {
      const node = producers.get(value);
      if (node?.name !== name) {
        for (const input of node?.inputs ?? [])
          if (input !== '' && !above.has(input)) above.set(input, value);
        continue;
      }
      const path: string[] = [];
      for (let at: string | undefined = value; at !== undefined; at = above.get(at)) path.push(at);
      return { path: path.reverse() };
    }
  }
  return {};
}

function chosenOutputs(graph: Graph, names: readonly string[] | undefined): ValueInfo[] {
  if (!names) return graph.outputs;
  return names.map((name) => {
    const found = graph.outputs.find((output) => output.name === name);
    if (found) return found;
    const all = graph.outputs.map((output) => output.name).join(', ');
    throw new ShapeError(`The model has no output "${name}"`, { value: name }, `Its outputs are ${all}`);
  });
}

function declared(graph: TypedGraph, name: string): ValueInfo {
  const type = graph.types.get(name);
  if (!type) throw new MalformedModelError(`Nothing makes output "${name}"`, { value: name });
  return { name, dtype: type.dtype, shape: [...type.shape] };
}

/** Declared sizes are often those of the exporter's example and give way to the inferred; element types may not. */
function checkedOutput(graph: TypedGraph, output: ValueInfo): ValueInfo {
  const found = declared(graph, output.name);
  if (output.dtype && output.dtype !== found.dtype) {
    throw new ShapeError(
      `Output "${output.name}" is declared as ${output.dtype} but computed as ${found.dtype}`,
      { value: output.name },
      'The file contradicts itself: export the model again',
    );
  }
  return found;
}

/** A prefix that no name of the graph begins with. */
function unusedPrefix(graph: Graph): string {
  const used = new Set<string>();
  const collect = (g: Graph): void => {
    const names = [
      ...g.inputs.map((input) => input.name),
      ...g.initializers.keys(),
      ...g.nodes.flatMap((n) => n.outputs),
    ];
    for (const name of names) if (name.startsWith('static')) used.add(name.slice(0, name.indexOf('/') + 1));
    for (const node of g.nodes) for (const inner of subgraphsOf(node)) collect(inner);
  };
  collect(graph);
  let prefix = 'static/';
  for (let i = 2; used.has(prefix); i++) prefix = `static${i}/`;
  return prefix;
}

function opsetOf(nodes: readonly Node[]): number {
  let opset = modernOpset;
  for (const { op, domain } of nodes) {
    if (domain === '' && Object.hasOwn(later, op)) opset = Math.max(opset, later[op]!);
  }
  return opset;
}
