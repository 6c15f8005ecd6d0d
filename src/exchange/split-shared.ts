import { UnsupportedModelError } from '../onnx/errors.ts';
import type { Graph, Model, Node, Tensor } from '../onnx/model.ts';
import { findClipVision } from './clip-vision.ts';
import { Structure, type Use } from './structure.ts';

/**
 * Gives every use of a parameter an initialiser of its own. Exporters merge equal initialisers (zero biases, norms'
 * ones) that the architecture has apart and training changes apart. New initialisers point to the same bytes.
 *
 * In a CLIP vision transformer the uses are its parameters, in another graph the operands of its arithmetic.
 *
 * @returns the model itself when nothing is shared.
 */
export function splitShared(model: Model): Model {
  const uses = parameterUses(model.graph);
  const byInitializer = new Map<string, NamedUse[]>();
  for (const named of uses) {
    const known = byInitializer.get(named.use.initializer);
    if (known) known.push(named);
    else byInitializer.set(named.use.initializer, [named]);
  }
  const splitter = new Splitter(model.graph);
  for (const [initializer, sharing] of byInitializer) {
    // The first use keeps the initialiser, unless something else needs it as it is.
    const kept = hasOtherConsumers(model.graph, initializer, sharing) ? 0 : 1;
    for (const { use, name } of sharing.slice(kept)) splitter.split(use, name);
  }
  return splitter.changed ? { ...model, graph: splitter.graph } : model;
}

interface NamedUse {
  use: Use;
  /** What a new initialiser is called. */
  name: string;
}

/** Operators whose floating-point operands are parameters. */
const arithmetic = new Set([
  ...['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'Add', 'Sub', 'Mul', 'Div'],
  ...['LayerNormalization', 'InstanceNormalization', 'GroupNormalization', 'BatchNormalization'],
]);

function parameterUses(graph: Graph): NamedUse[] {
  try {
    return findClipVision(graph).map(({ use, name }) => ({ use, name }));
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
  }
  const structure = new Structure(graph);
  return graph.nodes
    .filter((node) => arithmetic.has(node.op))
    .flatMap((node) => node.inputs.map((_, input) => structure.parameter(node, input)))
    .filter((use) => use !== undefined)
    .map((use) => ({ use, name: use.initializer }));
}

/** Whether nodes besides the given uses read the initialiser. */
function hasOtherConsumers(graph: Graph, initializer: string, uses: readonly NamedUse[]): boolean {
  const known = new Set(uses.map(({ use }) => use.chain[0] ?? use.node));
  return graph.nodes.some((node) => node.inputs.includes(initializer) && !known.has(node));
}

class Splitter {
  readonly graph: Graph;
  changed = false;
  /** Where each original node stands now, in the version that replaces it. */
  readonly #current = new Map<Node, Node>();
  readonly #names: Set<string>;

  constructor(graph: Graph) {
    this.graph = { ...graph, nodes: [...graph.nodes], initializers: new Map(graph.initializers) };
    this.#names = new Set([
      ...graph.initializers.keys(),
      ...graph.inputs.map(({ name }) => name),
      ...graph.nodes.flatMap((node) => [node.name, ...node.outputs]),
    ]);
  }

  /** Puts a new initialiser, and copies of the nodes on the way, under one use. */
  split({ tensor, chain, node, input }: Use, name: string): void {
    this.changed = true;
    let value = this.#initializer(name, tensor);
    const copies = chain.map((link): Node => {
      const output = this.#fresh(`${value}/${link.op}`);
      const copy = { ...link, name: output, inputs: [value, ...link.inputs.slice(1)], outputs: [output] };
      value = output;
      return copy;
    });
    const before = this.#current.get(node) ?? node;
    const after = { ...before, inputs: before.inputs.map((old, i) => (i === input ? value : old)) };
    this.#current.set(node, after);
    this.graph.nodes.splice(this.graph.nodes.indexOf(before), 1, ...copies, after);
  }

  #initializer(name: string, tensor: Tensor): string {
    const fresh = this.#fresh(name);
    this.graph.initializers.set(fresh, tensor);
    return fresh;
  }

  #fresh(stem: string): string {
    let name = stem;
    for (let n = 1; this.#names.has(name); n++) name = `${stem}_${n}`;
    this.#names.add(name);
    return name;
  }
}
