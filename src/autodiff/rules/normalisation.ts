import type { GraphBuilder } from '../../onnx/builder.ts';
import { float } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import type { DataType, TypedGraph } from '../../onnx/model.ts';
import { valuesOf } from '../../onnx/tensors.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { reshape, unbroadcast } from '../unbroadcast.ts';
import { axisOf, cast, div, filled, greater, less, mul, neg, sqrt, sub, sum, where } from './expressions.ts';

/** What a norm makes of its input before scale and bias: Y = (X - mean) / deviation, and 1 / deviation. */
interface Normalised {
  value: string;
  inverseDeviation: string;
}

/**
 * Normalises rows again, by one LayerNormalization with a scale of ones: on WebGPU one kernel, where keeping the
 * statistics of the forward pass would still leave a subtraction and a product.
 *
 * @param x rows to normalise along the axes from `axis` on
 */
function normalise(b: GraphBuilder, x: string, axis: number, epsilon: number): Normalised {
  const ones = onesOf(b, b.dtype(x), b.shape(x).slice(axis));
  const attributes = { axis, epsilon: float(epsilon) };
  const [value, , inverseDeviation] = b.ops('LayerNormalization', [x, ones], attributes, 3);
  return { value: value!, inverseDeviation: cast(b, inverseDeviation!, b.dtype(x)) };
}

const writtenOnes = new WeakMap<TypedGraph, Map<string, string>>();

/** A scale of ones, written once for all norms of a graph that have the same size. */
function onesOf(b: GraphBuilder, dtype: DataType, shape: readonly number[]): string {
  const written = writtenOnes.get(b.graph) ?? new Map<string, string>();
  writtenOnes.set(b.graph, written);
  const key = `${dtype} ${shape.join()}`;
  const ones = written.get(key) ?? filled(b, 1, dtype, shape);
  written.set(key, ones);
  return ones;
}

/**
 * The gradient through a normalisation by mean and deviation: what a shift or a stretch of the row would add to the
 * incoming gradient is taken out, because normalising undoes both.
 */
function throughNormalisation(b: GraphBuilder, g: string, n: Normalised, axes: readonly number[]): string {
  const centred = sub(b, g, mean(b, g, axes));
  return mul(b, sub(b, centred, mul(b, n.value, mean(b, mul(b, g, n.value), axes))), n.inverseDeviation);
}

const mean = (b: GraphBuilder, x: string, axes: readonly number[]): string =>
  b.op('ReduceMean', [x, b.ints(axes)], { keepdims: 1 });

/** Sums and deviations are taken in float32 at least: in half precision they lose most of their digits. */
const workingType = (dtype: DataType): DataType => (dtype === 'float64' ? 'float64' : 'float32');

/** A value in the type that norms are differentiated in. */
const widened = (b: GraphBuilder, x: string): string => cast(b, x, workingType(b.dtype(x)));

/** A gradient back in the type of input `i`. */
const narrowed = ({ b, inputs }: RuleContext, i: number, grad: string): string =>
  cast(b, grad, b.dtype(inputs[i]!));

const layerNormalization: Rule = (c) => {
  if (c.grads[1] !== undefined || c.grads[2] !== undefined) {
    c.refuse('The loss depends on the mean or deviation of a norm', 'Compute them with ReduceMean instead');
  }
  const { b } = c;
  const rank = c.shape(0).length;
  const axis = axisOf(c.int('axis', -1), rank);
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  const grad = widened(b, c.grad);
  const needed = c.wants(0) || c.wants(1);
  const n = needed ? normalise(b, widened(b, c.inputs[0]!), axis, c.float('epsilon', 1e-5)) : undefined;
  const dX = () => throughNormalisation(b, mul(b, grad, widened(b, c.inputs[1]!)), n!, axes);
  return [
    c.wants(0) ? narrowed(c, 0, dX()) : undefined,
    c.wants(1) ? narrowed(c, 1, unbroadcast(b, mul(b, grad, n!.value), c.shape(1))) : undefined,
    c.wants(2) ? narrowed(c, 2, unbroadcast(b, grad, c.shape(2))) : undefined,
  ];
};

/** Normalises each group of channels of each image; scale and bias are given for each channel (opset 21). */
const groupNormalization: Rule = (c) => grouped(c, c.int('num_groups', 1));

/** Normalises each channel of each image: groups of one. */
const instanceNormalization: Rule = (c) => grouped(c, c.shape(0)[1]!);

