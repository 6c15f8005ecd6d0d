import { liveness } from './liveness.ts';
import type { Node, TypedGraph } from './model.ts';

/** For each node the positions of the nodes whose outputs it reads, ascending, each once. */
function producersOf(nodes: readonly Node[]): number[][] {
  const maker = new Map<string, number>();
  for (const [i, node] of nodes.entries()) {
    for (const output of node.outputs) if (output !== '') maker.set(output, i);
  }
  return nodes.map((node) => {
    const found = new Set<number>();
    for (const input of node.inputs) {
      const at = maker.get(input);
      if (at !== undefined) found.add(at);
    }
    return [...found].sort((a, b) => a - b);
  });
}

function leavesOf(producers: readonly (readonly number[])[]): number[] {
  const read = new Set(producers.flat());
  return [...producers.keys()].filter((i) => !read.has(i));
}

/**
 * The order in which onnxruntime runs the nodes of a graph: not the file's, but a depth-first walk from the nodes that
 * no other reads, the last of the file first, entering the inputs of each node from the last of the file to the first
 * (`GraphViewer` and `Graph::ReverseDFSFrom` in onnxruntime/core/graph). Holds for graphs that its optimiser leaves
 * alone.
 */
export function executionOrder(nodes: readonly Node[]): Node[] {
  const producers = producersOf(nodes);
  const entered = new Uint8Array(nodes.length);
  const order: Node[] = [];
  // Entries below zero stand for leaving the node, whose inputs have run by then.
  const stack = leavesOf(producers);
  while (stack.length > 0) {
    const at = stack.pop()!;
    if (at < 0) {
      order.push(nodes[-at - 1]!);
      continue;
    }
    if (entered[at]) continue;
    entered[at] = 1;
    stack.push(-at - 1);
    for (const input of producers[at]!) if (!entered[input]) stack.push(input);
  }
  return order;
}

/**
 * Lists the nodes of a graph so that {@link executionOrder} runs each as late as its readers allow, and frees early:
 * the deepest input of a node first, and of the nodes that no other reads (weight gradients, mostly) the shallowest
 * first. In the order of the file the runtime would run all weight gradients at the very end, keeping every gradient
 * of the activations for them, and all transposed weights before anything else. A graph whose order is better as it is
 * stays as it is.
 */
export function arrangeForRuntime(graph: TypedGraph): TypedGraph {
  const producers = producersOf(graph.nodes);
  const depth = new Int32Array(graph.nodes.length);
  for (const [i, inputs] of producers.entries()) {
    for (const input of inputs) depth[i] = Math.max(depth[i]!, depth[input]! + 1);
  }
  const leaves = new Set(leavesOf(producers));
  const inner = [...graph.nodes.keys()].filter((i) => !leaves.has(i));
  inner.sort((a, b) => depth[a]! - depth[b]! || a - b);
  const last = [...leaves].sort((a, b) => depth[b]! - depth[a]! || b - a);
  const arranged = { ...graph, nodes: [...inner, ...last].map((i) => graph.nodes[i]!) };
  return runtimePeak(arranged) < runtimePeak(graph) ? arranged : graph;
}

/**
 * Peak of inner values, bytes, when onnxruntime runs the graph. Outputs are not counted: whoever runs a training graph
 * holds them for longer than a run.
 */
export function runtimePeak(graph: TypedGraph): number {
  const types = new Map(graph.types);
  for (const { name } of graph.outputs) types.delete(name);
  return liveness({ ...graph, nodes: executionOrder(graph.nodes), types }).peakBytes;
}
