import { describe, expect, it } from 'vitest';
import { tensorOf } from '../tensors.ts';
import { graphOf, node } from '../testing/hand-made.ts';
import { removeDeadCode } from './dead-code.ts';

const weight = tensorOf('float32', [1], [1]);

describe('removeDeadCode', () => {
  const graph = graphOf({
    inputs: { x: ['float32', 1], unused: ['float32', 1] },
    initializers: { used: weight, inBranch: weight, idle: weight },
    nodes: [
      node('Mul', ['x', 'used'], ['a']),
      node('Neg', ['idle'], ['b']),
      node('Exp', ['b'], ['c']),
      node('If', ['x'], ['y'], {
        then_branch: {
          type: 'graph',
          value: graphOf({ nodes: [node('Add', ['a', 'inBranch'], ['t'])], outputs: ['t'] }),
        },
      }),
    ],
    outputs: ['y'],
  });

  it('keeps what the outputs depend on, in branches too, and every input', () => {
    const lean = removeDeadCode(graph);
    expect(lean.nodes.map((n) => n.op)).toEqual(['Mul', 'If']);
    expect([...lean.initializers.keys()]).toEqual(['used', 'inBranch']);
    expect(lean.inputs).toEqual(graph.inputs);
  });

  it('keeps values that are asked for', () => {
    expect(removeDeadCode(graph, ['b']).nodes.map((n) => n.op)).toEqual(['Mul', 'Neg', 'If']);
  });

  it('drops optional outputs that nothing reads, but never required ones', () => {
    const outputs = graphOf({
      inputs: { x: ['float32', 1, 4, 4] },
      nodes: [
        node('MaxPool', ['x'], ['pooled', 'indices'], { kernel_shape: [2] }),
        node('LayerNormalization', ['pooled', 'x'], ['normal', 'mean', 'inverse']),
        node('Split', ['normal'], ['left', 'right']),
        node('Add', ['left', 'inverse'], ['y']),
      ],
      outputs: ['y'],
    });
    expect(removeDeadCode(outputs).nodes.map((n) => n.outputs)).toEqual([
      ['pooled'],
      ['normal', '', 'inverse'],
      ['left', 'right'],
      ['y'],
    ]);
  });
});
