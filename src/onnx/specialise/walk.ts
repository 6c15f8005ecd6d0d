import { attributeOf } from '../attributes.ts';
import { GraphBuilder } from '../builder.ts';
import { isFloat, sizeOf, widthOf } from '../data-types.ts';
import { MalformedModelError, UnsupportedModelError } from '../errors.ts';
import { canEvaluate, evaluate, evaluateFromType } from '../fold/evaluate.ts';
import { constantTensor } from '../fold/generators.ts';
import { inferNode } from '../infer/index.ts';
import { lower } from '../lower/index.ts';
import type { Graph, Node, Tensor, TensorType, TypedGraph } from '../model.ts';
import { isParameter } from '../parameters.ts';
import { modernise, modernOpset } from '../passes/modernise.ts';
import { unchangedInput } from '../passes/no-ops.ts';
import { valuesOf } from '../tensors.ts';
import { Scope } from './scope.ts';
import { Sequences } from './sequences.ts';

/** Largest result of folding, and largest constant that is brought into memory for it, bytes. */
const foldLimit = 2 ** 20;

/** Largest value that is computed from parameters, for shapes that depend on one, bytes. */
const peekLimit = 256;

/** Elements that all folding together may read and write, so that no file keeps it busy for minutes. */
const foldBudget = 2 ** 24;

/** Work on so few elements is not counted. */
const smallWork = 256;

/** Operators whose output sizes are found by going through a constant. */
const counting = new Set(['Compress', 'NonZero', 'Unique']);

const loops = new Set(['Loop', 'Scan', 'SequenceMap']);

export interface WalkOptions {
  readonly opset: number;
  readonly inputs: ReadonlyMap<string, TensorType>;
  /** Values that must stay under their own names. */
  readonly keep: ReadonlySet<string>;
  /** Put before the names of new values; no name of the model begins with it. */
  readonly prefix: string;
}

/**
 * One walk over a graph in topological order that types every value, folds what is constant, reads past nodes that
 * change nothing, writes old forms in today's and takes the branches of conditionals.
 */
export class Walk {
  readonly graph: TypedGraph;
  readonly #b: GraphBuilder;
  readonly #opset: number;
  readonly #sequences: Sequences;
  /** Names that stay: outputs of the graph and values that were asked for. */
  readonly #kept: ReadonlySet<string>;
  /** Names of the outermost graph, which values of branches may not take. */
  readonly #reserved = new Set<string>();
  #budget = foldBudget;
  readonly #nodeNames = new Set<string>();
  /** Values that are read past, by the value to read instead. */
  readonly #aliases = new Map<string, string>();
  /** Constants by name, parameters included; in memory or not. */
  readonly #constants = new Map<string, Tensor>();
  /** Parameters and what was computed from them: their values may change, so nothing is folded to them. */
  readonly #variable = new Set<string>();

  constructor(graph: Graph, options: WalkOptions) {
    this.graph = {
      name: graph.name,
      nodes: [],
      inputs: [],
      outputs: [],
      initializers: new Map(),
      valueInfo: new Map(),
      types: new Map(options.inputs),
      opset: modernOpset,
    };
    this.#b = new GraphBuilder(this.graph, options.prefix);
    this.#opset = options.opset;
    this.#sequences = new Sequences(this.#b, (name) => this.#known(name));
    this.#kept = new Set([...options.keep, ...graph.outputs.map((output) => output.name)]);
    for (const node of graph.nodes) for (const name of node.outputs) this.#reserved.add(name);
  }

  async run(graph: Graph): Promise<TypedGraph> {
    const scope = new Scope();
    for (const { name } of graph.inputs) scope.set(name, name);
    this.#addInitializers(graph, scope);
    for (const node of graph.nodes) await this.#visit(node, scope);
    return this.graph;
  }

  #addInitializers(graph: Graph, scope: Scope): void {
    for (const [name, tensor] of graph.initializers) {
      const actual = this.#claim(name, scope);
      this.#define(actual, tensor);
      if (this.#kept.has(actual) || isParameter(name, tensor)) this.#variable.add(actual);
    }
  }

