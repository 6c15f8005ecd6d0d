import { sizeOf, widthOf } from '../data-types.ts';
import type { Attribute, Node, Tensor, TypedGraph } from '../model.ts';
import { isParameter } from '../parameters.ts';
import { removeDeadValues } from './dead-code.ts';

export interface CommonSubexpressionOptions {
  /** Values that must stay under their own names, besides the outputs. */
  readonly keep?: Iterable<string>;
  /** Nodes to leave alone, such as those that compute a value again in order not to store it. */
  readonly except?: (node: Node) => boolean;
}

/** Each run of these gives something else. */
const random = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/** Constants up to this many bytes are compared. */
const comparedBytes = 1024;

/**
 * Lets one node stand for all that compute the same from the same, and one constant for all equal ones. Parameters are
 * not constants: two that are equal today may be trained apart.
 */
export function mergeCommonSubexpressions(
  graph: TypedGraph,
  { keep = [], except = () => false }: CommonSubexpressionOptions = {},
): TypedGraph {
  const kept = new Set([...graph.outputs.map((output) => output.name), ...keep]);
  const replaced = new Map<string, string>();
  const constants = new Map<string, string>();
  for (const [name, tensor] of graph.initializers) {
    const key = kept.has(name) ? undefined : keyOfConstant(name, tensor);
    if (key === undefined) continue;
    const known = constants.get(key);
    if (known === undefined) constants.set(key, name);
    else replaced.set(name, known);
  }
  const seen = new Map<string, readonly string[]>();
  const nodes: Node[] = [];
  for (const source of graph.nodes) {
    const inputs = source.inputs.map((name) => replaced.get(name) ?? name);
    const node = inputs.some((name, i) => name !== source.inputs[i]) ? { ...source, inputs } : source;
    const key = random.has(node.op) || except(source) ? undefined : keyOf(node);
    const known = key === undefined ? undefined : seen.get(key);
    if (known && !node.outputs.some((name) => kept.has(name))) {
      for (const [i, name] of node.outputs.entries()) replaced.set(name, known[i]!);
      continue;
    }
    if (key !== undefined && !known) seen.set(key, node.outputs);
    nodes.push(node);
  }
  return removeDeadValues({ ...graph, nodes }, kept);
}

/** What a node computes, in words; undefined where that cannot be told cheaply. */
function keyOf(node: Node): string | undefined {
  const attributes: string[] = [];
  for (const name of Object.keys(node.attributes).sort()) {
    const value = keyOfAttribute(node.attributes[name]!);
    if (value === undefined) return undefined;
    attributes.push(`${name}=${value}`);
  }
  const present = node.outputs.map((name) => (name === '' ? '' : '+')).join();
  return JSON.stringify([node.domain, node.op, node.inputs, present, attributes]);
}

function keyOfAttribute(attribute: Attribute): string | undefined {
  switch (attribute.type) {
    case 'tensor':
      return keyOfTensor(attribute.value);
    case 'graph':
    case 'graphs':
    case 'tensors':
    case 'reference':
      return undefined;
    default:
      return JSON.stringify(attribute.value);
  }
}

function keyOfConstant(name: string, tensor: Tensor): string | undefined {
  return isParameter(name, tensor) ? undefined : keyOfTensor(tensor);
}

function keyOfTensor({ dtype, shape, data }: Tensor): string | undefined {
  if (data.kind !== 'bytes' || sizeOf(shape) * widthOf(dtype) > comparedBytes) return undefined;
  return `${dtype}[${shape.join(',')}]${data.bytes.join(',')}`;
}
