import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../autodiff/testing/random.ts';
import { asModel } from '../as-model.ts';
import { float } from '../builder.ts';
import { codeOf, sizeOf } from '../data-types.ts';
import { encodeModel } from '../encode.ts';
import type { Attribute, DataType, Model, Tensor } from '../model.ts';
import { collect } from '../parts.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { modelOf, node } from '../testing/hand-made.ts';

interface FusedInput {
  shape: readonly number[];
  dtype?: DataType;
  values?: readonly number[];
  /** An initialiser instead of an input. */
  constant?: boolean;
}

interface FusedCase {
  op: string;
  domain?: string;
  opset?: number;
  attributes?: Readonly<Record<string, number | string | readonly number[] | Attribute>>;
  inputs: readonly (FusedInput | undefined)[];
  outputs?: number;
}

const random = randomFrom(17);

const drawn = ({ shape, values, dtype = 'float32' }: FusedInput): Tensor =>
  tensorOf(dtype, shape, values ?? Array.from({ length: sizeOf(shape) }, () => 3 * random() - 1.5));

/** The case as a model of one node, and the values of its inputs. */
function build(c: FusedCase): { model: Model; feeds: Record<string, OrtTensor>; outputs: string[] } {
  const { domain = 'com.microsoft', opset = 21 } = c;
  const tensors = c.inputs.map((input) => input && drawn(input));
  const name = (i: number) => (c.inputs[i]?.constant ? `w${i}` : `x${i}`);
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  const inputs = c.inputs.map((input, i) => (input ? name(i) : ''));
  const entries = tensors.flatMap((tensor, i) => (tensor ? [[i, tensor] as const] : []));
  const model = modelOf(
    {
      nodes: [node(c.op, inputs, outputs, c.attributes, domain)],
      inputs: Object.fromEntries(
        entries
          .filter(([i]) => !c.inputs[i]!.constant)
          .map(([i, { dtype, shape }]) => [name(i), [dtype, ...shape] as const]),
      ),
      initializers: Object.fromEntries(
        entries.filter(([i]) => c.inputs[i]!.constant).map(([i, tensor]) => [name(i), tensor]),
      ),
      outputs,
      outputTypes: Object.fromEntries(outputs.map((output) => [output, 'float32'])),
    },
    opset,
  );
  if (domain !== '') model.opsets.set(domain, 1);
  model.irVersion = 10;
  const feeds = Object.fromEntries(
    entries.filter(([i]) => !c.inputs[i]!.constant).map(([i, tensor]) => [name(i), feed(tensor)]),
  );
  return { model, feeds, outputs };
}

function feed({ dtype, shape, data }: Tensor): OrtTensor {
  if (data.kind !== 'bytes') throw new TypeError('Test inputs are in memory');
  const buffer = data.bytes.slice().buffer;
  switch (dtype) {
    case 'int64':
      return new OrtTensor('int64', new BigInt64Array(buffer), shape);
    case 'int32':
      return new OrtTensor('int32', new Int32Array(buffer), shape);
    case 'float16':
      return new OrtTensor('float16', new Uint16Array(buffer), shape);
    case 'bool':
      return new OrtTensor('bool', new Uint8Array(buffer), shape);
    default:
      return new OrtTensor('float32', new Float32Array(buffer), shape);
  }
}

async function run(model: Model, feeds: Record<string, OrtTensor>, outputs: string[]): Promise<number[][]> {
  const session = await InferenceSession.create(await collect(encodeModel(model).parts), {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
  });
  const results = await session.run(feeds);
  await session.release();
  return outputs.map((name) => [...(results[name]!.data as Float32Array)]);
}

async function lowered(
  c: FusedCase,
): Promise<{ ops: Set<string>; values: () => Promise<number[][]>; wanted: () => Promise<number[][]> }> {
  const { model, feeds, outputs } = build(c);
  const typed = await specialise(model);
  expect(typed.nodes.every(({ domain }) => domain === '')).toBe(true);
  return {
    ops: new Set(typed.nodes.map(({ op }) => op)),
    values: () => run(asModel(typed), feeds, outputs),
    wanted: () => run(model, feeds, outputs),
  };
}

