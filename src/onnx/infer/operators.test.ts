import { describe, expect, it } from 'vitest';
import { operatorCases } from '../testing/operator-cases.ts';
import { inferNode } from './index.ts';

describe('inferNode, against the outputs of the reference evaluator and onnxruntime', () => {
  for (const [i, { node, opset, inputs, outputs }] of operatorCases().entries()) {
    const shapes = inputs.map((input) => `[${input?.shape ?? ''}]`).join(' ');
    it(`types ${node.op} of opset ${opset} on ${shapes} (case ${i})`, () => {
      const constant = (k: number) => {
        const input = inputs[k];
        return input && 'data' in input ? input : undefined;
      };
      const types = inferNode(node, opset, inputs, constant).slice(0, outputs.length);
      expect(types.map(({ dtype, shape }) => ({ dtype, shape: [...shape] }))).toEqual(
        outputs.map(({ dtype, shape }) => ({ dtype, shape: [...shape] })),
      );
    });
  }
});
