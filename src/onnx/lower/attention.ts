import { dataTypeOf, isFloat } from '../data-types.ts';
import type { DataType } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import type { Lowering, LowerRule, LowerTable } from './lowering.ts';

interface Scores {
  /** [batch, heads, queries, size] */
  query: string;
  /** [batch, heads, keys, size] */
  key: string;
  /** [batch, heads, keys, value size] */
  value: string;
  scale: number;
  /** Added to the scores; each broadcasts to [batch, heads, queries, keys]. */
  biases: readonly string[];
  softcap?: number;
  /** Type that the softmax is computed in. */
  precision?: DataType;
}

/** Softmax(scale query key^T + biases) value, [batch, heads, queries, value size]. */
function attend(c: Lowering, { query, key, value, scale, biases, softcap = 0, precision }: Scores): string {
  const dtype = c.dtype(query);
  const scaled = scale === 1 ? query : c.op('Mul', [query, c.scalar(scale, dtype)]);
  let scores = c.op('MatMul', [scaled, c.transpose(key, [0, 1, 3, 2])]);
  if (softcap !== 0) {
    const cap = c.scalar(softcap, dtype);
    scores = c.op('Mul', [c.op('Tanh', [c.op('Div', [scores, cap])]), cap]);
  }
  for (const bias of biases) scores = c.op('Add', [scores, bias]);
  const weights = c.op('Softmax', [c.cast(scores, precision ?? dtype)], { axis: -1 });
  return c.op('MatMul', [c.cast(weights, dtype), value]);
}