function expectClose(actual: readonly number[][], expected: readonly (readonly number[])[]): void {
  expect(actual.map((values) => values.length)).toEqual(expected.map((values) => values.length));
  for (const [i, values] of expected.entries()) {
    const largest = Math.max(...values.map(Math.abs));
    for (const [j, value] of values.entries()) {
      expect(Math.abs(actual[i]![j]! - value), `output ${i}, element ${j}`).toBeLessThan(
        2e-6 * Math.max(largest, 1),
      );
    }
  }
}

const x = (...shape: number[]): FusedInput => ({ shape });
const ints = (
  shape: readonly number[],
  values: readonly number[],
  dtype: DataType = 'int32',
): FusedInput => ({
  shape,
  values,
  dtype,
});

const contrib: [string, FusedCase][] = [
  ['Gelu', { op: 'Gelu', inputs: [x(2, 7)] }],
  ['QuickGelu', { op: 'QuickGelu', inputs: [x(2, 7)], attributes: { alpha: float(1.702) } }],
  ['QuickGelu as SiLU', { op: 'QuickGelu', inputs: [x(2, 7)], attributes: { alpha: float(1) } }],
  ['FastGelu', { op: 'FastGelu', inputs: [x(2, 7)] }],
  ['FastGelu with a bias', { op: 'FastGelu', inputs: [x(2, 7), x(7)] }],
  ['BiasGelu', { op: 'BiasGelu', inputs: [x(2, 7), x(7)] }],
  [
    'FusedMatMul',
    { op: 'FusedMatMul', inputs: [x(2, 3, 4), x(2, 4, 5)], attributes: { alpha: float(0.25) } },
  ],
  [
    'FusedMatMul, transposed',
    { op: 'FusedMatMul', inputs: [x(2, 4, 3), x(5, 4)], attributes: { transA: 1, transB: 1 } },
  ],
  [
    'FusedMatMul, batch moved',
    {
      op: 'FusedMatMul',
      inputs: [x(3, 2, 4), x(4, 2, 5)],
      attributes: { transBatchA: 1, transBatchB: 1 },
    },
  ],
  [
    'FusedMatMul, batch moved and transposed',
    {
      op: 'FusedMatMul',
      inputs: [x(4, 2, 3), x(5, 2, 4)],
      attributes: { transBatchA: 1, transA: 1, transBatchB: 1, transB: 1, alpha: float(-2) },
    },
  ],
  [
    'SkipLayerNormalization',
    {
      op: 'SkipLayerNormalization',
      inputs: [x(2, 3, 6), x(2, 3, 6), x(6), x(6), x(6)],
      attributes: { epsilon: float(1e-5) },
    },
  ],
  [
    'SkipLayerNormalization without biases, its sum read',
    { op: 'SkipLayerNormalization', inputs: [x(2, 3, 6), x(1, 3, 6), x(6)], outputs: 4 },
  ],
  [
    'SkipSimplifiedLayerNormalization',
    {
      op: 'SkipSimplifiedLayerNormalization',
      inputs: [x(2, 3, 6), x(2, 3, 6), x(6), x(6)],
      attributes: { epsilon: float(1e-3) },
    },
  ],
  [
    'SimplifiedLayerNormalization',
    {
      op: 'SimplifiedLayerNormalization',
      domain: '',
      inputs: [x(2, 3, 6), x(6)],
      attributes: { epsilon: float(1e-3), axis: -1 },
    },
  ],
  ['Attention', { op: 'Attention', inputs: [x(2, 5, 6), x(6, 24), x(24)], attributes: { num_heads: 2 } }],
  [
    'Attention, causal',
    {
      op: 'Attention',
      inputs: [x(2, 5, 6), x(6, 24), x(24)],
      attributes: { num_heads: 4, unidirectional: 1 },
    },
  ],
  [
    'Attention, masked, values narrower',
    {
      op: 'Attention',
      inputs: [x(2, 3, 6), x(6, 20), x(20), ints([2, 3], [1, 1, 0, 1, 1, 1]), undefined, x(2, 2, 3, 3)],
      attributes: { num_heads: 2, qkv_hidden_sizes: [8, 8, 4], scale: float(0.3) },
    },
  ],
  [
    'MultiHeadAttention',
    {
      op: 'MultiHeadAttention',
      inputs: [x(2, 4, 6), x(2, 5, 6), x(2, 5, 8), x(20)],
      attributes: { num_heads: 2 },
    },
  ],
  [
    'MultiHeadAttention, masked and biased',
    {
      op: 'MultiHeadAttention',
      inputs: [
        x(2, 4, 6),
        x(2, 3, 6),
        x(2, 3, 6),
        undefined,
        ints([2, 3], [1, 1, 0, 1, 0, 1]),
        x(1, 3, 4, 3),
      ],
      attributes: { num_heads: 3, scale: float(0.7) },
    },
  ],
  [
    'MultiHeadAttention, causal, keys in heads',
    {
      op: 'MultiHeadAttention',
      inputs: [x(2, 4, 6), x(2, 3, 4, 2), x(2, 3, 4, 2)],
      attributes: { num_heads: 3, unidirectional: 1 },
    },
  ],
  [
    'RotaryEmbedding',
    {
      op: 'RotaryEmbedding',
      inputs: [x(2, 3, 8), ints([2, 3], [0, 1, 2, 4, 5, 1], 'int64'), x(6, 2), x(6, 2)],
    },
  ],
  [
    'RotaryEmbedding, interleaved, from one position',
    {
      op: 'RotaryEmbedding',
      inputs: [x(2, 2, 3, 4), { ...ints([1], [2], 'int64'), constant: true }, x(6, 2), x(6, 2)],
      attributes: { interleaved: 1 },
    },
  ],
  [
    'RotaryEmbedding of some features',
    {
      op: 'RotaryEmbedding',
      inputs: [x(1, 3, 12), ints([1, 3], [3, 0, 5], 'int64'), x(6, 2), x(6, 2)],
      attributes: { num_heads: 2, rotary_embedding_dim: 4 },
    },
  ],
];

