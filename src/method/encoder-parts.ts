import { isFloat } from '../onnx/data-types.ts';
import { isWeight } from '../onnx/lift-weights.ts';
import type { Node, TypedGraph } from '../onnx/model.ts';
import { promoteTokens } from './tokens.ts';

/**
 * The residual stream in front of each transformer block of a vision graph, first block first: the input of the layer
 * norm from which the block's attention scores come. Found by structure, because exporters agree on no names. Needs
 * fused norms (`simplify`); a graph without such blocks gives none.
 */
export function blockInputs(graph: TypedGraph): string[] {
  const producer = producersOf(graph);
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (node.op !== 'Softmax') continue;
    const norm = nearestNorm(node, producer);
    if (norm) found.add(norm.inputs[0]!);
  }
  return [...found];
}

/** Weights that only the last `blocks` transformer blocks and what follows them read, by initialiser name. */
export function weightsOfLastBlocks(graph: TypedGraph, blocks: number): string[] {
  const inputs = blockInputs(graph);
  const from = inputs[inputs.length - blocks];
  if (from === undefined) return [];
  const before = ancestors(graph, from);
  const read = new Set<string>();
  for (const node of graph.nodes) if (before.has(node)) for (const input of node.inputs) read.add(input);
  return [...graph.initializers]
    .filter(([name, tensor]) => isWeight(tensor) && !read.has(name))
    .map(([name]) => name);
}

/** The block of each weight, from 1; 0 is before the first. What follows the last block counts with it. */
export function blocksOfWeights(graph: TypedGraph): Map<string, number> {
  const weights = [...graph.initializers].filter(([, tensor]) => isWeight(tensor)).map(([name]) => name);
  const found = new Map(weights.map((name) => [name, 0]));
  const count = blockInputs(graph).length;
  for (let last = count; last >= 1; last--) {
    for (const name of weightsOfLastBlocks(graph, last)) found.set(name, count - last + 1);
  }
  return found;
}

/** The matrices of the transformer blocks, which low-rank factors can adapt; the output projection is left out. */
export function blockMatrices(graph: TypedGraph): string[] {
  const inside = ancestors(graph, promoteTokens(graph).hidden);
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (!inside.has(node) || (node.op !== 'MatMul' && node.op !== 'Gemm')) continue;
    const matrix = node.inputs[1]!;
    const type = graph.types.get(matrix);
    if (graph.initializers.has(matrix) && type && isFloat(type.dtype) && type.shape.length === 2) {
      found.add(matrix);
    }
  }
  return [...found];
}

function producersOf(graph: TypedGraph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

/** Breadth first: the norm of the block itself is met before those of the blocks below. */
function nearestNorm(start: Node, producer: ReadonlyMap<string, Node>): Node | undefined {
  const seen = new Set([start]);
  for (const node of seen) {
    if (node.op === 'LayerNormalization') return node;
    for (const input of node.inputs) {
      const before = producer.get(input);
      if (before) seen.add(before);
    }
  }
  return undefined;
}

/** The nodes that a value depends on, the one that makes it included. */
function ancestors(graph: TypedGraph, value: string): Set<Node> {
  const producer = producersOf(graph);
  const last = producer.get(value);
  const seen = new Set(last ? [last] : []);
  for (const node of seen) {
    for (const input of node.inputs) {
      const before = producer.get(input);
      if (before) seen.add(before);
    }
  }
  return seen;
}
