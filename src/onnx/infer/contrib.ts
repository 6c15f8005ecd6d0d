import { sizeOf } from '../data-types.ts';
import type { TensorType } from '../model.ts';
import type { InferContext, InferRule, InferTable } from './context.ts';
import { convolution, windowCounts } from './convolution.ts';
import { same } from './elementwise.ts';
import { gemm, matmulShape } from './linalg.ts';
import { layerNormalization, simplifiedLayerNormalization } from './normalisation.ts';
import { quantisation } from './quantisation.ts';
import { broadcast } from './shapes.ts';

/**
 * Operators of domain com.microsoft that onnxruntime's optimiser writes into exports
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md).
 */

function fusedMatMul(c: InferContext): TensorType[] {
  const operand = (i: number, batch: string, last: string): number[] => {
    const shape = [...c.shape(i)];
    if (shape.length < 2) return shape;
    if (c.int(batch, 0)) shape.splice(-1, 0, ...shape.splice(0, 1));
    if (c.int(last, 0)) shape.splice(-2, 2, shape.at(-1)!, shape.at(-2)!);
    return shape;
  };
  const shape = matmulShape(c, operand(0, 'transBatchA', 'transA'), operand(1, 'transBatchB', 'transB'));
  return [{ dtype: c.dtype(0), shape }];
}

/** An activation whose optional input 1 is a bias along the last axis. */
const biased: InferRule = (c) => {
  const shape = c.has(1) ? broadcast(c, [c.shape(0), c.shape(1)]) : c.shape(0);
  c.check(shape.join() === c.shape(0).join(), 'The bias does not broadcast to the input');
  return [c.type(0)];
};

function biasSplitGelu(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const size = input.at(-1) ?? c.fail('The input is a scalar');
  c.check(size % 2 === 0, `${size} features do not split in half`);
  return [{ dtype: c.dtype(0), shape: [...input.slice(0, -1), size / 2] }];
}

function biasAdd(c: InferContext): TensorType[] {
  c.check(c.shape(0).join() === c.shape(2).join(), 'Input and skip differ in shape');
  return biased(c);
}

/** Output, mean, inverse deviation, and the sum that was normalised. */
const skipLayerNormalization: InferRule = (c) => {
  const input = c.shape(0);
  c.check(
    broadcast(c, [input, c.shape(1)]).join() === input.join(),
    'The skip does not broadcast to the input',
  );
  const size = input.at(-1)!;
  c.check(sizeOf(c.shape(2)) === size, `The scale does not have ${size} elements`);
  const statistics: TensorType = {
    dtype: 'float32',
    shape: input.map((d, i) => (i === input.length - 1 ? 1 : d)),
  };
  return [c.type(0), statistics, statistics, c.type(0)];
};

function multiHeadAttention(c: InferContext): TensorType[] {
  const heads = c.requiredInt('num_heads');
  const query = c.shape(0);
  const [batch, tokens] = [query[0] ?? c.fail('The query has no axes'), query[1]!];
  const dtype = c.dtype(0);
  if (query.length === 5) {
    const [packed, size] = [query[2]!, query[4]!];
    return attended(dtype, [batch, tokens, packed * size], heads, tokens, size, size);
  }
  c.check(query.length === 3 && query[2]! % heads === 0, `The query does not divide into ${heads} heads`);
  const size = query[2]! / heads;
  if (!c.has(1)) return attended(dtype, query, heads, tokens, size, size);
  const key = c.shape(1);
  const past = c.has(6) ? c.shape(6)[2]! : 0;
  if (key.length === 5) return attended(dtype, query, heads, past + key[1]!, size, size);
  const value = c.shape(2);
  const total = past + (key.length === 4 ? key[2]! : key[1]!);
  const width = value.length === 4 ? heads * value[3]! : value[2]!;
  return attended(dtype, [batch, tokens, width], heads, total, size, width / heads);
}