/** [batch, tokens, heads * size] to [batch, heads, tokens, size]. */
function intoHeads(c: Lowering, name: string, heads: number): string {
  const [batch, tokens, features] = c.shape(name) as [number, number, number];
  c.check(features % heads === 0, `${features} features do not divide into ${heads} heads`);
  return c.transpose(c.reshape(name, [batch, tokens, heads, features / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, tokens, size] to [batch, tokens, heads * size]. */
function fromHeads(c: Lowering, name: string): string {
  const [batch, heads, tokens, size] = c.shape(name) as [number, number, number, number];
  return c.reshape(c.transpose(name, [0, 2, 1, 3]), [batch, tokens, heads * size]);
}

/** A number that outweighs every score, and does not overflow when one is added. */
const forbidden = (dtype: DataType): number => (dtype === 'float16' ? -3e4 : -1e38);

/** Forbids every query the keys after it. */
function causal(c: Lowering, queries: number, keys: number, dtype: DataType): string {
  const values = Array.from({ length: queries * keys }, (_, i) =>
    i % keys > Math.floor(i / keys) ? forbidden(dtype) : 0,
  );
  return c.shared(tensorOf(dtype, [queries, keys], values));
}

/** A mask of ones and noughts as numbers to add: nought, or `value` where the mask forbids. */
function additive(c: Lowering, mask: string, value: number, dtype: DataType): string {
  return c.op('Mul', [c.op('Sub', [c.scalar(1, dtype), c.cast(mask, dtype)]), c.scalar(value, dtype)]);
}

function refuseCaches(c: Lowering, ...inputs: number[]): void {
  if (inputs.some((i) => c.optional(i) !== undefined)) {
    c.refuse(
      'Attention that continues from earlier tokens has no training form',
      'Export the model without a cache',
    );
  }
}

/** The mask over keys of com.microsoft attention, [batch, keys] or [batch, queries, keys], as numbers to add. */
function paddingBias(c: Lowering, mask: string, keys: number, dtype: DataType): string {
  const shape = c.shape(mask);
  const value = c.float('mask_filter_value', -10000);
  const [batch] = shape as [number];
  if (shape.length === 2 && shape[1] === keys)
    return additive(c, c.reshape(mask, [batch, 1, 1, keys]), value, dtype);
  if (shape.length === 3 && shape[2] === keys) {
    return additive(c, c.reshape(mask, [batch, 1, shape[1]!, keys]), value, dtype);
  }
  return c.refuse('A mask given as lengths has no exact equivalent', 'Export with a mask [batch, keys]');
}

/** com.microsoft Attention: input, weights, bias, mask, past, attention bias; projections side by side. */
const packedAttention: LowerRule = (c) => {
  refuseCaches(c, 4, 6);
  if (c.int('do_rotary', 0))
    c.refuse('Rotation inside of the attention is not supported', 'Export it as its own node');
  const heads = c.int('num_heads', 1);
  const input = c.input(0);
  const dtype = c.dtype(input);
  const product = c.op('MatMul', [input, c.input(1)]);
  const bias = c.optional(2);
  const projected = bias === undefined ? product : c.op('Add', [product, bias]);
  const third = c.shape(projected)[2]! / 3;
  const sizes = c.intList('qkv_hidden_sizes') ?? [third, third, third];
  const parts = c.ops('Split', [projected, c.ints(sizes)], { axis: 2 }, 3);
  const [query, key, value] = parts.map((part) => intoHeads(c, part, heads)) as [string, string, string];
  const tokens = c.shape(input)[1]!;
  const biases: string[] = [];
  if (c.int('unidirectional', 0)) biases.push(causal(c, tokens, tokens, dtype));
  const mask = c.optional(3);
  if (mask !== undefined) biases.push(paddingBias(c, mask, tokens, dtype));
  const added = c.optional(5);
  if (added !== undefined) biases.push(added);
  const scale = c.float('scale', 0) || 1 / Math.sqrt(c.shape(query)[3]!);
  c.give(0, fromHeads(c, attend(c, { query, key, value, scale, biases })));
  if (c.wants(1)) {
    const pair = [key, value].map((name) => c.reshape(name, [1, ...c.shape(name)]));
    c.give(1, c.op('Concat', pair, { axis: 0 }));
  }
};

/** Queries, keys and values of MultiHeadAttention as [batch, tokens, heads * size], unpacked where they are packed. */
function separated(c: Lowering, heads: number): [query: string, key: string, value: string] {
  const unpack = (name: string): string[] => {
    const [batch, tokens, count, parts, size] = c.shape(name) as [number, number, number, number, number];
    const pieces = c.ops('Split', [name, c.ints(new Array(parts).fill(1))], { axis: 3 }, parts);
    return pieces.map((piece) => c.reshape(piece, [batch, tokens, count * size]));
  };
  const query = c.input(0);
  if (c.shape(query).length === 5) {
    c.check(
      c.shape(query)[2] === heads && c.shape(query)[3] === 3,
      'The packed query is not [B, S, heads, 3, size]',
    );
    return unpack(query) as [string, string, string];
  }
  const key = c.input(1);
  if (c.shape(key).length !== 5) return [query, key, c.input(2)];
  c.check(c.shape(key)[2] === heads && c.shape(key)[3] === 2, 'The packed key is not [B, S, heads, 2, size]');
  return [query, ...(unpack(key) as [string, string])];
}

/** com.microsoft MultiHeadAttention: query, key, value, bias, mask over keys, attention bias, past. */
const multiHeadAttention: LowerRule = (c) => {
  refuseCaches(c, 6, 7, 8, 9);
  if (c.wants(3)) c.refuse('The scores of the attention are read', 'Export the model without them');
  const heads = c.int('num_heads', 1);
  const [q, k, v] = separated(c, heads);
  const dtype = c.dtype(q);
  const widths = [q, k, v].map((name) => (c.shape(name).length === 4 ? 0 : c.shape(name)[2]!));
  const bias = c.optional(3);
  if (bias !== undefined && widths.includes(0)) {
    c.refuse(
      'Biases of keys that are in heads already have no exact equivalent',
      'Export keys as [batch, keys, width]',
    );
  }
  const offsets = bias === undefined ? [] : c.ops('Split', [bias, c.ints(widths)], { axis: 0 }, 3);
  const [query, key, value] = [q, k, v].map((name, i) => {
    if (widths[i] === 0) return name;
    return intoHeads(c, offsets[i] === undefined ? name : c.op('Add', [name, offsets[i]]), heads);
  }) as [string, string, string];
  const [queries, keys] = [c.shape(query)[2]!, c.shape(key)[2]!];
  const biases: string[] = [];
  if (c.int('unidirectional', 0)) {
    if (queries !== keys)
      c.refuse(`A causal mask over ${keys} keys for ${queries} queries`, 'Export without a cache');
    biases.push(causal(c, queries, keys, dtype));
  }
  const mask = c.optional(4);
  if (mask !== undefined) biases.push(paddingBias(c, mask, keys, dtype));
  const added = c.optional(5);
  if (added !== undefined) biases.push(added);
  const scale = c.float('scale', 0) || 1 / Math.sqrt(c.shape(query)[3]!);
  c.give(0, fromHeads(c, attend(c, { query, key, value, scale, biases })));
  c.give(1, key);
  c.give(2, value);
};

/** Each head of keys or values once for every query head that shares it. */
function repeated(c: Lowering, name: string, times: number): string {
  if (times === 1) return name;
  const [batch, heads, tokens, size] = c.shape(name) as [number, number, number, number];
  const spread = c.op('Expand', [
    c.reshape(name, [batch, heads, 1, tokens, size]),
    c.ints([batch, heads, times, tokens, size]),
  ]);
  return c.reshape(spread, [batch, heads * times, tokens, size]);
}

/** ONNX Attention-23 and -24: Q, K, V, mask, past; rank 3 or 4. */
export const standardAttention: LowerRule = (c) => {
  refuseCaches(c, 4, 5, 6);
  if (c.wants(3)) c.refuse('The scores of the attention are read', 'Export the model without them');
  const flat = c.shape(c.input(0)).length === 3;
  const headed = (i: number, heads: string) =>
    flat ? intoHeads(c, c.input(i), c.int(heads, 1)) : c.input(i);
  const query = headed(0, 'q_num_heads');
  const [key, value] = [headed(1, 'kv_num_heads'), headed(2, 'kv_num_heads')];
  const dtype = c.dtype(query);
  const [, heads, queries, size] = c.shape(query) as [number, number, number, number];
  const [, shared, keys] = c.shape(key) as [number, number, number];
  const biases: string[] = [];
  if (c.int('is_causal', 0)) biases.push(causal(c, queries, keys, dtype));
  const mask = c.optional(3);
  if (mask !== undefined) {
    if (c.shape(mask).at(-1) !== keys) {
      c.refuse(`The mask covers ${c.shape(mask).at(-1)} of ${keys} keys`, 'Export with a mask over all keys');
    }
    biases.push(isFloat(c.dtype(mask)) ? c.cast(mask, dtype) : additive(c, mask, forbidden(dtype), dtype));
  }
  const softcap = c.float('softcap', 0);
  if (softcap !== 0 && biases.length > 0) {
    c.refuse(
      'A cap on scores with a mask means different things in opsets 23 and 24',
      'Export without the cap',
    );
  }
  const precision = dataTypeOf(c.int('softmax_precision', 0));
  const attended = attend(c, {
    query,
    key: repeated(c, key, heads / shared),
    value: repeated(c, value, heads / shared),
    scale: c.float('scale', 0) || 1 / Math.sqrt(size),
    biases,
    softcap,
    ...(precision && { precision }),
  });
  c.give(0, flat ? fromHeads(c, attended) : attended);
  c.give(1, key);
  c.give(2, value);
};

export const contribAttentions: LowerTable = {
  Attention: packedAttention,
  MultiHeadAttention: multiHeadAttention,
};
