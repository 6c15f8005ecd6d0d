import { intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import { sizeOf } from '../data-types.ts';
import type { Node, Tensor, TensorType, TypedGraph } from '../model.ts';
import { isParameter } from '../parameters.ts';
import { valuesOf } from '../tensors.ts';
import { removeDeadValues } from './dead-code.ts';

/** What is known of a node's inputs. */
export interface NoOpContext {
  readonly types: readonly (TensorType | undefined)[];
  readonly output: TensorType;
  /** The constant behind an input; never a parameter's current value. */
  constant(i: number): Tensor | undefined;
}

/**
 * The index of the input that a node hands on unchanged, so that readers of its output can read that input instead;
 * undefined when the node does something. Only the first output is considered.
 */
export function unchangedInput(node: Node, c: NoOpContext): number | undefined {
  if (node.domain !== '') return undefined;
  const rule = Object.hasOwn(rules, node.op) ? rules[node.op] : undefined;
  const found = rule?.(node, c);
  return found !== undefined && sameType(c.types[found], c.output) ? found : undefined;
}

/** Lets the readers of nodes that change nothing read what those nodes read. */
export function removeNoOps(graph: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  const kept = new Set([...graph.outputs.map((output) => output.name), ...keep]);
  const aliases = new Map<string, string>();
  const nodes: Node[] = [];
  for (const source of graph.nodes) {
    const inputs = source.inputs.map((name) => aliases.get(name) ?? name);
    const node = inputs.some((name, i) => name !== source.inputs[i]) ? { ...source, inputs } : source;
    const types = inputs.map((name) => graph.types.get(name));
    const output = graph.types.get(node.outputs[0]!)!;
    const constant = (i: number) => {
      const tensor = graph.initializers.get(inputs[i] ?? '');
      return tensor?.data.kind === 'bytes' && !isParameter(inputs[i]!, tensor) ? tensor : undefined;
    };
    const unchanged = kept.has(node.outputs[0]!)
      ? undefined
      : unchangedInput(node, { types, output, constant });
    if (unchanged === undefined) nodes.push(node);
    else aliases.set(node.outputs[0]!, inputs[unchanged]!);
  }
  return removeDeadValues({ ...graph, nodes }, kept);
}

type NoOpRule = (node: Node, c: NoOpContext) => number | undefined;

const sameType = (a: TensorType | undefined, b: TensorType): boolean =>
  a !== undefined && a.dtype === b.dtype && a.shape.join() === b.shape.join();

/** Nothing changes when the type does not: the rule's caller compares types. */
const whenTypeStays: NoOpRule = () => 0;

const single: NoOpRule = (node) => (node.inputs.length === 1 ? 0 : undefined);

const intsOfInput = (c: NoOpContext, i: number): number[] | undefined => {
  const tensor = c.constant(i);
  return tensor && valuesOf(tensor);
};

/** Axes of size 1 may change places: only the order of the others decides. */
const transpose: NoOpRule = (node, c) => {
  const shape = c.types[0]?.shape ?? [];
  const order = intsAttribute(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
  const moved = order.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, k) => k === 0 || axis > moved[k - 1]!) ? 0 : undefined;
};

const slice: NoOpRule = (node, c) => {
  const steps = node.inputs[4] ? intsOfInput(c, 4) : [];
  return steps?.every((step) => step > 0) ? 0 : undefined;
};

const pad: NoOpRule = (_, c) => (intsOfInput(c, 1)?.every((n) => n === 0) ? 0 : undefined);

/** One part is not empty and therefore all there is. */
const concat: NoOpRule = (_, c) => {
  const full = c.types.flatMap((type, i) => (type && sizeOf(type.shape) === 0 ? [] : [i]));
  return full.length === 1 ? full[0] : undefined;
};

const dropout: NoOpRule = (node, c) => {
  if ((node.outputs[1] ?? '') !== '') return undefined;
  if (!node.inputs[2]) return 0;
  return intsOfInput(c, 2)?.[0] === 0 ? 0 : undefined;
};

const resize: NoOpRule = (node, c) => {
  if (stringAttribute(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize') return undefined;
  const scales = node.inputs[2] ? intsOfInput(c, 2) : [];
  return scales?.every((scale) => scale === 1) ? 0 : undefined;
};

/** Every element of a constant input is this number. */
function isAll(c: NoOpContext, i: number, value: number): boolean {
  const tensor = c.constant(i);
  return tensor !== undefined && tensor.dtype !== 'string' && valuesOf(tensor).every((x) => x === value);
}

const neutral =
  (value: number, either: boolean): NoOpRule =>
  (_, c) => {
    if (isAll(c, 1, value)) return 0;
    return either && isAll(c, 0, value) ? 1 : undefined;
  };

const where: NoOpRule = (_, c) => (isAll(c, 0, 1) ? 1 : isAll(c, 0, 0) ? 2 : undefined);

/** Reducing axes of size 1 by a sum, mean or extreme gives the element itself. */
const reduce: NoOpRule = (node, c) => (intAttribute(node, 'keepdims', 1) !== 0 && c.types[0] ? 0 : undefined);

const rules: Readonly<Record<string, NoOpRule>> = {
  Add: neutral(0, true),
  Cast: whenTypeStays,
  CastLike: whenTypeStays,
  Concat: concat,
  Div: neutral(1, false),
  Dropout: dropout,
  Expand: whenTypeStays,
  Flatten: whenTypeStays,
  Identity: whenTypeStays,
  Max: single,
  Mean: single,
  Min: single,
  Mul: neutral(1, true),
  Pad: pad,
  Pow: neutral(1, false),
  ReduceMax: reduce,
  ReduceMean: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceSum: reduce,
  Reshape: whenTypeStays,
  Resize: resize,
  Slice: slice,
  Split: (node) => (node.outputs.length === 1 ? 0 : undefined),
  Squeeze: whenTypeStays,
  Sub: neutral(0, false),
  Sum: single,
  Tile: whenTypeStays,
  Transpose: transpose,
  Unsqueeze: whenTypeStays,
  Where: where,
};
