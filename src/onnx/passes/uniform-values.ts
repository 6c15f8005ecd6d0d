import { attributeOf } from '../attributes.ts';
import { GraphBuilder } from '../builder.ts';
import { isFloat, sizeOf } from '../data-types.ts';
import type { Node, TypedGraph } from '../model.ts';
import { isParameter } from '../parameters.ts';
import { valuesOf } from '../tensors.ts';
import { removeDeadValues } from './dead-code.ts';

/** Operators whose output holds their first input's number where that holds one number everywhere. */
const spreading = new Set([
  'Cast',
  'Expand',
  'Flatten',
  'Identity',
  'Reshape',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
]);

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/** The number that an operand does nothing with; as the left operand it must commute. */
const neutral: Readonly<Record<string, { number: number; commutes: boolean }>> = {
  Add: { number: 0, commutes: true },
  Sub: { number: 0, commutes: false },
  Mul: { number: 1, commutes: true },
  Div: { number: 1, commutes: false },
};

/**
 * Reads a plain number where arithmetic read a floating-point tensor that holds that number everywhere, and reads past
 * sums with nought and products with one. Exporters write the scores of diffusers' attention as alpha q k + 0 empty,
 * with an empty tensor as large as the scores (`torch.baddbmm`).
 */
export function readUniformValues(source: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  const kept = new Set([...source.outputs.map(({ name }) => name), ...keep]);
  const graph: TypedGraph = {
    ...source,
    nodes: [],
    initializers: new Map(source.initializers),
    types: new Map(source.types),
  };
  const b = new GraphBuilder(graph, 'uniform/');
  const uniform = new Map<string, number>();
  const aliases = new Map<string, string>();
  for (const original of source.nodes) {
    const inputs = original.inputs.map((name) => aliases.get(name) ?? name);
    const node = inputs.some((name, i) => name !== original.inputs[i]) ? { ...original, inputs } : original;
    const [output] = node.outputs;
    const value = node.domain === '' ? heldBy(source, node, uniform) : undefined;
    if (value !== undefined) uniform.set(output!, value);
    const past = value === undefined && node.domain === '' ? simplified(source, node, uniform, b) : node;
    if (typeof past !== 'string') graph.nodes.push(past);
    else if (kept.has(output!)) graph.nodes.push(node);
    else aliases.set(output!, past);
  }
  return uniform.size === 0 ? source : removeDeadValues(graph, kept);
}

/** The number that a node's output holds everywhere, if it does. */
function heldBy(graph: TypedGraph, node: Node, uniform: ReadonlyMap<string, number>): number | undefined {
  const [output] = node.outputs;
  const type = graph.types.get(output ?? '');
  if (!type || !isFloat(type.dtype) || node.outputs.length !== 1) return undefined;
  if (node.op === 'ConstantOfShape') {
    const given = attributeOf(node, 'value', 'tensor')?.value;
    return given ? valuesOf(given)[0] : 0;
  }
  const number = (name: string) => uniform.get(name) ?? scalarOf(graph, name);
  if (spreading.has(node.op)) return number(node.inputs[0]!);
  const compute = arithmetic[node.op];
  const [a, c] = node.inputs.map(number);
  return compute && a !== undefined && c !== undefined ? compute(a, c) : undefined;
}

function scalarOf(graph: TypedGraph, name: string): number | undefined {
  const tensor = graph.initializers.get(name);
  if (tensor?.data.kind !== 'bytes' || sizeOf(tensor.shape) !== 1 || isParameter(name, tensor))
    return undefined;
  return isFloat(tensor.dtype) ? valuesOf(tensor)[0] : undefined;
}

/** The node with a number for a uniform operand, or the name of the value that the node only hands on. */
function simplified(
  graph: TypedGraph,
  node: Node,
  uniform: ReadonlyMap<string, number>,
  b: GraphBuilder,
): Node | string {
  if (!arithmetic[node.op]) return node;
  const at = node.inputs.findIndex((name) => uniform.has(name));
  const other = node.inputs[1 - at];
  const type = graph.types.get(node.outputs[0]!);
  const rest = graph.types.get(other ?? '');
  if (at < 0 || !type || rest?.shape.join() !== type.shape.join()) return node;
  const number = uniform.get(node.inputs[at]!)!;
  const { number: idle, commutes } = neutral[node.op]!;
  if (number === idle && (at === 1 || commutes)) return other!;
  const scalar = b.scalar(number, type.dtype);
  return { ...node, inputs: node.inputs.map((name, i) => (i === at ? scalar : name)) };
}
