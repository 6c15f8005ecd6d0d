import type { OptimizerConfig } from '../method/config.ts';

/**
 * The learning rate of optimiser step `step` (from 0) out of `steps`: a linear rise from zero over the warm-up, then
 * constant, linear to zero or half a cosine to zero, as transformers' `get_scheduler` has them. A function of the step
 * alone, so a resumed run continues the curve.
 */
export function learningRateAt(
  { learningRate, schedule, warmup }: Pick<OptimizerConfig, 'learningRate' | 'schedule' | 'warmup'>,
  step: number,
  steps: number,
): number {
  const rising = Math.ceil(warmup * steps);
  if (step < rising) return (learningRate * step) / Math.max(1, rising);
  const share = (step - rising) / Math.max(1, steps - rising);
  switch (schedule) {
    case 'constant':
      return learningRate;
    case 'linear':
      return learningRate * Math.max(0, 1 - share);
    case 'cosine':
      return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * share)));
  }
}
