import { tensorOf } from '../../onnx/tensors.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { add, axisOf, cast, div, equal, exp, mul, neg, sub, sum, total } from './expressions.ts';

/** dX = Y (dY - sum(dY Y)), from the output alone. */
const softmaxRule: Rule = (c) => {
  const { b, grad } = c;
  const y = c.outputs[0]!;
  const weighted = mul(b, grad, y);
  const axis = axisOf(c.int('axis', -1), c.shape(0).length);
  return [sub(b, weighted, mul(b, y, sum(b, weighted, [axis])))];
};

const logSoftmax: Rule = (c) => [throughLogSoftmax(c, c.grad, c.outputs[0]!, c.int('axis', -1))];

/** dX = dY - softmax(X) sum(dY), where `y` is the logarithm of the softmax. */
function throughLogSoftmax({ b, shape }: RuleContext, grad: string, y: string, axis: number): string {
  return sub(b, grad, mul(b, exp(b, y), sum(b, grad, [axisOf(axis, shape(0).length)])));
}

/** The loss of log-probabilities [N, C, ...] at integer labels [N, ...]: only the labelled entries get a gradient. */
const negativeLogLikelihood: Rule = (c) => {
  const picked = labelled(c);
  return [c.wants(0) ? neg(c.b, mul(c.b, picked.entries, incoming(c, picked))) : undefined];
};

/** The same of raw scores; the log-probabilities may have a gradient of their own. */
const softmaxCrossEntropy: Rule = (c) => {
  const { b } = c;
  if (!c.wants(0)) return [];
  const [scores, logProbability] = [c.inputs[0]!, c.outputs[1] ?? ''];
  const parts: string[] = [];
  if (c.grads[0] !== undefined) {
    const picked = labelled(c);
    const probability =
      logProbability === '' ? b.op('Softmax', [scores], { axis: 1 }) : exp(b, logProbability);
    const pull = sub(b, mul(b, probability, picked.weights), picked.entries);
    parts.push(mul(b, pull, incoming(c, picked)));
  }
  if (c.grads[1] !== undefined) parts.push(throughLogSoftmax(c, c.grads[1], logProbability, 1));
  return [parts.reduce((x, y) => add(b, x, y))];
};

interface Labelled {
  /** The weight of the labelled class in its place, zero elsewhere: [N, C, ...]. */
  entries: string;
  /** The weight of each labelled class: [N, 1, ...]. */
  weights: string;
}

/**
 * Compares the labels with the class numbers, in int32 because int64 arithmetic does not run on WebGPU. An ignored
 * label has weight zero: outside the classes it matches none of them, inside them its class is given weight zero.
 */
function labelled(c: RuleContext): Labelled {
  const { b } = c;
  const [batch, classes, ...rest] = c.shape(0) as [number, number, ...number[]];
  const dtype = b.dtype(c.inputs[0]!);
  const column = [1, classes, ...rest.map(() => 1)];
  const labels = reshape(b, cast(b, c.inputs[1]!, 'int32'), [batch, 1, ...rest]);
  const numbers = b.shared(tensorOf('int32', column, [...Array(classes).keys()]));
  let entries = cast(b, equal(b, labels, numbers), dtype);

  if (c.inputs[2]) entries = mul(b, entries, reshape(b, c.inputs[2], column));
  const ignored = c.int('ignore_index', -1);
  if (ignored >= 0 && ignored < classes) {
    const kept = Array.from({ length: classes }, (_, label) => (label === ignored ? 0 : 1));
    entries = mul(b, entries, b.shared(tensorOf(dtype, column, kept)));
  }
  return { entries, weights: sum(b, entries, [1]) };
}

/** The loss's gradient for each labelled place, in a shape that broadcasts with [N, 1, ...]. */
function incoming(c: RuleContext, { weights }: Labelled): string {
  const { b } = c;
  const [batch, , ...rest] = c.shape(0) as [number, number, ...number[]];
  const reduction = c.string('reduction', 'mean');
  if (reduction === 'none') return reshape(b, c.grad, [batch, 1, ...rest]);
  return reduction === 'sum' ? c.grad : div(b, c.grad, total(b, weights, []));
}

export const softmax: RuleTable = {
  Softmax: softmaxRule,
  LogSoftmax: logSoftmax,
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
