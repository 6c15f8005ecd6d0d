import { tensorOf, valuesOf } from '../tensors.ts';
import type { Lowering, LowerRule } from './lowering.ts';

interface Rotation {
  x: string;
  /** [batch or 1, tokens, pairs] */
  cos: string;
  sin: string;
  /** Needed where x is [batch, tokens, heads * size]. */
  heads: number | undefined;
  interleaved: boolean;
}

/**
 * Turns pairs of features by the angles whose cosines and sines are given; features beyond the pairs pass. A pair is
 * features 2 i and 2 i + 1 where interleaved, else i and pairs + i.
 */
function rotate(c: Lowering, { x, cos, sin, heads, interleaved }: Rotation): string {
  const shape = c.shape(x);
  const [, tokens, pairs] = c.shape(cos) as [number, number, number];
  const flat = shape.length === 3;
  if (flat && (!heads || shape[2]! % heads !== 0)) {
    c.refuse('The number of heads is not known', 'Give the attribute num_heads');
  }
  const size = flat ? shape[2]! / heads! : shape[3]!;
  const whole = flat ? c.reshape(x, [shape[0]!, shape[1]!, heads!, size]) : x;
  // Angles belong to tokens: axis 1 of [batch, tokens, heads, size], axis 2 of [batch, heads, tokens, size].
  const angles = (name: string) => {
    const batch = c.shape(name)[0]!;
    return c.reshape(name, flat ? [batch, tokens, 1, pairs] : [batch, 1, tokens, pairs]);
  };
  const [cosine, sine] = [angles(cos), angles(sin)];
  const rest = size - 2 * pairs;
  c.check(rest >= 0, `${pairs} pairs of features do not fit heads of size ${size}`);
  const [turned, passed] =
    rest === 0 ? [whole, undefined] : c.ops('Split', [whole, c.ints([2 * pairs, rest])], { axis: -1 }, 2);
  const [left, right] = split(c, turned!, pairs, interleaved);
  const real = c.op('Sub', [c.op('Mul', [left, cosine]), c.op('Mul', [right, sine])]);
  const imaginary = c.op('Add', [c.op('Mul', [left, sine]), c.op('Mul', [right, cosine])]);
  const joined = join(c, real, imaginary, interleaved);
  const y = passed === undefined ? joined : c.op('Concat', [joined, passed], { axis: -1 });
  return flat ? c.reshape(y, shape) : y;
}

function split(c: Lowering, x: string, pairs: number, interleaved: boolean): [string, string] {
  if (!interleaved) return c.ops('Split', [x, c.ints([pairs, pairs])], { axis: -1 }, 2) as [string, string];
  const lead = c.shape(x).slice(0, -1);
  const columns = c.reshape(x, [...lead, pairs, 2]);
  const halves = c.ops('Split', [columns, c.ints([1, 1])], { axis: -1 }, 2);
  return halves.map((half) => c.reshape(half, [...lead, pairs])) as [string, string];
}

function join(c: Lowering, real: string, imaginary: string, interleaved: boolean): string {
  if (!interleaved) return c.op('Concat', [real, imaginary], { axis: -1 });
  const shape = c.shape(real);
  const columns = [real, imaginary].map((name) => c.reshape(name, [...shape, 1]));
  return c.reshape(c.op('Concat', columns, { axis: -1 }), [...shape.slice(0, -1), 2 * shape.at(-1)!]);
}

/** Rows of the caches [positions, pairs] for positions [batch, tokens], or one first position for every sample. */
function lookUp(c: Lowering, cache: string, positions: string, tokens: number): string {
  const shape = c.shape(positions);
  if (shape.length === 2) return c.op('Gather', [cache, positions], { axis: 0 });
  const constant = c.constant(positions);
  if (!constant)
    c.refuse('The position of the first token is not constant', 'Give position_ids [batch, tokens]');
  const [first] = valuesOf(constant) as [number];
  const rows = Array.from({ length: tokens }, (_, i) => first + i);
  return c.op('Gather', [cache, c.shared(tensorOf('int64', [1, tokens], rows))], { axis: 0 });
}

const tokensOf = (shape: readonly number[]): number => shape[shape.length === 3 ? 1 : 2]!;

/** com.microsoft RotaryEmbedding: x, position_ids, cos_cache, sin_cache. */
export const contribRotaryEmbedding: LowerRule = (c) => {
  if (c.int('is_packed_batching', 0)) {
    c.refuse('Packed batches have no exact equivalent', 'Export without packed batching');
  }
  if (c.float('scale', 1) !== 1) c.refuse('A scaled rotation has no exact equivalent', 'Export with scale 1');
  const x = c.input(0);
  const shape = c.shape(x);
  const tokens = tokensOf(shape);
  const table = (i: number) => lookUp(c, c.input(i), c.input(1), tokens);
  const pairs = c.shape(c.input(2)).at(-1)!;
  const heads = c.int('num_heads', 0) || (shape.length === 3 ? shape[2]! / (2 * pairs) : 0);
  const interleaved = c.int('interleaved', 0) !== 0;
  c.give(0, rotate(c, { x, cos: table(2), sin: table(3), heads, interleaved }));
};

/** ONNX RotaryEmbedding-23: X, cos_cache, sin_cache and, where the caches are by position, position_ids. */
export const standardRotaryEmbedding: LowerRule = (c) => {
  const x = c.input(0);
  const positions = c.optional(3);
  const table = (i: number) =>
    positions === undefined ? c.input(i) : lookUp(c, c.input(i), positions, tokensOf(c.shape(x)));
  const heads = c.int('num_heads', 0) || undefined;
  const interleaved = c.int('interleaved', 0) !== 0;
  c.give(0, rotate(c, { x, cos: table(1), sin: table(2), heads, interleaved }));
};
