import { asModel } from '../onnx/as-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { TensorType, TypedGraph } from '../onnx/model.ts';
import { collect } from '../onnx/parts.ts';

/** The bytes of a small model: `build` makes nodes from the named inputs and returns its outputs by name. */
export function modelOf(
  inputs: Record<string, TensorType>,
  build: (b: GraphBuilder) => Record<string, string>,
): Promise<Uint8Array> {
  const graph: TypedGraph = {
    name: 'test',
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: new Map(),
    valueInfo: new Map(),
    types: new Map(Object.entries(inputs)),
    opset: 17,
  };
  for (const [name, { dtype, shape }] of Object.entries(inputs))
    graph.inputs.push({ name, dtype, shape: [...shape] });
  const b = new GraphBuilder(graph);
  for (const [name, value] of Object.entries(build(b))) {
    const { dtype, shape } = b.type(value);
    graph.nodes.push({ name, op: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {} });
    graph.outputs.push({ name, dtype, shape: [...shape] });
  }
  return collect(encodeModel(asModel(graph)).parts);
}
