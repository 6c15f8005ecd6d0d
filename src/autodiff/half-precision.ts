import { GraphBuilder } from '../onnx/builder.ts';
import { codeOf, sizeOf } from '../onnx/data-types.ts';
import { isWeight } from '../onnx/lift-weights.ts';
import type { Node, Tensor, TypedGraph } from '../onnx/model.ts';
import { narrowed } from '../onnx/narrow.ts';
import { halfToNumber, numberToHalf, valuesOf } from '../onnx/tensors.ts';
import { sumNodes } from './mixed-precision.ts';

/** Products: their results keep the digits that float16 has, whatever went in. */
const products = new Set(['Conv', 'ConvTranspose', 'Einsum', 'Gemm', 'MatMul']);

/**
 * The same float32 graph computing in float16: inputs and outputs stay float32, with casts behind and before them, and
 * frozen weights become float16 (byte ranges as they are read). Sums stay in float32, as in {@link mixedPrecision}.
 *
 * Left in float32 is also what float16 cannot hold: the features of a timestep, whose angles reach 1000 radians, up to
 * the first product that takes them in, and whatever reads a constant that float16 would change by more than its
 * rounding.
 *
 * Micikevicius et al. 2017, "Mixed precision training", section 3.1: `masters` stay float32, are rounded where they are
 * used, and their gradients, which pass the cast backwards, are float32.
 *
 * @param masters names of initialisers that train
 */
export function halfPrecision(source: TypedGraph, masters: ReadonlySet<string> = new Set()): TypedGraph {
  return new Narrowing(source, masters).run();
}

class Narrowing {
  readonly #source: TypedGraph;
  readonly #masters: ReadonlySet<string>;
  readonly #wide: ReadonlySet<Node>;
  readonly #builder: GraphBuilder;
  /** Names of values in the type that the source does not give them, by their name there. */
  readonly #halves = new Map<string, string>();
  readonly #floats = new Map<string, string>();

  constructor(source: TypedGraph, masters: ReadonlySet<string>) {
    this.#source = source;
    this.#masters = masters;
    this.#wide = wideNodes(source);
    const initializers = this.#initializers();
    const graph: TypedGraph = {
      ...source,
      nodes: [],
      initializers,
      types: new Map([
        ...source.inputs.map(({ name }) => [name, source.types.get(name)!] as const),
        ...[...initializers].map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const),
      ]),
    };
    this.#builder = new GraphBuilder(graph, 'half/');
  }

  run(): TypedGraph {
    const outputs = new Set(this.#source.outputs.map(({ name }) => name));
    for (const node of this.#source.nodes) {
      const wide = this.#wide.has(node);
      this.#builder.append({
        ...(wide ? node : castToHalf(node)),
        inputs: node.inputs.map((name, i) =>
          wide || staysFloat(node, i) ? this.#asFloat(name) : this.#asHalf(name),
        ),
        outputs: node.outputs.map((name) => (!wide && outputs.has(name) ? this.#renamed(name) : name)),
      });
      for (const name of node.outputs) if (outputs.has(name)) this.#restore(name);
    }
    return this.#builder.graph;
  }

  /** Frozen weights as float16, unless something that stays in float32 reads them. */
  #initializers(): Map<string, Tensor> {
    const kept = new Set(this.#masters);
    for (const node of this.#source.nodes) {
      for (const [i, name] of node.inputs.entries())
        if (this.#wide.has(node) || staysFloat(node, i)) kept.add(name);
    }
    return new Map(
      [...this.#source.initializers].map(([name, tensor]) => [
        name,
        kept.has(name) ? tensor : narrowed(tensor),
      ]),
    );
  }

  #asHalf(name: string): string {
    if (this.#source.types.get(name)?.dtype !== 'float32') return name;
    const known = this.#halves.get(name);
    if (known !== undefined) return known;
    if (this.#builder.dtype(name) === 'float16') return name;
    const constant = this.#masters.has(name) ? undefined : this.#builder.constant(name);
    const half =
      constant && sizeOf(constant.shape) === 1
        ? this.#builder.shared(narrowed(constant))
        : this.#builder.op('Cast', [name], { to: codeOf('float16') });
    this.#halves.set(name, half);
    return half;
  }

  #asFloat(name: string): string {
    if (this.#source.types.get(name)?.dtype !== 'float32') return name;
    if (this.#builder.graph.types.get(name)?.dtype === 'float32') return name;
    const known = this.#floats.get(name);
    if (known !== undefined) return known;
    const wide = this.#builder.op('Cast', [name], { to: codeOf('float32') });
    this.#floats.set(name, wide);
    return wide;
  }

  /** A name for the float16 form of an output of the graph, whose own name is for its float32 form. */
  #renamed(name: string): string {
    const half = this.#builder.fresh(name);
    this.#halves.set(name, half);
    return half;
  }

  #restore(name: string): void {
    const half = this.#halves.get(name);
    if (half === undefined || this.#builder.graph.types.has(name)) return;
    const to =
      this.#builder.dtype(half) === 'float16' ? codeOf('float32') : codeOf(this.#builder.dtype(half));
    this.#builder.append({
      name: `${name}.wide`,
      op: 'Cast',
      domain: '',
      inputs: [half],
      outputs: [name],
      attributes: { to: { type: 'int', value: to } },
    });
  }
}

/** Scales and regions of Resize are float32 in every precision. */
const staysFloat = (node: Node, input: number): boolean => node.op === 'Resize' && input > 0;

function castToHalf(node: Node): Node {
  const to = node.attributes['to'];
  if (node.op !== 'Cast' || to?.type !== 'int' || to.value !== codeOf('float32')) return node;
  return { ...node, attributes: { ...node.attributes, to: { type: 'int', value: codeOf('float16') } } };
}

/** The nodes that stay in float32. */
function wideNodes(graph: TypedGraph): Set<Node> {
  const wide = sumNodes(graph, 'float32');
  /** Values that a timestep decides alone. */
  const timed = new Set(
    graph.inputs.map(({ name }) => name).filter((name) => graph.types.get(name)!.shape.length <= 1),
  );
  for (const node of graph.nodes) {
    const read = node.inputs.filter((name) => name !== '');
    const fromTimestep =
      !products.has(node.op) &&
      read.some((name) => timed.has(name)) &&
      read.every((name) => timed.has(name) || graph.initializers.has(name));
    if (fromTimestep) for (const output of node.outputs) timed.add(output);
    const beyond = read.some((name) => !fitsHalf(graph.initializers.get(name)));
    if (fromTimestep || beyond) wide.add(node);
  }
  return wide;
}

/** Whether float16 changes a constant by no more than it rounds every normal number. */
function fitsHalf(tensor: Tensor | undefined): boolean {
  if (tensor?.dtype !== 'float32' || tensor.data.kind !== 'bytes') return true;
  const values = valuesOf(tensor);
  // Small weights may round to nothing as they do in every float16 file; a constant of the arithmetic may not.
  if (isWeight(tensor)) return values.every((value) => Math.abs(value) < 65520);
  return values.every((value) => {
    const half = halfToNumber(numberToHalf(value));
    return Object.is(half, value) || Math.abs(half - value) <= 2 ** -10 * Math.abs(value);
  });
}
