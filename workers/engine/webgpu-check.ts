import type { OpenDevice } from '../../src/runtime/device.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { DeviceTensor } from '../../src/runtime/tensor.ts';
import type { Progress, WebGpuCheck } from '../protocol.ts';
import { prepareRun, type RunParts } from './runs.ts';

/**
 * Makes the first steps of a run twice from the same start, on WebGPU with CPU fallback forbidden and on wasm, and
 * compares every gradient; latents are made anew by both. Both runs go their own way: differences may grow from step to step, and are reported.
 */
export async function checkOnWebGpu(
  gpu: { device: OpenDevice; runtime: Runtime },
  cpu: Runtime,
  { latents: _, ...parts }: RunParts,
  steps: number,
  progress: (event: Progress) => void,
): Promise<WebGpuCheck> {
  const check: WebGpuCheck = {
    adapter: gpu.device.adapter.description,
    loss: [],
    wasmLoss: [],
    gradientRelativeError: 0,
    dispatches: 0,
    ms: [],
  };
  const started = performance.now();
  const report = (done: number) => {
    const elapsed = (performance.now() - started) / 1000;
    progress({
      label: 'WebGPU steps',
      done,
      total: steps,
      secondsLeft: done === 0 ? null : (elapsed / done) * (steps - done),
    });
  };
  report(0);
  const reference = await prepareRun(cpu, cpu, parts);
  try {
    const checked = await prepareRun(gpu.runtime, cpu, parts);
    try {
      for (let step = 0; step < steps; step++) {
        const expected: Float32Array[] = [];
        const wasm = await reference.refinement.next(async (g) => void expected.push(await flatten(cpu, g)));
        const got: Float32Array[] = [];
        const { result, counts } = await gpu.device.count(() =>
          checked.refinement.next(async (g) => void got.push(await flatten(gpu.runtime, g))),
        );
        check.wasmLoss.push(wasm.loss);
        check.loss.push(result.loss);
        check.ms.push(result.ms);
        check.dispatches = counts.dispatches;
        for (const [pass, gradient] of got.entries()) {
          check.gradientRelativeError = Math.max(
            check.gradientRelativeError,
            relativeError(gradient, expected[pass]!),
          );
        }
        report(step + 1);
      }
    } finally {
      await checked.release();
    }
  } finally {
    await reference.release();
  }
  return check;
}

/** All gradients one after another, in the order of their names. */
async function flatten(
  runtime: Runtime,
  gradients: ReadonlyMap<string, DeviceTensor>,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const name of [...gradients.keys()].sort()) {
    parts.push(new Float32Array((await runtime.read(gradients.get(name)!)).buffer));
  }
  const whole = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** |got - expected| / |expected| in L2. */
function relativeError(got: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (got[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}