function grouped(c: RuleContext, groups: number): (string | undefined)[] {
  const { b } = c;
  const [batch, channels, ...spatial] = c.shape(0) as [number, number, ...number[]];
  const size = sizeOf(spatial);
  const byChannel = [batch, channels, size];
  const byGroup = [batch, groups, (channels / groups) * size];
  const grad = reshape(b, widened(b, c.grad), byChannel);
  const needed = c.wants(0) || c.wants(1);
  const rows = needed ? reshape(b, widened(b, c.inputs[0]!), byGroup) : undefined;
  const n = rows === undefined ? undefined : normalise(b, rows, 2, c.float('epsilon', 1e-5));

  const dX = () => {
    const scaled = () => mul(b, grad, reshape(b, widened(b, c.inputs[1]!), [1, channels, 1]));
    const g = reshape(b, isOne(c, 1) ? grad : scaled(), byGroup);
    return reshape(b, throughNormalisation(b, g, n!, [2]), c.shape(0));
  };
  return [
    c.wants(0) ? narrowed(c, 0, dX()) : undefined,
    c.wants(1) ? narrowed(c, 1, sum(b, mul(b, grad, reshape(b, n!.value, byChannel)), [0, 2], 0)) : undefined,
    c.wants(2) ? narrowed(c, 2, sum(b, grad, [0, 2], 0)) : undefined,
  ];
}

/** Exported group norms carry an InstanceNormalization whose scale is all ones: nothing to multiply then. */
function isOne(c: RuleContext, i: number): boolean {
  const tensor = c.constant(i);
  return tensor !== undefined && valuesOf(tensor).every((value) => value === 1);
}

/** Y = X scale / root(mean(X X) + epsilon). */
const rmsNormalization: Rule = (c) => {
  const { b } = c;
  const rank = c.shape(0).length;
  const axis = axisOf(c.int('axis', -1), rank);
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  const x = widened(b, c.inputs[0]!);
  const grad = widened(b, c.grad);
  const meanSquare = b.op('Add', [
    mean(b, mul(b, x, x), axes),
    b.scalar(c.float('epsilon', 1e-5), b.dtype(x)),
  ]);
  const inverse = div(b, 1, sqrt(b, meanSquare));
  const value = mul(b, x, inverse);
  const dX = () => {
    const g = mul(b, grad, widened(b, c.inputs[1]!));
    return mul(b, sub(b, g, mul(b, value, mean(b, mul(b, g, value), axes))), inverse);
  };
  return [
    c.wants(0) ? narrowed(c, 0, dX()) : undefined,
    c.wants(1) ? narrowed(c, 1, unbroadcast(b, mul(b, grad, value), c.shape(1))) : undefined,
  ];
};

/** Inference only: Y = (X - mean) scale / root(variance + epsilon) + bias, the statistics being inputs. */
const batchNormalization: Rule = (c) => {
  if (c.int('training_mode', 0) !== 0) {
    c.refuse('BatchNormalization in training mode', 'Export the model in evaluation mode: model.eval()');
  }
  const { b } = c;
  const [batch, channels, ...spatial] = c.shape(0) as [number, number, ...number[]];
  const all = [batch, channels, sizeOf(spatial)];
  const column = [1, channels, 1];
  const vector = (i: number) => reshape(b, widened(b, c.inputs[i]!), column);
  const grad = reshape(b, widened(b, c.grad), all);
  const variance = b.op('Add', [vector(4), b.scalar(c.float('epsilon', 1e-5), b.dtype(grad))]);
  const inverse = div(b, 1, sqrt(b, variance));
  const factor = mul(b, vector(1), inverse);
  const back = (i: number, value: () => string) =>
    c.wants(i) ? narrowed(c, i, reshape(b, value(), c.shape(i))) : undefined;

  const needsTotal = c.wants(2) || c.wants(3);
  const needsPull = c.wants(1) || c.wants(4);
  const sums = needsTotal ? sum(b, grad, [0, 2]) : undefined;
  const centred = () => sub(b, reshape(b, widened(b, c.inputs[0]!), all), vector(3));
  const pull = needsPull ? mul(b, sum(b, mul(b, grad, centred()), [0, 2]), inverse) : undefined;
  return [
    back(0, () => mul(b, grad, factor)),
    back(1, () => pull!),
    back(2, () => sums!),
    back(3, () => neg(b, mul(b, sums!, factor))),
    back(4, () => mul(b, mul(b, pull!, div(b, vector(1), variance)), -0.5)),
  ];
};

/** Y = X / norm of X along an axis, for the 1-norm and the 2-norm. */
const lpNormalization: Rule = (c) => {
  const { b, grad } = c;
  const [x, y] = [c.inputs[0]!, c.outputs[0]!];
  const axis = axisOf(c.int('axis', -1), c.shape(0).length);
  const along = sum(b, mul(b, grad, y), [axis]);
  if (c.int('p', 2) === 2) {
    const norm = b.op('ReduceL2', [x, b.ints([axis])], { keepdims: 1 });
    return [div(b, sub(b, grad, mul(b, y, along)), norm)];
  }
  const [one, minusOne] = [b.scalar(1, b.dtype(x)), b.scalar(-1, b.dtype(x))];
  const sign = where(b, greater(b, x, 0), one, where(b, less(b, x, 0), minusOne, 0));
  return [div(b, sub(b, grad, mul(b, sign, along)), sum(b, b.op('Abs', [x]), [axis]))];
};

export const normalisation: RuleTable = {
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  RMSNormalization: rmsNormalization,
  BatchNormalization: batchNormalization,
  LpNormalization: lpNormalization,
};
