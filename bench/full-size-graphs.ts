import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { codeOf, isFloat } from '../src/onnx/data-types.ts';
import { readModel } from '../src/onnx/decode.ts';
import type { ByteSource, Node, Tensor, TypedGraph } from '../src/onnx/model.ts';
import { retypeInput } from '../src/onnx/passes/retype-input.ts';
import { simplify } from '../src/onnx/passes/simplify.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { specialise } from '../src/onnx/specialise.ts';
import { tensorOf, valuesOf } from '../src/onnx/tensors.ts';

/** A file of weights that is not there: nothing may read it. */
const absentWeights = (size: number): ByteSource => ({
  name: 'weights.bin',
  size,
  read: () => Promise.reject(new Error('The weights of a full-size model were read')),
});

/**
 * The forward graph of a model that `tools/reference/full_size.py` wrote, as a run would prepare it.
 *
 * @param weightsOf makes its file of weights, given the bytes that it should have
 */
export async function fullSizeGraph(
  folder: string,
  name: string,
  weightsOf: (size: number) => ByteSource = absentWeights,
): Promise<TypedGraph> {
  const source = bytesSource(`${name}.onnx`, readFileSync(join(folder, `${name}.onnx`)));
  const weights = weightsOf(Number(readFileSync(join(folder, `${name}.size`), 'utf8')));
  const model = await readModel(source, { external: new Map([['weights.bin', weights]]) });
  let graph = await specialise(model);
  for (const { name: input } of graph.inputs) {
    if (!isFloat(graph.types.get(input)!.dtype)) graph = retypeInput(graph, input, 'float32');
  }
  return simplify(graph);
}

/** The same graph as a float16 export has it. Weights that are not there only change their type. */
export function inHalves(source: TypedGraph): TypedGraph {
  const narrow = (tensor: Tensor): Tensor => {
    if (tensor.dtype !== 'float32') return tensor;
    return tensor.data.kind === 'range'
      ? { ...tensor, dtype: 'float16' }
      : tensorOf('float16', tensor.shape, valuesOf(tensor));
  };
  const inputs = source.inputs.map((input) =>
    input.dtype === 'float32' ? { ...input, dtype: 'float16' as const } : input,
  );
  const initializers = new Map([...source.initializers].map(([name, tensor]) => [name, narrow(tensor)]));
  const graph: TypedGraph = {
    ...source,
    inputs,
    outputs: source.outputs.map((output) =>
      output.dtype === 'float32' ? { ...output, dtype: 'float16' as const } : output,
    ),
    initializers,
    nodes: [],
    types: new Map([
      ...inputs.map(
        ({ name, dtype }) => [name, { dtype: dtype!, shape: source.types.get(name)!.shape }] as const,
      ),
      ...[...initializers].map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const),
    ]),
  };
  const b = new GraphBuilder(graph);
  for (const node of source.nodes) b.append(castToHalf(node));
  return graph;
}

function castToHalf(node: Node): Node {
  const to = node.attributes['to'];
  if (node.op !== 'Cast' || to?.type !== 'int' || to.value !== codeOf('float32')) return node;
  return { ...node, attributes: { ...node.attributes, to: { type: 'int', value: codeOf('float16') } } };
}
