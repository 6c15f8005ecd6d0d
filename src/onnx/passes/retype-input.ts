import { GraphBuilder } from '../builder.ts';
import { UnsupportedModelError } from '../errors.ts';
import type { DataType, TypedGraph } from '../model.ts';

/**
 * Gives an input another element type and types everything behind it anew; casts that become idle disappear.
 * For the int64 timestep of denoisers: the WebGPU provider has no int64 casts, and a timestep is exact in float32.
 *
 * Throws when a node behind the input does not take the new type.
 */
export function retypeInput(source: TypedGraph, name: string, dtype: DataType): TypedGraph {
  const was = source.types.get(name);
  if (!was || !source.inputs.some((input) => input.name === name)) {
    throw new UnsupportedModelError(`The graph has no input "${name}"`, { value: name });
  }
  if (was.dtype === dtype) return source;
  const types = new Map(
    [...source.inputs.map((i) => i.name), ...source.initializers.keys()].map((n) => [
      n,
      source.types.get(n)!,
    ]),
  );
  types.set(name, { dtype, shape: was.shape });
  const graph: TypedGraph = {
    ...source,
    inputs: source.inputs.map((input) => (input.name === name ? { ...input, dtype } : input)),
    initializers: new Map(source.initializers),
    nodes: [],
    types,
  };
  const b = new GraphBuilder(graph);
  const renamed = new Map<string, string>();
  const declared = new Set(source.outputs.map((output) => output.name));
  for (const node of source.nodes) {
    const inputs = node.inputs.map((input) => renamed.get(input) ?? input);
    const [data] = inputs;
    const [output] = node.outputs;
    const idle = node.op === 'Cast' && b.dtype(data!) === source.types.get(output!)?.dtype;
    if (idle && !declared.has(output!)) renamed.set(output!, data!);
    else b.append({ ...node, inputs });
  }
  return graph;
}
