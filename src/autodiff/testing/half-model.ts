import { GraphBuilder } from '../../onnx/builder.ts';
import { codeOf } from '../../onnx/data-types.ts';
import type { TypedGraph } from '../../onnx/model.ts';

/**
 * A float32 graph computed in float16 throughout: inputs and initialisers are cast at the start and outputs back at
 * the end, so that names and types outside stay as they were.
 */
export function halved(source: TypedGraph): TypedGraph {
  const outside = [...source.inputs.map(({ name }) => name), ...source.initializers.keys()];
  const graph: TypedGraph = {
    ...source,
    nodes: [],
    initializers: new Map(source.initializers),
    types: new Map(outside.map((name) => [name, source.types.get(name)!])),
  };
  const b = new GraphBuilder(graph, 'half/');
  const [half, single] = [codeOf('float16'), codeOf('float32')];
  const names = new Map<string, string>();
  // The scales of Resize are float32 in every type of graph.
  const scales = new Set(source.nodes.flatMap(({ op, inputs }) => (op === 'Resize' ? inputs.slice(1) : [])));
  for (const name of outside) {
    if (b.dtype(name) === 'float32' && !scales.has(name)) names.set(name, b.op('Cast', [name], { to: half }));
  }
  for (const node of source.nodes) {
    for (const output of node.outputs) if (output !== '') names.set(output, `${output}.half`);
    const to = node.attributes['to'];
    const cast = node.op === 'Cast' && to?.type === 'int' && to.value === single;
    b.append({
      ...node,
      inputs: node.inputs.map((name) => names.get(name) ?? name),
      outputs: node.outputs.map((name) => names.get(name) ?? name),
      attributes: cast ? { to: { type: 'int', value: half } } : node.attributes,
    });
  }
  for (const { name } of source.outputs) {
    b.append({
      name: `${name}.single`,
      op: 'Cast',
      domain: '',
      inputs: [names.get(name)!],
      outputs: [name],
      attributes: { to: { type: 'int', value: single } },
    });
  }
  return graph;
}
