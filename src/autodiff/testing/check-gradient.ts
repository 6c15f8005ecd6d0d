import { sizeOf } from '../../onnx/data-types.ts';
import { ModelError } from '../../onnx/errors.ts';
import { webgpuObstacle } from '../webgpu-operators.ts';
import { backwardOf, cotangentOf, forwardOf, type GradientCase, targetsOf, valuesOf } from './case.ts';
import { CpuSession } from './cpu-session.ts';

/**
 * Step and tolerance of the central differences in each precision. Errors are relative to the largest element of a
 * gradient, or to `floor` where that is smaller: below it the differences are but rounding.
 */
const precision = {
  float64: { step: 2 ** -9, tolerance: 1e-8, floor: 1e-2 },
  float32: { step: 2 ** -6, tolerance: 1e-3, floor: 1e-1 },
} as const;

type Reference = keyof typeof precision;

export interface GradientCheck {
  /** The precision in which onnxruntime's CPU provider ran the forward pass for the differences. */
  reference: Reference;
  /** The precision in which it ran the backward graph. */
  backward: Reference;
  /** Largest error of a gradient, relative to the largest element of that gradient. */
  error: number;
}

/**
 * Compares the gradients of a case with central differences, both computed by onnxruntime's CPU provider: in
 * float64 where it has the kernels, else in float32. Also asserts that every backward node would run on the WebGPU
 * provider. The loss is sum(output * incoming gradient) with random incoming gradients, accumulated in float64.
 *
 * Throws an Error naming the case, the input and the elements that disagree.
 */
export async function checkGradient(c: GradientCase): Promise<GradientCheck> {
  checkEmission(c);
  const forward = await openIn(c, (dtype) => forwardOf(c, dtype).graph);
  const backward = await openIn(c, (dtype) => backwardOf(c, dtype).graph);
  try {
    const { output, graph } = forwardOf(c, forward.reference);
    const cotangent = cotangentOf(c, sizeOf(graph.types.get(output)!.shape));
    const values = valuesOf(c);
    const gradients = await backward.session.run([...values, cotangent]);
    const both = forward.reference === 'float64' && backward.reference === 'float64';
    const limits = precision[both ? 'float64' : 'float32'];
    let error = 0;
    for (const [k, target] of targetsOf(c).entries()) {
      const expected = await differences(forward.session, values, cotangent, target, forward.reference);
      error = Math.max(error, compare(c, target, gradients[k]!, expected, limits));
    }
    return { reference: forward.reference, backward: backward.reference, error };
  } finally {
    await forward.session.release();
    await backward.session.release();
  }
}

/** Every node that the rules wrote must be one that the WebGPU provider runs, in float32 and in float16. */
function checkEmission(c: GradientCase): void {
  for (const dtype of c.dtype ? (['float32'] as const) : (['float32', 'float16'] as const)) {
    const { graph, emitted } = backwardOf(c, dtype);
    for (const node of emitted) {
      const obstacle = webgpuObstacle(node, graph.types);
      if (obstacle) throw new Error(`${c.label}: node ${node.name} would leave the GPU: ${obstacle}`);
    }
  }
}

/** Opens a session in float64, or in float32 where the provider lacks a kernel. */
async function openIn(c: GradientCase, graphIn: (dtype: Reference) => Parameters<typeof CpuSession.open>[0]) {
  if (c.dtype === undefined) {
    const session = await CpuSession.open(graphIn('float64')).catch(rethrowUnlessMissingKernel);
    if (session) return { session, reference: 'float64' as const };
  }
  return { session: await CpuSession.open(graphIn('float32')), reference: 'float32' as const };
}

/** Absence of a float64 kernel is expected of some operators; anything else is a defect of the graph. */
function rethrowUnlessMissingKernel(error: unknown): undefined {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof ModelError || !/NOT_IMPLEMENTED|Could not find an implementation/i.test(text))
    throw error;
  return undefined;
}

/**
 * d(loss)/d(input) by the five-point central difference, whose error is of fourth order: steps wide enough for
 * float32 then still give five digits.
 */
async function differences(
  session: CpuSession,
  values: readonly number[][],
  cotangent: readonly number[],
  target: number,
  reference: Reference,
): Promise<number[]> {
  const { step } = precision[reference];
  const result: number[] = [];
  for (const [i, value] of values[target]!.entries()) {
    const loss = async (offset: number) => {
      const moved = values.with(target, values[target]!.with(i, value + offset * step));
      const [output] = await session.run(moved);
      return output!.reduce((sum, y, j) => sum + y * cotangent[j]!, 0);
    };
    const near = (await loss(1)) - (await loss(-1));
    const far = (await loss(2)) - (await loss(-2));
    result.push((8 * near - far) / (12 * step));
  }
  return result;
}

function compare(
  c: GradientCase,
  target: number,
  actual: readonly number[],
  expected: readonly number[],
  { tolerance, floor }: { tolerance: number; floor: number },
): number {
  const scale = Math.max(floor, ...expected.map(Math.abs));
  const errors = actual.map((value, i) => Math.abs(value - expected[i]!) / scale);
  const worst = errors.reduce((a, e) => (e > a || Number.isNaN(e) ? e : a), 0);
  if (actual.length === expected.length && worst <= tolerance) return worst;
  const at = errors.findIndex((e) => e === worst || Number.isNaN(e));
  throw new Error(
    `${c.label}, seed ${c.seed}: the gradient of input ${target} is off by ${worst} at element ${at}: ` +
      `${actual[at]} instead of ${expected[at]}`,
  );
}
