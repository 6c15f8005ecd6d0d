import { sizeOf, widthOf } from './data-types.ts';
import { ModelError, ShapeError } from './errors.ts';
import { inferNode } from './infer/index.ts';
import type { Attribute, DataType, Node, Tensor, TensorType, TypedGraph } from './model.ts';
import { tensorOf } from './tensors.ts';

/** Attributes as rules write them: integers, lists of integers and strings plainly, everything else spelled out. */
export type PlainAttributes = Record<string, number | string | readonly number[] | Attribute | undefined>;

/** A float attribute; plain numbers in {@link PlainAttributes} mean integers. */
export const float = (value: number): Attribute => ({ type: 'float', value });

/**
 * Appends nodes to a typed graph, typing every value as it appears, so that a wrong emission fails where it is
 * written and not in a runtime. Constants of equal content are shared.
 */
export class GraphBuilder {
  readonly graph: TypedGraph;
  /** Prefix of the names of nodes and values made from now on, for readable graphs. */
  scope: string;
  readonly #constants = new Map<string, string>();
  #counter = 0;

  constructor(graph: TypedGraph, scope = '') {
    this.graph = graph;
    this.scope = scope;
  }

  /** The type of a value. Throws when the graph does not know it. */
  type(name: string): TensorType {
    const type = this.graph.types.get(name);
    if (!type) throw new ShapeError(`The type of value "${name}" is unknown`, { value: name });
    return type;
  }

  shape(name: string): readonly number[] {
    return this.type(name).shape;
  }

  dtype(name: string): DataType {
    return this.type(name).dtype;
  }

  /** The constant behind a name, when it is an initialiser whose elements are in memory. */
  constant(name: string): Tensor | undefined {
    const tensor = this.graph.initializers.get(name);
    return tensor && tensor.data.kind !== 'range' ? tensor : undefined;
  }

  /** Appends a node with one output and returns the output's name. */
  op(op: string, inputs: readonly string[], attributes: PlainAttributes = {}): string {
    return this.ops(op, inputs, attributes, 1)[0]!;
  }

  /** Appends a node with `count` outputs and returns their names. */
  ops(op: string, inputs: readonly string[], attributes: PlainAttributes, count: number): string[] {
    const stem = this.fresh(op);
    const node: Node = {
      name: stem,
      op,
      domain: '',
      inputs: [...inputs],
      outputs: Array.from({ length: count }, (_, i) => (count === 1 ? stem : `${stem}:${i}`)),
      attributes: spell(attributes),
    };
    this.append(node);
    return node.outputs;
  }

  /** Appends a ready-made node, typing its outputs. */
  append(node: Node): void {
    const inputTypes = node.inputs.map((name) => (name === '' ? undefined : this.type(name)));
    const types = inferNode(node, this.graph.opset, inputTypes, (i) => this.constant(node.inputs[i] ?? ''));
    for (const [i, output] of node.outputs.entries()) {
      if (output === '') continue;
      const type = types[i];
      if (!type)
        throw new ShapeError('An output has no inferred type', {
          node: node.name,
          op: node.op,
          value: output,
        });
      if (this.graph.types.has(output))
        throw new ModelError(`Value "${output}" is defined twice`, { node: node.name });
      this.graph.types.set(output, type);
    }
    this.graph.nodes.push(node);
  }

  /** A one-dimensional int64 constant, as Reshape, Slice, Expand and the reductions take. */
  ints(values: readonly number[]): string {
    return this.shared(tensorOf('int64', [values.length], values));
  }

  /** A zero-dimensional constant of a type. */
  scalar(value: number, dtype: DataType): string {
    return this.shared(tensorOf(dtype, [], [value]));
  }

  /** A constant tensor; one initialiser serves every equal constant. */
  shared(tensor: Tensor): string {
    const key = keyOf(tensor);
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.fresh('const');
    this.graph.initializers.set(name, tensor);
    this.graph.types.set(name, { dtype: tensor.dtype, shape: tensor.shape });
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  /** A value name that the graph does not use yet. */
  fresh(stem: string): string {
    let name: string;
    do {
      name = `${this.scope}${stem}_${this.#counter++}`;
    } while (this.graph.types.has(name));
    return name;
  }
}

/** Attributes as nodes hold them. */
export function spell(attributes: PlainAttributes): Record<string, Attribute> {
  const spelled: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (typeof value === 'number') spelled[name] = { type: 'int', value };
    else if (typeof value === 'string') spelled[name] = { type: 'string', value };
    else if ('type' in value) spelled[name] = value;
    else spelled[name] = { type: 'ints', value };
  }
  return spelled;
}

/** Equal small constants share a key; large ones are never compared. */
function keyOf(tensor: Tensor): string | undefined {
  if (tensor.data.kind !== 'bytes' || sizeOf(tensor.shape) * widthOf(tensor.dtype) > 256) return undefined;
  return `${tensor.dtype}[${tensor.shape.join(',')}]${tensor.data.bytes.join(',')}`;
}
