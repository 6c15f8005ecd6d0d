import { describe, expect, it } from 'vitest';
import { isFloat } from '../data-types.ts';
import { inferNode } from '../infer/index.ts';
import type { Tensor, TensorType } from '../model.ts';
import { valuesOf } from '../tensors.ts';
import { operatorCases } from '../testing/operator-cases.ts';
import { evaluate, evaluateFromType } from './evaluate.ts';

const inMemory = (value: TensorType | Tensor | undefined): Tensor | undefined =>
  value && 'data' in value ? value : undefined;

/** Cases that give elements to compare with. */
const computable = operatorCases().filter(({ outputs }) => outputs.every((output) => 'data' in output));

/** Differences that rounding to the element type explains: half an ulp or two of float32 and float16. */
const tolerances: Readonly<Record<string, number>> = { float32: 2e-7, float16: 1e-3 };

describe('evaluate, against the reference evaluator', () => {
  it('has cases to compare', () => {
    expect(computable.length).toBeGreaterThan(120);
  });

  for (const [i, { node, opset, inputs, outputs }] of computable.entries()) {
    it(`computes ${node.op} of opset ${opset} (case ${i})`, () => {
      const tensors = inputs.map(inMemory);
      const types = inferNode(node, opset, inputs, (k) => tensors[k]);
      const fromType = evaluateFromType(node, opset, inputs[0]);
      const results = fromType ? [fromType] : evaluate(node, opset, tensors, types);
      expect(results).toHaveLength(outputs.length);
      for (const [k, output] of outputs.entries()) {
        const [got, want] = [valuesOf(results![k]!), valuesOf(inMemory(output)!)];
        if (!isFloat(output.dtype)) expect(got).toEqual(want);
        else for (const [j, x] of want.entries()) expectClose(got[j]!, x, tolerances[output.dtype]!);
      }
    });
  }
});

function expectClose(got: number, want: number, relative: number): void {
  if (Number.isFinite(want))
    expect(Math.abs(got - want)).toBeLessThanOrEqual(relative * (1 + Math.abs(want)));
  else expect(got).toBe(want);
}
