import { describe, expect, it } from 'vitest';
import type { Attribute, Node, Tensor, TensorType } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { inferNode } from './index.ts';

const f = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });
const i64 = (...values: number[]): Tensor => tensorOf('int64', [values.length], values);

function infer(
  op: string,
  inputs: (TensorType | Tensor | undefined)[],
  attributes: Record<string, Attribute> = {},
  opset = 21,
  outputs = 1,
) {
  const node: Node = {
    name: 'n',
    op,
    domain: '',
    inputs: inputs.map((x, i) => (x ? `x${i}` : '')),
    outputs: Array.from({ length: outputs }, (_, i) => `y${i}`),
    attributes,
  };
  const constant = (i: number) => {
    const input = inputs[i];
    return input && 'data' in input ? input : undefined;
  };
  return inferNode(node, opset, inputs, constant).map((t) => `${t.dtype}[${t.shape.join(',')}]`);
}
const int = (value: number): Attribute => ({ type: 'int', value });
const ints = (...value: number[]): Attribute => ({ type: 'ints', value });

describe('inferNode', () => {
  it('broadcasts and refuses what does not broadcast, naming node, operator and shapes', () => {
    expect(infer('Add', [f(2, 1, 3), f(4, 1)])).toEqual(['float32[2,4,3]']);
    expect(() => infer('Add', [f(2, 3), f(4, 3)])).toThrow(
      /node "n"; operator Add; shapes \[2, 3\] \[4, 3\]/,
    );
  });

  it('reads axes from the attribute or the input as the opset says', () => {
    expect(infer('Squeeze', [f(1, 3, 1)], { axes: ints(0) }, 11)).toEqual(['float32[3,1]']);
    expect(infer('Squeeze', [f(1, 3, 1), i64(-1)])).toEqual(['float32[1,3]']);
    expect(infer('ReduceMean', [f(2, 3)], { axes: ints(1) }, 17)).toEqual(['float32[2,1]']);
    expect(infer('ReduceMean', [f(2, 3), i64(1)], { keepdims: int(0) }, 18)).toEqual(['float32[2]']);
    expect(infer('ReduceSum', [f(2, 3), i64(1)], { keepdims: int(0) }, 13)).toEqual(['float32[2]']);
  });

  it('refuses sizes beyond what numbers hold exactly', () => {
    expect(() => infer('Expand', [f(1), i64(2 ** 40, 2 ** 40)])).toThrow(/too large/);
  });

  it('names the operator and domain it does not know', () => {
    expect(() => infer('Frobnicate', [f(1)])).toThrow(/Operator Frobnicate of domain "ai.onnx"/);
  });

  it('says what to do when a shape is not constant', () => {
    expect(() => infer('Reshape', [f(2, 3), { dtype: 'int64', shape: [1] }])).toThrow(/not constant/);
  });
});
