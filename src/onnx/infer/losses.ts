import type { TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';

/** Scores [N, C, ...] and labels [N, ...] to one loss, or one for each label without a reduction. */
function lossOf(c: InferContext): TensorType {
  const [batch, classes, ...rest] = c.shape(0);
  c.check(classes !== undefined, 'The scores have no class axis');
  c.check(c.shape(1).join() === [batch, ...rest].join(), 'The labels do not fit the scores');
  c.check(!c.has(2) || c.shape(2).join() === `${classes}`, 'The weights are not one number for each class');
  const each = c.string('reduction', 'mean') === 'none';
  return { dtype: c.dtype(0), shape: each ? c.shape(1) : [] };
}

export const losses: InferTable = {
  NegativeLogLikelihoodLoss: (c) => [lossOf(c)],
  SoftmaxCrossEntropyLoss: (c) => [lossOf(c), c.type(0)],
};
