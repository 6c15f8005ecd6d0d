import type { DataType, TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';
import { parseEinsum } from './einsum.ts';
import { broadcast } from './shapes.ts';

/** The shape of numpy's matmul of two shapes. */
export function matmulShape(c: InferContext, a: readonly number[], b: readonly number[]): number[] {
  c.check(a.length > 0 && b.length > 0, 'An operand is a scalar');
  const left = a.length === 1 ? [1, a[0]!] : a;
  const right = b.length === 1 ? [b[0]!, 1] : b;
  const inner = left.at(-1)!;
  c.check(inner === right.at(-2), `The inner sizes ${inner} and ${right.at(-2)} differ`);
  const batch = broadcast(c, [left.slice(0, -2), right.slice(0, -2)]);
  return [...batch, ...(a.length === 1 ? [] : [left.at(-2)!]), ...(b.length === 1 ? [] : [right.at(-1)!])];
}

function matmul(c: InferContext): TensorType[] {
  c.check(c.dtype(0) === c.dtype(1), `The operands differ in element type: ${c.dtype(0)} and ${c.dtype(1)}`);
  return [{ dtype: c.dtype(0), shape: matmulShape(c, c.shape(0), c.shape(1)) }];
}

export function gemm(c: InferContext): TensorType[] {
  const [a, b] = [c.shape(0), c.shape(1)];
  c.check(a.length === 2 && b.length === 2, 'An operand is not a matrix');
  c.check(c.dtype(0) === c.dtype(1), `The operands differ in element type: ${c.dtype(0)} and ${c.dtype(1)}`);
  const [m, k] = c.int('transA', 0) ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
  const [k2, n] = c.int('transB', 0) ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
  c.check(k === k2, `The inner sizes ${k} and ${k2} differ`);
  if (c.has(2)) {
    c.check(
      broadcast(c, [[m, n], c.shape(2)]).join() === `${m},${n}`,
      'The bias does not broadcast to the product',
    );
  }
  return [{ dtype: c.dtype(0), shape: [m, n] }];
}

const integerMatmul =
  (dtype: (c: InferContext) => DataType, a: number, b: number) =>
  (c: InferContext): TensorType[] => [{ dtype: dtype(c), shape: matmulShape(c, c.shape(a), c.shape(b)) }];

function einsum(c: InferContext): TensorType[] {
  const equation = c.string('equation', '');
  const operands = c.rest(0);
  const parsed = parseEinsum(
    equation,
    operands.map((o) => o.shape),
  );
  if (typeof parsed === 'string') return c.fail(`Equation "${equation}": ${parsed}`);
  return [{ dtype: c.dtype(0), shape: parsed.output.map((label) => parsed.sizes.get(label)!) }];
}

function det(c: InferContext): TensorType[] {
  const shape = c.shape(0);
  c.check(shape.length >= 2 && shape.at(-1) === shape.at(-2), 'The input is not a batch of square matrices');
  return [{ dtype: c.dtype(0), shape: shape.slice(0, -2) }];
}

export const linalg: InferTable = {
  Det: det,
  Einsum: einsum,
  Gemm: gemm,
  MatMul: matmul,
  MatMulInteger: integerMatmul(() => 'int32', 0, 1),
  QLinearMatMul: integerMatmul((c) => c.dtype(7), 0, 3),
};
