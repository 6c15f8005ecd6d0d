import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import { sizeOf } from '../data-types.ts';
import { ShapeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { DataType, Node, Tensor, TensorType } from '../model.ts';
import { valuesOf } from '../tensors.ts';

/** What an inference rule sees: one node, the types of its inputs and the inputs that are constants. */
export class InferContext {
  readonly node: Node;
  readonly opset: number;
  readonly #inputs: readonly (TensorType | undefined)[];
  readonly #constant: (i: number) => Tensor | undefined;

  constructor(
    node: Node,
    opset: number,
    inputs: readonly (TensorType | undefined)[],
    constant: (i: number) => Tensor | undefined,
  ) {
    this.node = node;
    this.opset = opset;
    this.#inputs = inputs;
    this.#constant = constant;
  }

  /** Number of inputs written, omitted ones included. */
  get count(): number {
    return this.#inputs.length;
  }

  has(i: number): boolean {
    return this.#inputs[i] !== undefined;
  }

  type(i: number): TensorType {
    return this.#inputs[i] ?? this.fail(`Input ${i} is required and missing`);
  }

  shape(i: number): readonly number[] {
    return this.type(i).shape;
  }

  dtype(i: number): DataType {
    return this.type(i).dtype;
  }

  /** The types of all inputs from `first` on; none may be omitted. */
  rest(first: number): TensorType[] {
    return this.#inputs.slice(first).map((_, i) => this.type(first + i));
  }

  /** The constant behind an input, when it is known before the graph runs. */
  constant(i: number): Tensor | undefined {
    return this.has(i) ? this.#constant(i) : undefined;
  }

  /**
   * The elements of an input on which the output's shape depends. Throws when it is not constant, or longer than any
   * list of axes, sizes or pads can be.
   */
  values(i: number, what: string, most: number = 2 * limits.rank): number[] {
    const { shape } = this.type(i);
    if (sizeOf(shape) > most)
      this.fail(`Input ${i} (${what}) has ${sizeOf(shape)} elements, more than ${most}`);
    const tensor = this.#constant(i);
    if (tensor) return valuesOf(tensor);
    return this.fail(
      `The output's shape depends on input ${i} (${what}), which is not constant`,
      'Fix the input sizes so that it folds to a constant',
    );
  }

  /** Like {@link values}, for an input that may be omitted. */
  optionalValues(i: number, what: string, most?: number): number[] | undefined {
    return this.has(i) ? this.values(i, what, most) : undefined;
  }

  /**
   * A list of integers that is an attribute up to opset `since - 1` and input `i` from opset `since` on (axes of the
   * reductions, sizes of Split). Undefined when given by neither.
   */
  moved(name: string, i: number, since: number, most?: number): readonly number[] | undefined {
    return this.opset >= since ? this.optionalValues(i, name, most) : this.ints(name);
  }

  int(name: string, otherwise: number): number {
    return intAttribute(this.node, name, otherwise);
  }

  /** An integer attribute that the operator requires. */
  requiredInt(name: string): number {
    const value = intAttribute(this.node, name, Number.NaN);
    return Number.isNaN(value) ? this.fail(`Attribute "${name}" is required and missing`) : value;
  }

  float(name: string, otherwise: number): number {
    return floatAttribute(this.node, name, otherwise);
  }

  string(name: string, otherwise: string): string {
    return stringAttribute(this.node, name, otherwise);
  }

  ints(name: string): readonly number[] | undefined {
    return intsAttribute(this.node, name);
  }

  /** Refuses the node with its name, operator and input shapes. */
  fail(problem: string, fix = ''): never {
    const { name, op, domain } = this.node;
    const shapes = this.#inputs.map((type) => type?.shape);
    throw new ShapeError(problem, { node: name, op: domain === '' ? op : `${domain}::${op}`, shapes }, fix);
  }

  /** Fails unless the condition holds. */
  check(condition: boolean, problem: string): void {
    if (!condition) this.fail(problem);
  }
}

/** Gives the types of a node's outputs, optional ones included. */
export type InferRule = (c: InferContext) => TensorType[];

export type InferTable = Readonly<Record<string, InferRule>>;
