import { dataTypeOf } from '../data-types.ts';
import type { DataType, TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';
import { same } from './elementwise.ts';
import { axisOf, broadcast } from './shapes.ts';

/** The element type that a normalisation keeps its statistics in (attribute `stash_type`). */
const stashed = (c: InferContext): DataType =>
  dataTypeOf(c.int('stash_type', 1)) ?? c.fail('Attribute "stash_type" names no element type');

/** Output, mean and inverse deviation. */
export function layerNormalization(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const axis = axisOf(c, c.int('axis', -1), input.length);
  for (const i of [1, 2]) {
    if (!c.has(i)) continue;
    const fits = broadcast(c, [input.slice(axis), c.shape(i)]).join() === input.slice(axis).join();
    c.check(fits, `Input ${i} does not fit the normalised axes [${input.slice(axis).join(', ')}]`);
  }
  const statistics = { dtype: stashed(c), shape: input.map((d, i) => (i < axis ? d : 1)) };
  return [{ dtype: c.dtype(0), shape: input }, statistics, statistics];
}

/** Root-mean-square normalisation as onnxruntime writes it: output and inverse deviation. */
export function simplifiedLayerNormalization(c: InferContext): TensorType[] {
  const [output, , inverse] = layerNormalization(c);
  return [output!, inverse!];
}

/** Checks that the inputs at `indices` hold one number for each channel (axis 1). */
function perChannel(c: InferContext, indices: readonly number[]): void {
  c.check(c.shape(0).length >= 2, 'The input has no channel axis');
  for (const i of indices) {
    c.check(c.shape(i).join() === `${c.shape(0)[1]}`, `Input ${i} is not one number for each channel`);
  }
}

function instanceNormalization(c: InferContext): TensorType[] {
  perChannel(c, [1, 2]);
  return [c.type(0)];
}

function batchNormalization(c: InferContext): TensorType[] {
  perChannel(c, [1, 2, 3, 4]);
  return [c.type(0), c.type(3), c.type(4), c.type(3), c.type(4)];
}

function groupNormalization(c: InferContext): TensorType[] {
  const channels = c.shape(0)[1] ?? c.fail('The input has no channel axis');
  const groups = c.requiredInt('num_groups');
  c.check(groups > 0 && channels % groups === 0, `${channels} channels do not divide into ${groups} groups`);
  // Scale and bias were one number a group in opset 18 and are one a channel from 21 on.
  const want = c.opset >= 21 ? channels : groups;
  for (const i of [1, 2]) c.check(c.shape(i).join() === `${want}`, `Input ${i} should hold ${want} numbers`);
  return [c.type(0)];
}

export const normalisation: InferTable = {
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: same,
  LayerNormalization: layerNormalization,
  LpNormalization: same,
  MeanVarianceNormalization: same,
  RMSNormalization: (c) => layerNormalization(c).slice(0, 1),
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
};
