import { RuntimeError } from './errors.ts';
import {
  checkLike,
  type Optimizer,
  type OptimizerOptions,
  type Parameter,
  type UpdateConfig,
} from './optimizer-contract.ts';
import { CpuOptimizer } from './optimizer-cpu.ts';
import { GpuOptimizer } from './optimizer-gpu.ts';
import type { Runtime } from './runtime.ts';
import { isGpuTensor } from './tensor.ts';

export type {
  Optimizer,
  OptimizerOptions,
  OptimizerState,
  Parameter,
  StepHandle,
  StepReport,
  UpdateConfig,
} from './optimizer-contract.ts';

/**
 * SGD with momentum or AdamW over the given weights, as `torch.optim.SGD` (dampening 0, decay added to the gradient)
 * and `torch.optim.AdamW` (decoupled decay, bias correction) define them, with `torch.nn.utils.clip_grad_norm_`.
 */
export function createOptimizer(
  runtime: Runtime,
  parameters: readonly Parameter[],
  config: UpdateConfig,
  { passes = 1 }: OptimizerOptions = {},
): Optimizer {
  if (parameters.length === 0) throw new RuntimeError('An optimiser needs at least one weight');
  const names = new Set<string>();
  for (const { name, weight, reference } of parameters) {
    if (names.has(name)) throw new RuntimeError(`Weight "${name}" is listed twice`);
    names.add(name);
    if (weight.dtype !== 'float32') {
      throw new RuntimeError(`Weight "${name}" is ${weight.dtype}: trained weights are kept in float32`);
    }
    if (isGpuTensor(weight) !== (runtime.device !== null)) {
      throw new RuntimeError(`Weight "${name}" is not where the ${runtime.provider} provider computes`);
    }
    if (reference) checkLike(`The reference of weight "${name}"`, reference, weight);
  }
  return runtime.device
    ? new GpuOptimizer(runtime, runtime.device, parameters, config, passes)
    : new CpuOptimizer(parameters, config, passes);
}
