import type { TypedGraph } from '../model.ts';
import { mergeCommonSubexpressions } from './common-subexpressions.ts';
import { fuseGelu } from './fuse-gelu.ts';
import { fuseLayerNorm } from './fuse-layer-norm.ts';
import { mergeMovement } from './merge-movement.ts';
import { mergeParts } from './merge-parts.ts';
import { removeNoOps } from './no-ops.ts';
import { readUniformValues } from './uniform-values.ts';

/**
 * The passes that make a forward graph smaller and its derivative cheaper, in the order that lets each see what the
 * ones before it uncover. Values in `keep` and the outputs keep their names.
 */
export function simplify(graph: TypedGraph, keep: readonly string[] = []): TypedGraph {
  const merged = mergeCommonSubexpressions(readUniformValues(graph, keep), { keep });
  const fused = fuseGelu(fuseLayerNorm(merged, keep), keep);
  return removeNoOps(mergeMovement(mergeParts(fused, keep), keep), keep);
}