const standard: [string, FusedCase][] = [
  ['Attention', { op: 'Attention', inputs: [x(2, 3, 4, 5), x(2, 3, 6, 5), x(2, 3, 6, 2)] }],
  [
    'Attention of rank 3, heads shared',
    {
      op: 'Attention',
      inputs: [x(2, 4, 12), x(2, 5, 6), x(2, 5, 6)],
      attributes: { q_num_heads: 4, kv_num_heads: 2, scale: float(0.4) },
    },
  ],
  [
    'Attention, causal',
    { op: 'Attention', inputs: [x(1, 2, 4, 3), x(1, 2, 4, 3), x(1, 2, 4, 3)], attributes: { is_causal: 1 } },
  ],
  [
    'Attention with a bias',
    { op: 'Attention', inputs: [x(2, 2, 4, 3), x(2, 2, 5, 3), x(2, 2, 5, 3), x(4, 5)] },
  ],
  [
    'Attention with a mask',
    {
      op: 'Attention',
      inputs: [x(1, 2, 2, 3), x(1, 2, 3, 3), x(1, 2, 3, 3), ints([2, 3], [1, 0, 1, 1, 1, 0], 'bool')],
    },
  ],
  [
    'Attention, capped',
    {
      op: 'Attention',
      inputs: [x(1, 2, 2, 3), x(1, 2, 3, 3), x(1, 2, 3, 3)],
      attributes: { softcap: float(0.8) },
    },
  ],
  ['RotaryEmbedding by token', { op: 'RotaryEmbedding', inputs: [x(2, 3, 4, 6), x(2, 4, 3), x(2, 4, 3)] }],
  [
    'RotaryEmbedding by position, interleaved, some features',
    {
      op: 'RotaryEmbedding',
      inputs: [x(2, 3, 12), x(7, 2), x(7, 2), ints([2, 3], [0, 1, 2, 4, 6, 1], 'int64')],
      attributes: { num_heads: 2, interleaved: 1, rotary_embedding_dim: 4 },
    },
  ],
  [
    'RMSNormalization',
    { op: 'RMSNormalization', inputs: [x(2, 3, 6), x(6)], attributes: { epsilon: float(1e-3) } },
  ],
];

describe('lower: fused operators compute what onnxruntime computes', () => {
  it.each(contrib)('%s', async (_, c) => {
    const { ops, values, wanted } = await lowered(c);
    expect(ops).not.toContain('Attention');
    expectClose(await values(), await wanted());
  });
});

