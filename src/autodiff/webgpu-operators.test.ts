import { describe, expect, it } from 'vitest';
import type { Attribute, DataType, Node, TensorType } from '../onnx/model.ts';
import { rules } from './rules/index.ts';
import { undifferentiable } from './rules/undifferentiable.ts';
import { cases } from './testing/cases/index.ts';
import { emittedByOperator, operatorOf } from './testing/samples.ts';
import { emittedOperators, forwardOperators, webgpuObstacle } from './webgpu-operators.ts';

describe('the operators that rules write', () => {
  const emitted = emittedByOperator();

  it('are those of the declared list, no more and no fewer', () => {
    const all = new Set([...emitted.values()].flatMap((ops) => [...ops]));
    expect([...all].sort()).toEqual(Object.keys(emittedOperators).sort());
  });

  it('were collected from cases of every rule, and of nothing else', () => {
    const differentiable = Object.keys(rules).filter((key) => !Object.hasOwn(undifferentiable, key));
    const covered = new Set(Object.keys(cases).map(operatorOf));
    expect([...covered].sort()).toEqual(differentiable.sort());
  });

  it('are listed once', () => {
    const twice = Object.keys(forwardOperators).filter((op) => Object.hasOwn(emittedOperators, op));
    expect(twice).toEqual([]);
  });
});

describe('webgpuObstacle', () => {
  type Given = [dtype: DataType, shape: number[]];

  function obstacle(
    op: string,
    inputs: Given[],
    outputs: Given[],
    attributes: Record<string, Attribute> = {},
  ) {
    const types = new Map<string, TensorType>();
    const declare = (prefix: string) => (given: Given, i: number) => {
      types.set(`${prefix}${i}`, { dtype: given[0], shape: given[1] });
      return `${prefix}${i}`;
    };
    const node: Node = {
      name: 'node',
      op,
      domain: '',
      inputs: inputs.map(declare('x')),
      outputs: outputs.map(declare('y')),
      attributes,
    };
    return webgpuObstacle(node, types);
  }

  it('lets float32 arithmetic and int64 indices pass', () => {
    expect(
      obstacle(
        'Add',
        [
          ['float32', [2]],
          ['float32', []],
        ],
        [['float32', [2]]],
      ),
    ).toBeUndefined();
    expect(
      obstacle(
        'Gather',
        [
          ['float32', [4, 2]],
          ['int64', [3]],
        ],
        [['float32', [3, 2]]],
      ),
    ).toBeUndefined();
    expect(
      obstacle(
        'ReduceSum',
        [
          ['float32', [4]],
          ['int64', [1]],
        ],
        [['float32', [1]]],
      ),
    ).toBeUndefined();
    expect(obstacle('ArgMax', [['float32', [4]]], [['int64', [1]]])).toBeUndefined();
    expect(
      obstacle(
        'Pow',
        [
          ['float32', [4]],
          ['float32', []],
        ],
        [['float32', [4]]],
      ),
    ).toBeUndefined();
  });

  it.each<[string, string, Given[], Given[], Record<string, Attribute>?]>([
    ['an unlisted operator', 'Round', [['float32', [2]]], [['float32', [2]]]],
    [
      'float64',
      'Add',
      [
        ['float64', [2]],
        ['float64', [2]],
      ],
      [['float64', [2]]],
    ],
    [
      'int64 arithmetic',
      'Add',
      [
        ['int64', [2]],
        ['int64', [2]],
      ],
      [['int64', [2]]],
    ],
    [
      'int64 that is only moved',
      'Reshape',
      [
        ['int64', [4]],
        ['int64', [2]],
      ],
      [['int64', [2, 2]]],
    ],
    [
      'int64 in a Concat',
      'Concat',
      [
        ['int64', [4]],
        ['int64', [2]],
      ],
      [['int64', [6]]],
    ],
    ['bool that is moved', 'Transpose', [['bool', [4, 2]]], [['bool', [2, 4]]]],
    [
      'a choice of bool',
      'Where',
      [
        ['bool', [2]],
        ['bool', [2]],
        ['bool', [2]],
      ],
      [['bool', [2]]],
    ],
    [
      'a broadcast exponent',
      'Pow',
      [
        ['float32', [3, 4]],
        ['float32', [3, 1]],
      ],
      [['float32', [3, 4]]],
    ],
    ['six axes', 'Transpose', [['float32', [1, 2, 1, 2, 1, 2]]], [['float32', [2, 1, 2, 1, 2, 1]]]],
    [
      'an f16 reduction',
      'ScatterND',
      [
        ['float16', [4]],
        ['int64', [2, 1]],
        ['float16', [2]],
      ],
      [['float16', [4]]],
      { reduction: { type: 'string', value: 'add' } },
    ],
    ['ten parts', 'Split', [['float32', [10]]], Array.from({ length: 10 }, (): Given => ['float32', [1]])],
  ])('refuses %s', (_, op, inputs, outputs, attributes) => {
    expect(obstacle(op, inputs, outputs, attributes)).toMatch(new RegExp(op));
  });
});
