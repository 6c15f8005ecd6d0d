import { float, type GraphBuilder, spell } from '../../src/onnx/builder.ts';
import type { Way } from './layer.ts';

export interface AttentionSize {
  batch: number;
  queries: number;
  keys: number;
  heads: number;
  /** Of one head. */
  width: number;
}

/** Queries in four parts, so that a quarter of the scores exists at a time. */
const parts = 4;

export function attentionWays(size: AttentionSize): Way[] {
  const { heads, width } = size;
  return [
    {
      name: 'MatMul, Softmax, MatMul',
      build: (b, { q, k, v }) => {
        const [query, key, value] = operands(b, size, q!, k!, v!);
        return joined(b, size, attend(b, query, key, value));
      },
    },
    {
      name: `the same, queries in ${parts} parts`,
      build: (b, { q, k, v }) => {
        const [query, key, value] = operands(b, size, q!, k!, v!);
        const ends = Array.from({ length: parts + 1 }, (_, i) => Math.round((i * size.queries) / parts));
        const each = ends.slice(1).map((end, i) => {
          const part = b.op('Slice', [query, b.ints([ends[i]!]), b.ints([end]), b.ints([2])]);
          return attend(b, part, key, value);
        });
        return joined(b, size, b.op('Concat', each, { axis: 2 }));
      },
    },
    {
      name: 'MultiHeadAttention',
      build: (b, { q, k, v }) => {
        const name = b.fresh('attention');
        b.append({
          name,
          op: 'MultiHeadAttention',
          domain: 'com.microsoft',
          inputs: [q!, k!, v!],
          outputs: [name],
          attributes: spell({ num_heads: heads, scale: float(1 / Math.sqrt(width)) }),
        });
        return name;
      },
    },
  ];
}

/** Scaled queries [N, H, Q, D], keys [N, H, D, K], values [N, H, K, D]. */
function operands(
  b: GraphBuilder,
  { batch, queries, keys, heads, width }: AttentionSize,
  q: string,
  k: string,
  v: string,
): [string, string, string] {
  const split = (x: string, rows: number, perm: readonly number[]) =>
    b.op('Transpose', [b.op('Reshape', [x, b.ints([batch, rows, heads, width])])], { perm });
  const scale = b.scalar(1 / Math.sqrt(width), b.dtype(q));
  return [
    b.op('Mul', [split(q, queries, [0, 2, 1, 3]), scale]),
    split(k, keys, [0, 2, 3, 1]),
    split(v, keys, [0, 2, 1, 3]),
  ];
}

const attend = (b: GraphBuilder, query: string, key: string, value: string): string =>
  b.op('MatMul', [b.op('Softmax', [b.op('MatMul', [query, key])], { axis: -1 }), value]);

/** [N, H, Q, D] as rows [N, Q, H D]. */
function joined(b: GraphBuilder, { batch, queries, heads, width }: AttentionSize, x: string): string {
  const rows = b.op('Transpose', [x], { perm: [0, 2, 1, 3] });
  return b.op('Reshape', [rows, b.ints([batch, queries, heads * width])]);
}
