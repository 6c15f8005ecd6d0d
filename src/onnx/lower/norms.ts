import { float } from '../builder.ts';
import { sizeOf } from '../data-types.ts';
import { tensorOf } from '../tensors.ts';
import { channelsFirst, channelsLast } from './layouts.ts';
import type { Lowering, LowerRule, LowerTable } from './lowering.ts';

interface GroupNorm {
  /** [N, C, ...] */
  x: string;
  /** One number a channel. */
  scale: string;
  bias: string;
  groups: number;
  epsilon: number;
}

/** Each group of channels of each sample is one row to normalise: the form in which exporters write group norms. */
function normaliseGroups(c: Lowering, { x, scale, bias, groups, epsilon }: GroupNorm): string {
  const { shape, dtype } = c.type(x);
  const [batch, channels] = shape as [number, number];
  const ones = c.shared(tensorOf(dtype, [groups], new Array(groups).fill(1)));
  const noughts = c.shared(tensorOf(dtype, [groups], new Array(groups).fill(0)));
  const rows = c.reshape(x, [batch, groups, sizeOf(shape.slice(1)) / groups]);
  const normal = c.op('InstanceNormalization', [rows, ones, noughts], { epsilon: float(epsilon) });
  const column = [channels, ...shape.slice(2).map(() => 1)];
  const across = (name: string) => c.reshape(c.cast(name, dtype), column);
  return c.op('Add', [c.op('Mul', [c.reshape(normal, shape), across(scale)]), across(bias)]);
}

export const groupNormalization: LowerRule = (c) =>
  c.give(
    0,
    normaliseGroups(c, {
      x: c.input(0),
      scale: c.input(1),
      bias: c.input(2),
      groups: c.int('num_groups', 1),
      epsilon: c.float('epsilon', 1e-5),
    }),
  );

/** The group norm and activation of a fused node, of a sum in the node's own layout. */
function fusedGroupNorm(c: Lowering, sum: string): void {
  const last = c.int('channels_last', 1) !== 0;
  const activation = c.int('activation', 0);
  if (activation !== 0 && activation !== 1) {
    c.refuse(`Activation ${activation} is not known`, 'Export with activation 0 (none) or 1 (SiLU)');
  }
  let y = normaliseGroups(c, {
    x: last ? channelsFirst(c, sum) : sum,
    scale: c.input(1),
    bias: c.input(2),
    groups: c.int('groups', 1),
    epsilon: c.float('epsilon', 1e-5),
  });
  if (activation === 1) y = c.op('Mul', [y, c.op('Sigmoid', [y])]);
  c.give(0, last ? channelsLast(c, y) : y);
}

/** Adds a skip of the input's shape or of one number a sample and channel, and an optional bias of one a channel. */
const skipGroupNorm: LowerRule = (c) => {
  const x = c.input(0);
  const shape = c.shape(x);
  const last = c.int('channels_last', 1) !== 0;
  const channelAxis = last ? shape.length - 1 : 1;
  const spread = (name: string, axes: readonly number[]) =>
    c.reshape(
      name,
      shape.map((size, i) => (axes.includes(i) ? size : 1)),
    );
  const skip = c.input(3);
  const small = c.shape(skip).length === 2;
  let sum = c.op('Add', [x, small ? spread(skip, [0, channelAxis]) : skip]);
  const bias = c.optional(4);
  if (bias !== undefined) sum = c.op('Add', [sum, spread(bias, [channelAxis])]);
  c.give(1, sum);
  fusedGroupNorm(c, sum);
};

const skipSum = (c: Lowering, bias: number): string => {
  const sum = c.op('Add', [c.input(0), c.input(1)]);
  const extra = c.optional(bias);
  return extra === undefined ? sum : c.op('Add', [sum, extra]);
};

const skipLayerNormalization: LowerRule = (c) => {
  const sum = skipSum(c, 4);
  const bias = c.optional(3);
  const attributes = { axis: -1, epsilon: float(c.float('epsilon', 1e-12)) };
  const inputs = [sum, c.input(2), ...(bias === undefined ? [] : [bias])];
  const statistics = c.wants(1) || c.wants(2);
  const outputs = c.ops('LayerNormalization', inputs, attributes, statistics ? 3 : 1);
  for (const [i, output] of outputs.entries()) c.give(i, output);
  c.give(3, sum);
};

/** Root-mean-square norm over the axes from `axis` on. */
function rootMeanSquare(c: Lowering, x: string, scale: string, axis: number, epsilon: number): string {
  return c.op('RMSNormalization', [x, scale], { axis, epsilon: float(epsilon) });
}

function refuseStatistics(c: Lowering, ...outputs: number[]): void {
  if (outputs.some((i) => c.wants(i)))
    c.refuse('The deviation that the norm computes is read', 'Export the model for inference');
}

const skipSimplifiedLayerNormalization: LowerRule = (c) => {
  refuseStatistics(c, 1, 2);
  const sum = skipSum(c, 3);
  c.give(0, rootMeanSquare(c, sum, c.input(2), -1, c.float('epsilon', 1e-12)));
  c.give(3, sum);
};

export const simplifiedLayerNormalization: LowerRule = (c) => {
  refuseStatistics(c, 1);
  c.give(0, rootMeanSquare(c, c.input(0), c.input(1), c.int('axis', -1), c.float('epsilon', 1e-5)));
};

export const contribNorms: LowerTable = {
  GroupNorm: (c) => fusedGroupNorm(c, c.input(0)),
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  SkipGroupNorm: skipGroupNorm,
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipSimplifiedLayerNormalization,
};