describe('lower: newer standard operators compute what onnxruntime computes', () => {
  it.each(standard)('%s', async (_, c) => {
    const { ops, values, wanted } = await lowered({ ...c, domain: '', opset: 23 });
    expect(ops.has('Attention') || ops.has('RotaryEmbedding')).toBe(false);
    expectClose(await values(), await wanted());
  });

  it('Swish', async () => {
    const c: FusedCase = {
      op: 'Swish',
      domain: '',
      opset: 24,
      inputs: [{ shape: [4], values: [-2, 0, 1, 3] }],
    };
    const { ops, values } = await lowered({ ...c, attributes: { alpha: float(1.5) } });
    expect([...ops].sort()).toEqual(['Mul', 'Sigmoid']);
    const swish = (v: number) => v / (1 + Math.exp(-1.5 * v));
    expectClose(await values(), [[-2, 0, 1, 3].map(swish)]);
  });
});

interface Documented {
  op: string;
  attributes: Record<string, number | number[]>;
  inputs: { shape: number[]; values: number[] }[];
  outputs: { shape: number[]; values: number[] }[];
}

describe('lower: fused operators compute what their documentation says', () => {
  const file = new URL('fixtures/fused.json', import.meta.url);
  const cases: Documented[] = JSON.parse(readFileSync(file, 'utf8'));
  it.each(cases.map((c) => [`${c.op} ${JSON.stringify(c.attributes)} of ${c.inputs.length}`, c] as const))(
    '%s',
    async (_, c) => {
      const attributes = Object.fromEntries(
        Object.entries(c.attributes).map(([name, value]) => [
          name,
          name === 'epsilon' && typeof value === 'number' ? float(value) : value,
        ]),
      );
      const { values } = await lowered({ op: c.op, attributes, inputs: c.inputs, outputs: c.outputs.length });
      expectClose(
        await values(),
        c.outputs.map((output) => output.values),
      );
    },
  );
});

describe('lower: what has no exact equivalent is refused, naming the node', () => {
  const cache = x(2, 2, 3, 3);
  it.each<[string, FusedCase, RegExp]>([
    [
      'a cache of keys',
      {
        op: 'MultiHeadAttention',
        inputs: [x(2, 4, 6), x(2, 4, 6), x(2, 4, 6), undefined, undefined, undefined, cache, cache],
        attributes: { num_heads: 2 },
      },
      /earlier tokens.*node "MultiHeadAttention:y0".*without a cache/,
    ],
    [
      'lengths as a mask',
      {
        op: 'Attention',
        inputs: [x(2, 5, 6), x(6, 18), x(18), ints([2], [3, 5])],
        attributes: { num_heads: 2 },
      },
      /lengths.*com\.microsoft::Attention.*mask \[batch, keys\]/,
    ],
    [
      'a mask under a cap',
      {
        op: 'Attention',
        domain: '',
        opset: 23,
        inputs: [x(1, 2, 4, 3), x(1, 2, 5, 3), x(1, 2, 5, 3), x(4, 5)],
        attributes: { softcap: float(2) },
      },
      /cap.*opsets 23 and 24/,
    ],
    [
      'deviations',
      { op: 'SkipSimplifiedLayerNormalization', inputs: [x(2, 3, 6), x(2, 3, 6), x(6)], outputs: 4 },
      /deviation.*is read/,
    ],
    [
      'an unknown activation',
      {
        op: 'GroupNorm',
        inputs: [x(2, 3, 3, 4), x(4), x(4)],
        attributes: { groups: 2, activation: 7, epsilon: float(1e-5) },
      },
      /Activation 7/,
    ],
  ])('%s', async (_, c, message) => {
    await expect(specialise(build(c).model)).rejects.toThrow(message);
  });
});

it('half-precision group norms take float32 scales, as fused exports have them', async () => {
  const { model } = build({
    op: 'GroupNorm',
    inputs: [{ shape: [1, 2, 2, 4], dtype: 'float16' }, x(4), x(4)],
    attributes: { groups: 2, epsilon: float(1e-5) },
  });
  model.graph.outputs[0]!.dtype = 'float16';
  const typed = await specialise(model);
  expect(typed.types.get('y0')).toEqual({ dtype: 'float16', shape: [1, 2, 2, 4] });
  const casts = typed.nodes.filter(({ op }) => op === 'Cast');
  expect(casts.map(({ attributes }) => attributes['to'])).toEqual([
    { type: 'int', value: codeOf('float16') },
    { type: 'int', value: codeOf('float16') },
  ]);
});
