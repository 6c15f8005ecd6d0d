import { GraphBuilder } from '../onnx/builder.ts';
import { codeOf, sizeOf } from '../onnx/data-types.ts';
import type { Node, TypedGraph } from '../onnx/model.ts';
import { tensorOf, valuesOf } from '../onnx/tensors.ts';

/** Operators that add up many elements, or divide by what they added up. */
const sums = new Set([
  'BatchNormalization',
  'GlobalAveragePool',
  'GroupNormalization',
  'InstanceNormalization',
  'LayerNormalization',
  'LogSoftmax',
  'LpNormalization',
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMean',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
  'RMSNormalization',
  'Softmax',
]);

/** What a norm written out does with the sums it takes. */
const arithmetic = new Set(['Add', 'Div', 'Mul', 'Pow', 'Reciprocal', 'Sqrt', 'Sub']);

/**
 * Computes norms, softmaxes and reductions of a float16 graph in float32, with casts around them; everything else,
 * products above all, stays in float16. To be done before differentiation: the backward of a wide node is wide too.
 * Norms that are written out are widened from the square that they sum to the division. Weights keep their type, and
 * so do outputs and values in `keep`. A graph without float16 is returned as it is.
 *
 * Sums in float16 lose digits with every element, and squares of activations beyond 255 overflow (Micikevicius et al.
 * 2017, "Mixed precision training", section 3.3).
 */
export function mixedPrecision(source: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  const wide = sumNodes(source, 'float16');
  if (wide.size === 0) return source;
  const needed = new Set([...source.outputs.map(({ name }) => name), ...keep]);
  for (const node of source.nodes) if (!wide.has(node)) for (const input of node.inputs) needed.add(input);
  const outside = [...source.inputs.map(({ name }) => name), ...source.initializers.keys()];
  const graph: TypedGraph = {
    ...source,
    nodes: [],
    initializers: new Map(source.initializers),
    types: new Map(outside.map((name) => [name, source.types.get(name)!])),
  };
  const b = new GraphBuilder(graph, 'wide/');
  const widened = new Map<string, string>();
  const widen = (name: string): string => {
    if (name === '' || source.types.get(name)?.dtype !== 'float16') return name;
    let found = widened.get(name);
    if (found === undefined) {
      const constant = b.constant(name);
      found =
        constant && sizeOf(constant.shape) === 1
          ? b.shared(tensorOf('float32', constant.shape, valuesOf(constant)))
          : b.op('Cast', [name], { to: codeOf('float32') });
      widened.set(name, found);
    }
    return found;
  };
  for (const node of source.nodes) {
    if (!wide.has(node)) {
      b.append(node);
      continue;
    }
    const halves = node.outputs.filter((name) => source.types.get(name)?.dtype === 'float16');
    for (const name of halves) widened.set(name, b.fresh(name));
    b.append({
      ...node,
      inputs: node.inputs.map(widen),
      outputs: node.outputs.map((name) => (halves.includes(name) ? widened.get(name)! : name)),
    });
    for (const name of halves) {
      if (!needed.has(name)) continue;
      b.append({
        name: `${name}.narrow`,
        op: 'Cast',
        domain: '',
        inputs: [widened.get(name)!],
        outputs: [name],
        attributes: { to: { type: 'int', value: codeOf('float16') } },
      });
    }
  }
  return graph;
}

/** The nodes of one element type that float16 is too narrow for: sums, and what norms do with them. */
export function sumNodes(graph: TypedGraph, dtype: 'float16' | 'float32'): Set<Node> {
  const concerned = (name: string | undefined) => graph.types.get(name ?? '')?.dtype === dtype;
  const elements = (name: string | undefined) => sizeOf(graph.types.get(name ?? '')?.shape ?? []);
  const wide = new Set<Node>();
  const producer = new Map<string, Node>();
  /** Sums and what was computed from them alone. */
  const statistics = new Set<string>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) producer.set(output, node);
    if (node.domain !== '' || !concerned(node.inputs[0])) continue;
    const [output] = node.outputs;
    if (sums.has(node.op)) {
      wide.add(node);
      const square = producer.get(node.inputs[0]!);
      if (square && isSquare(square)) wide.add(square);
      const reduced = elements(output) < elements(node.inputs[0]);
      if (reduced && node.op.startsWith('Reduce')) statistics.add(output!);
    } else if (arithmetic.has(node.op) && node.inputs.some((name) => statistics.has(name))) {
      wide.add(node);
      const small = node.inputs.every((name) => statistics.has(name) || elements(name) === 1);
      if (small) statistics.add(output!);
    }
  }
  return wide;
}

const isSquare = (node: Node): boolean =>
  node.domain === '' && ((node.op === 'Mul' && node.inputs[0] === node.inputs[1]) || node.op === 'Pow');
