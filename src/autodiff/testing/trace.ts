import { sizeOf } from '../../onnx/data-types.ts';
import type { Node, TypedGraph } from '../../onnx/model.ts';
import { backwardOf, cotangentOf, forwardOf, type GradientCase, valuesOf } from './case.ts';
import { CpuSession } from './cpu-session.ts';

/** A graph with the elements of its inputs and, by onnxruntime's CPU provider, of its outputs. */
export interface FedGraph {
  readonly graph: TypedGraph;
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
}

export interface Trace {
  /**
   * The nodes that the rules wrote, and nothing else: values of the forward pass are inputs. The forward operator may
   * be one that the GPU lacks; what its rule writes may not.
   */
  readonly backward: FedGraph;
  /** Every node of the gradient graph by itself, fed with what it gets there. */
  readonly nodes: readonly (FedGraph & { readonly node: Node })[];
}

/** Runs the gradient graph of a case in float32 on the CPU provider and takes it apart. */
export async function traceOf(c: GradientCase): Promise<Trace> {
  const { graph, emitted } = backwardOf(c, 'float32');
  const { output } = forwardOf(c, 'float32');
  const fed = [...valuesOf(c), cotangentOf(c, sizeOf(graph.types.get(output)!.shape))];
  const inner = graph.nodes.flatMap(namedOutputs);

  const session = await CpuSession.open(part(graph, graph.nodes, inner));
  const computed = await session.run(fed);
  await session.release();
  const elements = new Map<string, readonly number[]>();
  for (const [i, { name }] of graph.inputs.entries()) elements.set(name, fed[i]!);
  for (const [i, name] of inner.entries()) elements.set(name, computed[i]!);

  const feed = (piece: TypedGraph): FedGraph => ({
    graph: piece,
    inputs: piece.inputs.map(({ name }) => elements.get(name)!),
    outputs: piece.outputs.map(({ name }) => elements.get(name)!),
  });
  const written = new Set(emitted.flatMap((node) => node.outputs));
  // Where a rule hands a value on as it is (Add, Identity), there is nothing to run.
  const gradients = graph.outputs.map(({ name }) => name).filter((name) => written.has(name));
  return {
    backward: feed(part(graph, emitted, gradients)),
    nodes: graph.nodes.map((node) => ({ node, ...feed(part(graph, [node], namedOutputs(node))) })),
  };
}

const namedOutputs = (node: Node): string[] => node.outputs.filter((name) => name !== '');

/** Some nodes of a graph as a graph: values that none of them makes become inputs, constants stay constants. */
function part(graph: TypedGraph, nodes: readonly Node[], outputs: readonly string[]): TypedGraph {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const declare = (name: string) => {
    const { dtype, shape } = graph.types.get(name)!;
    return { name, dtype, shape: [...shape] };
  };
  const given = graph.inputs
    .map(({ name }) => name)
    .filter((name) => nodes.length === graph.nodes.length || used.has(name));
  const inner = graph.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => used.has(name) && !made.has(name));
  return {
    ...graph,
    nodes: [...nodes],
    inputs: [...given, ...inner].map(declare),
    outputs: [...new Set(outputs)].map(declare),
    initializers: new Map([...graph.initializers].filter(([name]) => used.has(name))),
  };
}
