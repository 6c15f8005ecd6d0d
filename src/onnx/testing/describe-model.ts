import { codeOf } from '../data-types.ts';
import type { Attribute, Graph, Model, Node, Tensor } from '../model.ts';
import { bytesOf, sha256 } from './model-files.ts';

/** TensorProto.DataType names by code, as the Python package prints them. */
const typeNames: Record<number, string> = {
  1: 'FLOAT',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'STRING',
  9: 'BOOL',
  10: 'FLOAT16',
  11: 'DOUBLE',
  12: 'UINT32',
  13: 'UINT64',
  16: 'BFLOAT16',
};

/** A model in the words of tools/reference/onnx_files.py, with a hash in place of each tensor's elements. */
export async function describeModel(model: Model): Promise<Record<string, unknown>> {
  return {
    irVersion: model.irVersion,
    opsets: Object.fromEntries(model.opsets),
    producer: model.producer.name,
    metadata: Object.fromEntries(model.metadata),
    graph: await describeGraph(model.graph),
    functions: await Promise.all(
      model.functions.map(async ({ name, domain, inputs, outputs, attributes, nodes }) => ({
        name,
        domain,
        inputs,
        outputs,
        attributes,
        nodes: await Promise.all(nodes.map(describeNode)),
      })),
    ),
  };
}

async function describeGraph(graph: Graph): Promise<Record<string, unknown>> {
  const initializers = [...graph.initializers].map(async ([name, tensor]) => [
    name,
    await describeTensor(tensor),
  ]);
  return {
    inputs: graph.inputs.map(({ name }) => name),
    outputs: graph.outputs.map(({ name }) => name),
    initializers: Object.fromEntries(await Promise.all(initializers)),
    nodes: await Promise.all(graph.nodes.map(describeNode)),
  };
}

async function describeNode({ name, op, domain, inputs, outputs, attributes }: Node) {
  const described = Object.entries(attributes).map(async ([key, attribute]) => [
    key,
    await describeValue(attribute),
  ]);
  return { name, op, domain, inputs, outputs, attributes: Object.fromEntries(await Promise.all(described)) };
}

async function describeValue(attribute: Attribute): Promise<unknown> {
  switch (attribute.type) {
    case 'tensor':
      return describeTensor(attribute.value);
    case 'graph':
      return describeGraph(attribute.value);
    case 'reference':
      return { reference: attribute.value };
    case 'tensors':
      return Promise.all(attribute.value.map(describeTensor));
    case 'graphs':
      return Promise.all(attribute.value.map(describeGraph));
    default:
      return attribute.value;
  }
}

async function describeTensor(tensor: Tensor) {
  const described = { dtype: typeNames[codeOf(tensor.dtype)], shape: tensor.shape };
  if (tensor.data.kind === 'strings') return { ...described, strings: tensor.data.values };
  return { ...described, sha256: sha256(await bytesOf(tensor)) };
}
