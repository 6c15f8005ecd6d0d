import { floatAttribute, intAttribute, intsAttribute } from '../attributes.ts';
import { type GraphBuilder, type PlainAttributes, spell } from '../builder.ts';
import { codeOf } from '../data-types.ts';
import { ShapeError, UnsupportedModelError } from '../errors.ts';
import { inferNode } from '../infer/index.ts';
import type { DataType, Node, Tensor, TensorType } from '../model.ts';
import { modernOpset } from '../passes/modernise.ts';

/** Writes a node anew with standard operators; see {@link Lowering}. */
export type LowerRule = (c: Lowering) => void;

/** Rules by operator, of one domain. */
export type LowerTable = Readonly<Record<string, LowerRule>>;

/** What a lowering rule sees: one node, the types of its inputs, and a place to write the nodes that replace it. */
export class Lowering {
  readonly node: Node;
  readonly nodes: Node[] = [];
  readonly #b: GraphBuilder;
  readonly #types = new Map<string, TensorType>();
  /** New values, by the output of the node that they are to be. */
  readonly #given = new Map<string, string>();

  constructor(node: Node, b: GraphBuilder) {
    this.node = node;
    this.#b = b;
  }

  /** Name of an input, which must be there. */
  input(i: number): string {
    const name = this.node.inputs[i];
    return name ? name : this.refuse(`Input ${i} is required and missing`, 'Repair the export');
  }

  /** Name of an input, or undefined where it is omitted. */
  optional(i: number): string | undefined {
    return this.node.inputs[i] || undefined;
  }

  /** Whether anything reads an output. */
  wants(i: number): boolean {
    return (this.node.outputs[i] ?? '') !== '';
  }

  type(name: string): TensorType {
    return this.#types.get(name) ?? this.#b.type(name);
  }

  shape(name: string): readonly number[] {
    return this.type(name).shape;
  }

  dtype(name: string): DataType {
    return this.type(name).dtype;
  }

  constant(name: string): Tensor | undefined {
    return this.#b.constant(name);
  }

  int(name: string, otherwise: number): number {
    return intAttribute(this.node, name, otherwise);
  }

  float(name: string, otherwise: number): number {
    return floatAttribute(this.node, name, otherwise);
  }

  intList(name: string): readonly number[] | undefined {
    return intsAttribute(this.node, name);
  }

  ints(values: readonly number[]): string {
    return this.#b.ints(values);
  }

  scalar(value: number, dtype: DataType): string {
    return this.#b.scalar(value, dtype);
  }

  shared(tensor: Tensor): string {
    return this.#b.shared(tensor);
  }

  op(op: string, inputs: readonly string[], attributes: PlainAttributes = {}): string {
    return this.ops(op, inputs, attributes, 1)[0]!;
  }

  ops(op: string, inputs: readonly string[], attributes: PlainAttributes, count: number): string[] {
    const stem = this.#b.fresh(`${this.node.name || this.node.op}/${op}`);
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? stem : `${stem}:${i}`));
    const node: Node = {
      name: stem,
      op,
      domain: '',
      inputs: [...inputs],
      outputs,
      attributes: spell(attributes),
    };
    const types = inferNode(
      node,
      modernOpset,
      node.inputs.map((name) => (name === '' ? undefined : this.type(name))),
      (i) => this.constant(node.inputs[i] ?? ''),
    );
    for (const [i, output] of outputs.entries()) this.#types.set(output, types[i]!);
    this.nodes.push(node);
    return outputs;
  }

  reshape(name: string, shape: readonly number[]): string {
    return this.op('Reshape', [name, this.ints(shape)]);
  }

  transpose(name: string, perm: readonly number[]): string {
    return perm.every((axis, i) => axis === i) ? name : this.op('Transpose', [name], { perm });
  }

  /** The value in another element type. */
  cast(name: string, dtype: DataType): string {
    return this.dtype(name) === dtype ? name : this.op('Cast', [name], { to: codeOf(dtype) });
  }

  /** Makes a value the node's output `i`, whose type it must have. */
  give(i: number, name: string): void {
    const output = this.node.outputs[i];
    if (output) this.#given.set(output, name);
  }

  /** The nodes that stand for the original one, its outputs under their names. */
  finish(): Node[] {
    const renamed = new Map<string, string>();
    const passed: Node[] = [];
    for (const [output, name] of this.#given) {
      if (this.#types.has(name) && !renamed.has(name)) renamed.set(name, output);
      else passed.push(identity(name, output));
    }
    const swap = (names: readonly string[]) => names.map((name) => renamed.get(name) ?? name);
    return [...this.nodes, ...passed].map((node) => ({
      ...node,
      inputs: swap(node.inputs),
      outputs: swap(node.outputs),
    }));
  }

  /** Refuses the node: throws an error that names it, its operator and its shapes. */
  refuse(problem: string, fix: string): never {
    throw new UnsupportedModelError(problem, this.#place(), fix);
  }

  /** Fails unless the condition, which the operator's definition asks for, holds. */
  check(condition: boolean, problem: string): void {
    if (!condition) throw new ShapeError(problem, this.#place());
  }

  #place() {
    const { name, op, domain, inputs } = this.node;
    return {
      node: name,
      op: domain === '' ? op : `${domain}::${op}`,
      shapes: inputs.map((input) => (input === '' ? undefined : this.shape(input))),
    };
  }
}

const identity = (input: string, output: string): Node => ({
  name: output,
  op: 'Identity',
  domain: '',
  inputs: [input],
  outputs: [output],
  attributes: {},
});
