import { sizeOf } from '../data-types.ts';
import type { TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';

/** One of query, key and value as [batch, heads, tokens, size]; rank 3 is [batch, tokens, heads * size]. */
function headed(c: InferContext, i: number, attribute: string): [number, number, number, number] {
  const shape = c.shape(i);
  if (shape.length === 4) return [shape[0]!, shape[1]!, shape[2]!, shape[3]!];
  c.check(shape.length === 3, `Input ${i} has neither rank 3 nor rank 4`);
  const heads = c.requiredInt(attribute);
  c.check(heads > 0 && shape[2]! % heads === 0, `${shape[2]} features do not divide into ${heads} heads`);
  return [shape[0]!, heads, shape[1]!, shape[2]! / heads];
}

/** Scaled dot-product attention (ONNX Attention-23). */
function attention(c: InferContext): TensorType[] {
  const [batch, heads, queries, size] = headed(c, 0, 'q_num_heads');
  const [, sharedHeads, keys, keySize] = headed(c, 1, 'kv_num_heads');
  const [, , values, valueSize] = headed(c, 2, 'kv_num_heads');
  c.check(size === keySize, `Query and key heads have sizes ${size} and ${keySize}`);
  c.check(keys === values, `There are ${keys} keys for ${values} values`);
  c.check(
    sharedHeads > 0 && heads % sharedHeads === 0,
    `${heads} query heads do not share ${sharedHeads} key heads`,
  );
  const total = keys + (c.has(4) ? (c.shape(4)[2] ?? 0) : 0);
  const dtype = c.dtype(0);
  const flat = c.shape(0).length === 3;
  return [
    { dtype, shape: flat ? [batch, queries, heads * valueSize] : [batch, heads, queries, valueSize] },
    { dtype: c.dtype(1), shape: [batch, sharedHeads, total, keySize] },
    { dtype: c.dtype(2), shape: [batch, sharedHeads, total, valueSize] },
    { dtype, shape: [batch, heads, queries, total] },
  ];
}

function rotaryEmbedding(c: InferContext): TensorType[] {
  const rank = c.shape(0).length;
  c.check(
    (rank === 3 || rank === 4) && sizeOf(c.shape(1)) === sizeOf(c.shape(2)),
    'The caches do not fit the input',
  );
  return [c.type(0)];
}

export const attentions: InferTable = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding,
};
