import { describe, expect, it } from 'vitest';
import { codeOf, sizeOf } from '../../onnx/data-types.ts';
import type { DataType } from '../../onnx/model.ts';
import { backwardOf, cotangentOf, forwardOf, type GradientCase, valuesOf } from '../testing/case.ts';
import { cases } from '../testing/cases/index.ts';
import { CpuSession } from '../testing/cpu-session.ts';
import { samplesOf } from '../testing/samples.ts';

/** No provider adds up into float16: these operators themselves, not their rules, want float32. */
const wantsSingle = new Set(['ScatterElements add', 'ScatterND add']);

describe('float16 gradients follow float32 ones', () => {
  const anyType = Object.keys(cases).filter(
    (variant) => !wantsSingle.has(variant) && samplesOf(variant, 1)[0]!.dtype === undefined,
  );
  it.each(anyType)('%s', async (variant) => {
    for (const c of samplesOf(variant, 4)) {
      const half = await gradientsIn(c, 'float16');
      const single = await gradientsIn(c, 'float32');
      for (const [i, expected] of single.entries()) {
        const scale = Math.max(1, ...expected.map(Math.abs));
        const errors = half[i]!.map((value, j) => Math.abs(value - expected[j]!) / scale);
        expect(Math.max(0, ...errors), c.label).toBeLessThan(0.02);
      }
    }
  });
});

describe('float16 gradients of choices among values that the runtime keeps in float32', () => {
  // The CPU provider drops the rounding to float16 where the reader is computed in float32 again.
  it.each(['Clip', 'Max', 'Min'])('%s', async (op) => {
    const c: GradientCase = {
      label: op,
      inputs: [{ shape: [1, 2, 6, 6] }, { shape: [3, 2, 3, 3] }],
      seed: 5,
      build: (b, [x, w]) => {
        const [wideX, wideW] = [x!, w!].map((name) => b.op('Cast', [name], { to: codeOf('float32') }));
        const y = b.op('Cast', [b.op('Conv', [wideX!, wideW!])], { to: codeOf(b.dtype(x!)) });
        const bound = (value: number) => b.scalar(value, b.dtype(y));
        return b.op(op, op === 'Clip' ? [y, bound(-0.3), bound(0.4)] : [y, bound(0.1)]);
      },
    };
    const half = await gradientsIn(c, 'float16');
    const single = await gradientsIn(c, 'float32');
    expect(single[1]!.some((value) => Math.abs(value) > 0.1)).toBe(true);
    for (const [i, expected] of single.entries()) {
      const scale = Math.max(1, ...expected.map(Math.abs));
      for (const [j, value] of half[i]!.entries())
        expect(Math.abs(value - expected[j]!) / scale).toBeLessThan(0.02);
    }
  });
});

async function gradientsIn(c: GradientCase, dtype: DataType): Promise<number[][]> {
  const { graph } = backwardOf(c, dtype);
  const { output } = forwardOf(c, dtype);
  const session = await CpuSession.open(graph);
  const count = sizeOf(graph.types.get(output)!.shape);
  const gradients = await session.run([...valuesOf(c), cotangentOf(c, count)]);
  await session.release();
  return gradients;
}
