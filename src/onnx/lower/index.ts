import type { GraphBuilder } from '../builder.ts';
import type { Node } from '../model.ts';
import { activations, swish } from './activations.ts';
import { contribAttentions, standardAttention } from './attention.ts';
import { layouts } from './layouts.ts';
import { Lowering, type LowerTable } from './lowering.ts';
import { contribNorms, groupNormalization, simplifiedLayerNormalization } from './norms.ts';
import { contribRotaryEmbedding, standardRotaryEmbedding } from './rotary.ts';

/** Newer operators of the standard set that the WebGPU provider or the derivative rules lack. */
const standard: LowerTable = {
  Attention: standardAttention,
  GroupNormalization: groupNormalization,
  RotaryEmbedding: standardRotaryEmbedding,
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  Swish: swish,
};

const contrib: LowerTable = {
  ...activations,
  ...contribAttentions,
  ...contribNorms,
  ...layouts,
  RotaryEmbedding: contribRotaryEmbedding,
};

const domains: ReadonlyMap<string, LowerTable> = new Map([
  ['', standard],
  ['com.microsoft', contrib],
]);

/**
 * Writes fused operators with standard ones that mean exactly the same: those of domain com.microsoft that
 * onnxruntime's optimiser puts into files for its native runtime, and newer standard ones. Constants go into the
 * builder's graph, which must know the types of the node's inputs; the nodes are returned, not appended. Other nodes
 * are returned as they are.
 *
 * Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md and
 * https://onnx.ai/onnx/operators/.
 *
 * @throws UnsupportedModelError for variants without an exact equivalent, such as caches of earlier tokens.
 */
export function lower(node: Node, b: GraphBuilder): Node[] {
  const table = domains.get(node.domain);
  const rule = table && Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  if (!rule) return [node];
  const lowering = new Lowering(node, b);
  rule(lowering);
  return lowering.finish();
}