/** Output and, where attention keeps them, the keys and values of all tokens and the scores. */
function attended(
  dtype: TensorType['dtype'],
  output: readonly number[],
  heads: number,
  total: number,
  keySize: number,
  valueSize: number,
): TensorType[] {
  const [batch, tokens] = [output[0]!, output[1]!];
  return [
    { dtype, shape: output },
    { dtype, shape: [batch, heads, total, keySize] },
    { dtype, shape: [batch, heads, total, valueSize] },
    { dtype, shape: [batch, heads, tokens, total] },
  ];
}

/** Attention with the three projections inside; queries, keys and values side by side in the weight's columns. */
function attention(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const weight = c.shape(1);
  c.check(
    input.length === 3 && weight.length === 2 && weight[0] === input[2],
    'The weight does not fit the input',
  );
  const heads = c.requiredInt('num_heads');
  const sizes = c.ints('qkv_hidden_sizes');
  const width = sizes?.[2] ?? weight[1]! / 3;
  c.check(Number.isInteger(width / heads), `${width} features do not divide into ${heads} heads`);
  const past = c.has(4) ? c.shape(4)[3]! : 0;
  const present = [2, input[0]!, heads, past + input[1]!, width / heads];
  return [
    { dtype: c.dtype(0), shape: [input[0]!, input[1]!, width] },
    { dtype: c.dtype(0), shape: present },
  ];
}

function groupNorm(c: InferContext): TensorType[] {
  const channels =
    c.shape(0).at(c.int('channels_last', 1) ? -1 : 1) ?? c.fail('The input has no channel axis');
  const groups = c.requiredInt('groups');
  c.check(groups > 0 && channels % groups === 0, `${channels} channels do not divide into ${groups} groups`);
  for (const i of [1, 2])
    c.check(sizeOf(c.shape(i)) === channels, `Input ${i} is not one number for each channel`);
  return [c.type(0), c.type(0)];
}

/** Convolution of [N, ..., C] by a weight [M, ..., C / group]. */
function nhwcConv(c: InferContext): TensorType[] {
  const [input, weight] = [c.shape(0), c.shape(1)];
  c.check(input.length >= 3 && input.length === weight.length, 'Input and weight differ in rank');
  const group = c.int('group', 1);
  c.check(
    input.at(-1) === weight.at(-1)! * group,
    `${input.at(-1)} channels do not fit the weight and ${group} groups`,
  );
  const sizes = windowCounts(c, input.slice(1, -1), weight.slice(1, -1), false);
  return [{ dtype: c.dtype(0), shape: [input[0]!, ...sizes, weight[0]!] }];
}

function matMulNBits(c: InferContext): TensorType[] {
  const [k, n] = [c.requiredInt('K'), c.requiredInt('N')];
  c.check(c.shape(0).at(-1) === k, `The input's last axis is not ${k}`);
  return [{ dtype: c.dtype(0), shape: [...c.shape(0).slice(0, -1), n] }];
}

export const contrib: InferTable = {
  ...quantisation,
  Attention: attention,
  BiasAdd: biasAdd,
  BiasGelu: biased,
  BiasSplitGelu: biasSplitGelu,
  DynamicQuantizeMatMul: (c) => [{ dtype: c.dtype(0), shape: matmulShape(c, c.shape(0), c.shape(1)) }],
  FastGelu: biased,
  FusedConv: (c) => convolution(c, c.dtype(0)),
  FusedGemm: gemm,
  FusedMatMul: fusedMatMul,
  Gelu: same,
  GroupNorm: (c) => groupNorm(c).slice(0, 1),
  LayerNormalization: layerNormalization,
  MatMulIntegerToFloat: (c) => [{ dtype: c.dtype(2), shape: matmulShape(c, c.shape(0), c.shape(1)) }],
  MatMulNBits: matMulNBits,
  MultiHeadAttention: multiHeadAttention,
  NhwcConv: nhwcConv,
  QuickGelu: same,
  RotaryEmbedding: same,
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  SkipGroupNorm: groupNorm,
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipLayerNormalization,
};
