import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../onnx/data-types.ts';
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

async function gradientsIn(c: GradientCase, dtype: DataType): Promise<number[][]> {
  const { graph } = backwardOf(c, dtype);
  const { output } = forwardOf(c, dtype);
  const session = await CpuSession.open(graph);
  const count = sizeOf(graph.types.get(output)!.shape);
  const gradients = await session.run([...valuesOf(c), cotangentOf(c, count)]);
  await session.release();
  return gradients;
}
