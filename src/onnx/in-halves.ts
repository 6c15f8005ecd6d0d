import { GraphBuilder } from './builder.ts';
import { codeOf } from './data-types.ts';
import type { Node, TypedGraph } from './model.ts';
import { narrowed } from './narrow.ts';

/**
 * The same graph as a float16 export has it: float32 inputs, outputs, initialisers and casts become float16. Weights
 * that are byte ranges are converted as they are read.
 */
export function inHalves(source: TypedGraph): TypedGraph {
  const inputs = source.inputs.map((input) =>
    input.dtype === 'float32' ? { ...input, dtype: 'float16' as const } : input,
  );
  const initializers = new Map([...source.initializers].map(([name, tensor]) => [name, narrowed(tensor)]));
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
