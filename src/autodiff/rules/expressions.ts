import type { GraphBuilder } from '../../onnx/builder.ts';
import { codeOf } from '../../onnx/data-types.ts';
import type { DataType } from '../../onnx/model.ts';
import { reshape } from '../unbroadcast.ts';

/** A value's name, or a number that becomes a scalar constant of the other operand's type. */
export type Operand = string | number;

/** The vocabulary in which rules write formulas: `mul(b, g, 2)` appends a Mul and returns the name of its output. */
const binary =
  (op: string) =>
  (b: GraphBuilder, x: Operand, y: Operand): string =>
    b.op(op, pair(b, x, y));

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const equal = binary('Equal');
export const greater = binary('Greater');
export const less = binary('Less');

export const neg = (b: GraphBuilder, x: string): string => b.op('Neg', [x]);
export const exp = (b: GraphBuilder, x: string): string => b.op('Exp', [x]);
export const sqrt = (b: GraphBuilder, x: string): string => b.op('Sqrt', [x]);
export const both = (b: GraphBuilder, p: string, q: string): string => b.op('And', [p, q]);

/** Elementwise choice. At least one branch must be a value. */
export function where(b: GraphBuilder, condition: string, x: Operand, y: Operand): string {
  return b.op('Where', [condition, ...pair(b, x, y)]);
}

/** `x` raised to a number. Products where they are exact and cheap: Pow with a broadcast exponent is not safe. */
export function power(b: GraphBuilder, x: string, exponent: number): string {
  if (exponent === 1) return x;
  if (exponent === 2) return mul(b, x, x);
  if (exponent === 3) return mul(b, mul(b, x, x), x);
  if (exponent === 0.5) return sqrt(b, x);
  return b.op('Pow', [x, filled(b, exponent, b.dtype(x), b.shape(x))]);
}

export function cast(b: GraphBuilder, x: string, dtype: DataType): string {
  return b.dtype(x) === dtype ? x : b.op('Cast', [x], { to: codeOf(dtype) });
}

/** A tensor with one value everywhere. */
export function filled(b: GraphBuilder, value: number, dtype: DataType, shape: readonly number[]): string {
  return expand(b, b.scalar(value, dtype), shape);
}

/** Broadcasts to a static shape; the value itself when it already has it. */
export function expand(b: GraphBuilder, x: string, shape: readonly number[]): string {
  const from = b.shape(x);
  if (from.length === shape.length && from.every((size, i) => size === shape[i])) return x;
  return b.op('Expand', [x, b.ints(shape)]);
}

export function sum(b: GraphBuilder, x: string, axes: readonly number[], keepdims = 1): string {
  return b.op('ReduceSum', [x, b.ints(axes)], { keepdims });
}

/** The sum of every element, as a tensor of a one-element shape. */
export function total(b: GraphBuilder, x: string, shape: readonly number[]): string {
  const axes = b.shape(x).map((_, axis) => axis);
  return reshape(b, axes.length === 0 ? x : sum(b, x, axes, 0), shape);
}

/** The part `[start, end)` of one axis; the value itself when that is all of it. */
export function part(b: GraphBuilder, x: string, axis: number, start: number, end: number): string {
  if (start === 0 && end === b.shape(x)[axis]) return x;
  return b.op('Slice', [x, b.ints([start]), b.ints([end]), b.ints([axis])]);
}

/** The elements along some axes in reverse order. */
export function reversed(b: GraphBuilder, x: string, ...axes: readonly number[]): string {
  const turned = axes.filter((axis) => b.shape(x)[axis] !== 1);
  if (turned.length === 0) return x;
  const sizes = turned.map((axis) => b.shape(x)[axis]!);
  const starts = b.ints(sizes.map((size) => size - 1));
  const ends = b.ints(sizes.map((size) => -size - 1));
  return b.op('Slice', [x, starts, ends, b.ints(turned), b.ints(turned.map(() => -1))]);
}

/** Surrounds a value with zeros: `before` and `after` give the count on each axis, none negative. */
export function padded(
  b: GraphBuilder,
  x: string,
  before: readonly number[],
  after: readonly number[],
): string {
  if ([...before, ...after].every((count) => count === 0)) return x;
  return b.op('Pad', [x, b.ints([...before, ...after])], { mode: 'constant' });
}

/** {@link padded} along one axis. */
export function paddedAxis(b: GraphBuilder, x: string, axis: number, before: number, after: number): string {
  const on = (count: number) => b.shape(x).map((_, i) => (i === axis ? count : 0));
  return padded(b, x, on(before), on(after));
}

/** An axis attribute or input, which may count from the end, as a non-negative number. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

function pair(b: GraphBuilder, x: Operand, y: Operand): [string, string] {
  if (typeof x === 'string') return [x, typeof y === 'string' ? y : b.scalar(y, b.dtype(x))];
  if (typeof y === 'string') return [b.scalar(x, b.dtype(y)), y];
  throw new TypeError('One operand must be a value of the graph');
}