  #define(name: string, tensor: Tensor): void {
    this.graph.initializers.set(name, tensor);
    this.graph.types.set(name, { dtype: tensor.dtype, shape: tensor.shape });
    this.#constants.set(name, tensor);
  }

  async #visit(source: Node, scope: Scope): Promise<void> {
    const inputs = source.inputs.map((name) => this.#resolve(name, source, scope));
    if (source.domain === '' && loops.has(source.op)) {
      throw new UnsupportedModelError(
        `${source.op} runs a body a number of times that is not known before the graph runs`,
        { node: source.name, op: source.op },
        'Export the model with its loops unrolled (for example by tracing)',
      );
    }
    const outputs = source.outputs.map((name) => this.#claim(name, scope));
    const node: Node = { ...source, inputs, outputs };
    if (node.domain === '' && node.op === 'If') return this.#takeBranch(node, scope);
    const constant = node.domain === '' && node.op === 'Constant' ? constantTensor(node) : undefined;
    if (constant && !this.#kept.has(outputs[0]!)) return this.#define(outputs[0]!, constant);
    const modern = this.#sequences.concerns(node)
      ? this.#sequences.lower(node)
      : modernise(node, this.#opset, this.#b);
    for (const made of modern) {
      const actual = { ...made, inputs: made.inputs.map((name) => this.#aliases.get(name) ?? name) };
      for (const low of lower(actual, this.#b)) await this.#emit(low);
    }
  }

  #resolve(name: string, node: Node, scope: Scope): string {
    if (name === '') return '';
    const actual = scope.get(name);
    if (actual !== undefined) return this.#aliases.get(actual) ?? actual;
    const at = { node: node.name, op: node.op, value: name };
    throw new MalformedModelError('A node reads a value that nothing before it makes', at);
  }

  /** The name that a new value gets: its own, unless it is a branch's and taken already. */
  #claim(name: string, scope: Scope): string {
    if (name === '') return '';
    const given = scope.own(name);
    if (given !== undefined) return given;
    const taken = scope.isBranch && (this.#reserved.has(name) || this.graph.types.has(name));
    const actual = taken ? this.#b.fresh(name) : name;
    scope.set(name, actual);
    return actual;
  }

  /** Replaces a conditional whose condition is known by the branch that it takes. */
  async #takeBranch(node: Node, scope: Scope): Promise<void> {
    const condition = this.#known(node.inputs[0] ?? '');
    if (!condition) {
      throw new UnsupportedModelError(
        'The condition is not known before the graph runs',
        { node: node.name, op: node.op },
        'Fix the input sizes so that it folds to a constant, or export the model by tracing',
      );
    }
    const branch = attributeOf(node, valuesOf(condition)[0] ? 'then_branch' : 'else_branch', 'graph')?.value;
    if (!branch || branch.outputs.length < node.outputs.length) {
      throw new MalformedModelError('A branch is missing or has too few outputs', {
        node: node.name,
        op: node.op,
      });
    }
    const inner = new Scope(scope);
    const made = new Set(branch.nodes.flatMap((n) => n.outputs));
    const passed: Node[] = [];
    for (const [i, output] of node.outputs.entries()) {
      const name = branch.outputs[i]!.name;
      if (output === '') continue;
      if (made.has(name) && inner.own(name) === undefined) inner.set(name, output);
      else
        passed.push({
          name: output,
          op: 'Identity',
          domain: '',
          inputs: [name],
          outputs: [output],
          attributes: {},
        });
    }
    this.#addInitializers(branch, inner);
    for (const child of branch.nodes) await this.#visit(child, inner);
    for (const pass of passed)
      await this.#emit({ ...pass, inputs: [this.#resolve(pass.inputs[0]!, pass, inner)] });
  }

  async #emit(source: Node): Promise<void> {
    const node: Node = { ...source, inputs: source.inputs.map((name) => this.#aliases.get(name) ?? name) };
    await this.#load(node);
    const types = node.inputs.map((name) => (name === '' ? undefined : this.#b.type(name)));
    if (counting.has(node.op) && !this.#afford(types)) {
      throw new UnsupportedModelError('The constants of the model take too much work', {
        node: node.name,
        op: node.op,
      });
    }
    const found = inferNode(node, modernOpset, types, (i) => this.#known(node.inputs[i]!));
    const kept = node.outputs.some((name) => this.#kept.has(name));
    const unchanged = kept ? undefined : this.#unchangedInput(node, types, found);
    if (unchanged !== undefined) {
      this.#aliases.set(node.outputs[0]!, node.inputs[unchanged]!);
      return;
    }
    for (const [i, name] of node.outputs.entries()) if (name !== '') this.graph.types.set(name, found[i]!);

    const fixed = evaluateFromType(node, modernOpset, types[0]);
    const variable = !fixed && node.inputs.some((name) => this.#variable.has(name));
    const values = fixed ? [fixed] : this.#evaluate(node, found, variable ? peekLimit : foldLimit);
    for (const [i, name] of node.outputs.entries()) {
      const value = values?.[i];
      if (!value || name === '') continue;
      if (variable) this.#variable.add(name);
      if (variable || kept) this.#constants.set(name, value);
      else this.#define(name, value);
    }
    if (!values || variable || kept) this.graph.nodes.push({ ...node, name: this.#nodeName(node.name) });
  }

  /** A node's name, or another where it is taken: runtimes want them unique, and both branches of a file may use it. */
  #nodeName(name: string): string {
    const unique = name !== '' && this.#nodeNames.has(name) ? this.#b.fresh(name) : name;
    this.#nodeNames.add(unique);
    return unique;
  }

  #unchangedInput(
    node: Node,
    types: readonly (TensorType | undefined)[],
    found: readonly TensorType[],
  ): number | undefined {
    const constant = (i: number) => {
      const name = node.inputs[i] ?? '';
      return this.#variable.has(name) ? undefined : this.#known(name);
    };
    return unchangedInput(node, { types, output: found[0]!, constant });
  }

  /** The constant behind a name, when its elements are in memory. */
  #known(name: string): Tensor | undefined {
    const tensor = this.#constants.get(name) ?? this.graph.initializers.get(name);
    return tensor?.data.kind === 'bytes' ? tensor : undefined;
  }

  /** Computes a node whose inputs are all constants in memory, unless the result is larger than `limit` bytes. */
  #evaluate(node: Node, found: readonly TensorType[], limit: number): readonly Tensor[] | undefined {
    if (found.reduce((n, { dtype, shape }) => n + sizeOf(shape) * widthOf(dtype), 0) > limit)
      return undefined;
    const inputs = node.inputs.map((name) => this.#known(name));
    if (!canEvaluate(node) || inputs.some((tensor, i) => !tensor && node.inputs[i] !== '')) return undefined;
    if (!this.#afford([...inputs, ...found])) return undefined;
    return evaluate(node, modernOpset, inputs, found);
  }

  /** Whether work on so many elements is still within the budget; small work always is. */
  #afford(types: readonly (TensorType | undefined)[]): boolean {
    const elements = types.reduce((n, type) => n + (type ? sizeOf(type.shape) : 0), 0);
    if (elements <= smallWork) return true;
    this.#budget -= elements;
    return this.#budget >= 0;
  }

  /** Brings constants that stayed in the file into memory where folding or a shape may need them. */
  async #load(node: Node): Promise<void> {
    const folds = canEvaluate(node) && node.inputs.every((name) => name === '' || this.#isConstant(name));
    for (const name of node.inputs) {
      const tensor = this.#constants.get(name);
      if (tensor?.data.kind !== 'range' || this.#variable.has(name)) continue;
      const { source, offset, length } = tensor.data;
      if (length > foldLimit || (isFloat(tensor.dtype) && !folds)) continue;
      this.#define(name, { ...tensor, data: { kind: 'bytes', bytes: await source.read(offset, length) } });
    }
  }

  #isConstant(name: string): boolean {
    return (this.#constants.has(name) || this.graph.initializers.has(name)) && !this.#variable.has(name);
  }
}
