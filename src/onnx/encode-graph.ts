import type { MessageInitShape } from '@bufbuild/protobuf';
import { codeOf } from './data-types.ts';
import { attributeCodeOf } from './decode-graph.ts';
import type { Attribute, Graph, ModelFunction, Node, Tensor, ValueInfo } from './model.ts';
import type { descriptorOf, MessageName } from './schema.ts';
import { toInt64 } from './tensors.ts';

/** A message to be, as plain data. */
export type Init<N extends MessageName> = MessageInitShape<ReturnType<typeof descriptorOf<N>>>;

export interface EncodeContext {
  readonly irVersion: number;
  /** Writes a tensor; `initializer` is false for attributes. */
  tensor(tensor: Tensor, name: string, initializer: boolean): Init<'TensorProto'>;
}

const utf8 = new TextEncoder();

export function encodeGraph(graph: Graph, context: EncodeContext): Init<'GraphProto'> {
  // Until IR version 3 every initialiser is an input as well.
  const repeated: ValueInfo[] =
    context.irVersion < 4
      ? [...graph.initializers].map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] }))
      : [];
  return {
    node: graph.nodes.map((node) => encodeNode(node, context)),
    // The name is required by the checker.
    name: graph.name || 'graph',
    initializer: [...graph.initializers].map(([name, tensor]) => context.tensor(tensor, name, true)),
    input: [...graph.inputs, ...repeated].map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
    valueInfo: [...graph.valueInfo.values()].map(encodeValueInfo),
  };
}

export function encodeFunction(fn: ModelFunction, context: EncodeContext): Init<'FunctionProto'> {
  return {
    name: fn.name,
    domain: fn.domain,
    input: fn.inputs,
    output: fn.outputs,
    attribute: fn.attributes.filter((name) => !Object.hasOwn(fn.attributeDefaults, name)),
    attributeProto: encodeAttributes(fn.attributeDefaults, context),
    node: fn.nodes.map((node) => encodeNode(node, context)),
    opsetImport: encodeOpsets(fn.opsets),
  };
}

export const encodeOpsets = (opsets: ReadonlyMap<string, number>): Init<'OperatorSetIdProto'>[] =>
  [...opsets].map(([domain, version]) => ({ domain, version: BigInt(version) }));

function encodeNode(node: Node, context: EncodeContext): Init<'NodeProto'> {
  return {
    input: node.inputs,
    output: node.outputs,
    ...(node.name === '' ? {} : { name: node.name }),
    opType: node.op,
    ...(node.domain === '' ? {} : { domain: node.domain }),
    attribute: encodeAttributes(node.attributes, context),
  };
}

const encodeAttributes = (attributes: Readonly<Record<string, Attribute>>, context: EncodeContext) =>
  Object.entries(attributes).map(([name, attribute]) => ({
    name,
    type: attributeCodeOf(attribute.type === 'reference' ? attribute.of : attribute.type),
    ...encodeValue(attribute, context),
  }));

function encodeValue(attribute: Attribute, context: EncodeContext): Init<'AttributeProto'> {
  switch (attribute.type) {
    case 'float':
      return { f: Math.fround(attribute.value) };
    case 'int':
      return { i: toInt64(attribute.value) };
    case 'string':
      return { s: utf8.encode(attribute.value) };
    case 'tensor':
      return { t: context.tensor(attribute.value, '', false) };
    case 'graph':
      return { g: encodeGraph(attribute.value, context) };
    case 'floats':
      return { floats: attribute.value.map(Math.fround) };
    case 'ints':
      return { ints: attribute.value.map(toInt64) };
    case 'strings':
      return { strings: attribute.value.map((text) => utf8.encode(text)) };
    case 'tensors':
      return { tensors: attribute.value.map((tensor) => context.tensor(tensor, '', false)) };
    case 'graphs':
      return { graphs: attribute.value.map((graph) => encodeGraph(graph, context)) };
    case 'reference':
      return { refAttrName: attribute.value };
  }
}

function encodeValueInfo({ name, dtype, shape }: ValueInfo): Init<'ValueInfoProto'> {
  if (!dtype) return { name };
  const dim = shape?.map((size) =>
    typeof size === 'number' ? { dimValue: BigInt(size) } : size === null ? {} : { dimParam: size },
  );
  return { name, type: { tensorType: { elemType: codeOf(dtype), ...(dim ? { shape: { dim } } : {}) } } };
}
