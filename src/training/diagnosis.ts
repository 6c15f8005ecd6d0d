import type { StepReport } from '../runtime/optimizer.ts';

/** The gradient is zero throughout or not finite: going on would train nothing, or ruin the weights. */
class GradientFault extends Error {
  override readonly name = 'GradientFault';
}

/** What a step's report says about its gradients. */
export interface StepOutcome {
  /** From 1. */
  step: number;
  /** Mean over the passes. */
  loss: number;
  report: Pick<StepReport, 'finite' | 'allZero' | 'nonFinite' | 'zero'>;
  /** The transformer block of each encoder weight, from 1; 0 is before the first. The projection has none. */
  blockOf: ReadonlyMap<string, number>;
}

/**
 * Throws a {@link GradientFault} that says where it went wrong first, unless the gradients can be used. The weights are
 * then as they were before the step.
 *
 * The backward pass goes from the loss to the pixels and everything behind a broken block breaks too: the block nearest
 * to the loss broke first.
 */
export function checkGradients({ step, loss, report, blockOf }: StepOutcome): void {
  if (!Number.isFinite(loss)) {
    throw new GradientFault(
      `Step ${step}: the loss is not finite, so the weights or the images overflow on the way to it. Lower the learning rate, or let the run compute in float32, and resume from the last checkpoint`,
    );
  }
  if (!report.finite) {
    throw new GradientFault(
      `Step ${step}: gradients are not finite, first in ${nearest(report.nonFinite, blockOf)}; the loss is ${loss.toPrecision(4)}. Lower the learning rate and resume from the last checkpoint`,
    );
  }
  if (report.allZero) {
    throw new GradientFault(
      `Step ${step}: every gradient is zero, first in ${nearest(report.zero, blockOf)}, so the teacher says nothing about the encoder. Check that the teacher's UNet uses its context`,
    );
  }
}

/** The one of the weights that is nearest to the loss, with its block. */
function nearest(weights: readonly string[], blockOf: ReadonlyMap<string, number>): string {
  const place = (weight: string) => blockOf.get(weight) ?? Number.POSITIVE_INFINITY;
  const [first] = weights.toSorted((a, b) => place(b) - place(a));
  // Squares of finite gradients may overflow in their sum alone.
  if (first === undefined) return 'the sum over all weights';
  const block = blockOf.get(first);
  if (block === undefined) return `the projection ("${first}")`;
  return block === 0 ? `the embeddings ("${first}")` : `block ${block} ("${first}")`;
}
