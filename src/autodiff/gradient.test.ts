import { expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { addInput, addOutput, emptyGraph } from '../onnx/graft.ts';
import { tensorOf } from '../onnx/tensors.ts';
import { differentiableInputs, gradient } from './gradient.ts';

it('counts class weights among the settings, not among what "all" differentiates', () => {
  const b = new GraphBuilder(emptyGraph('loss', 21));
  const scores = addInput(b, 'scores', 'float32', [4, 3]);
  const labels = addInput(b, 'labels', 'int64', [4]);
  for (const name of ['weight', 'classes']) {
    b.graph.initializers.set(name, tensorOf('float32', [3], [1, 2, 3]));
    b.graph.types.set(name, { dtype: 'float32', shape: [3] });
  }
  const scaled = b.op('Mul', [scores, 'weight']);
  const first = b.op('SoftmaxCrossEntropyLoss', [scaled, labels, 'classes']);
  const second = b.op('NegativeLogLikelihoodLoss', [b.op('LogSoftmax', [scaled]), labels, 'classes']);
  const loss = b.op('Add', [first, second]);
  addOutput(b, loss);
  const targets = differentiableInputs(b.graph, loss);
  expect(targets).toEqual(['scores', 'weight']);
  expect([...gradient(b.graph, { loss, targets }).gradients.keys()]).toEqual(targets);
});
