import type { GraphBuilder } from '../onnx/builder.ts';
import { addInput } from '../onnx/graft.ts';

/**
 * Keeps what the encoder already knows: the mean squared difference between the pictures' cosine similarities to one
 * another now and by the encoder as it came (relational distillation, Park et al., arXiv 1904.05068, on cosines).
 *
 * Adds the input `anchor` [batch, width]: the original embeddings of the pass's images, in any length.
 *
 * @param pooled name of the embeddings now, [batch, width], not L2-normalised
 * @returns the name of the loss, a scalar of the embeddings' dtype
 */
export function buildAnchor(b: GraphBuilder, pooled: string): string {
  const { dtype, shape } = b.type(pooled);
  const before = addInput(b, 'anchor', dtype, shape);
  b.scope = 'anchor/';
  const difference = b.op('Sub', [cosines(b, pooled), cosines(b, before)]);
  return b.op('ReduceMean', [b.op('Mul', [difference, difference]), b.ints([0, 1])], { keepdims: 0 });
}

/** [batch, batch]: every row's cosine to every other. */
function cosines(b: GraphBuilder, rows: string): string {
  const length = b.op('Sqrt', [b.op('ReduceSum', [b.op('Mul', [rows, rows]), b.ints([1])], { keepdims: 1 })]);
  const unit = b.op('Div', [rows, length]);
  return b.op('MatMul', [unit, b.op('Transpose', [unit], { perm: [1, 0] })]);
}
