import { float, type GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { transposeMatrix } from '../transpose.ts';
import { reshape, unbroadcast } from '../unbroadcast.ts';
import { einsum } from './einsum.ts';

/**
 * Y = A B, with every broadcasting of numpy.matmul. A two-dimensional B (every linear layer) meets the flattened
 * rows of A in one Gemm each way, without a Transpose.
 */
const matMul: Rule = (c) => {
  const { b } = c;
  const [a, w] = [c.inputs[0]!, c.inputs[1]!];
  const [shapeA, shapeB] = [c.shape(0), c.shape(1)];
  const fullA = shapeA.length === 1 ? [1, ...shapeA] : shapeA;
  const fullB = shapeB.length === 1 ? [...shapeB, 1] : shapeB;
  const [m, k, n] = [fullA.at(-2)!, fullA.at(-1)!, fullB.at(-1)!];

  if (fullB.length === 2) {
    const rows = sizeOf(fullA) / Math.max(k, 1);
    const dY = reshape(b, c.grad, [rows, n]);
    return [
      c.wants(0) ? reshape(b, b.op('Gemm', [dY, reshape(b, w, [k, n])], { transB: 1 }), shapeA) : undefined,
      c.wants(1)
        ? reshape(b, b.op('Gemm', [reshape(b, a, [rows, k]), dY], { transA: 1 }), shapeB)
        : undefined,
    ];
  }

  const batch = b.shape(c.grad).slice(0, shapeA.length === 1 ? -1 : -2);
  const dY = reshape(b, c.grad, [...batch, m, n]);
  const back = (i: number, product: () => string, full: readonly number[]) =>
    c.wants(i) ? reshape(b, unbroadcast(b, product(), full), c.shape(i)) : undefined;
  return [
    back(0, () => product(b, w, dY, false), fullA),
    back(1, () => product(b, reshape(b, a, fullA), dY, true), fullB),
  ];
};

/**
 * A product with one operand transposed, by the cheaper of two ways: transposing that operand, or the other one and
 * the result. In attention this transposes values instead of the probabilities.
 */
function product(b: GraphBuilder, turned: string, grad: string, turnedFirst: boolean): string {
  const [own, other] = [b.shape(turned), b.shape(grad)];
  const free = turnedFirst ? own.at(-1)! * other.at(-1)! : other.at(-2)! * own.at(-2)!;
  const roundabout = sizeOf(other) + sizeOf(other.slice(0, -2)) * free;
  const inOrder = (x: string, y: string) => b.op('MatMul', turnedFirst ? [x, y] : [y, x]);
  if (sizeOf(own) <= roundabout) return inOrder(transposeMatrix(b, turned), grad);
  const [left, right] = turnedFirst ? [transposeMatrix(b, grad), turned] : [turned, transposeMatrix(b, grad)];
  return transposeMatrix(b, b.op('MatMul', [left, right]));
}

/** Y = alpha op(A) op(B) + beta C. Each gradient is again one Gemm: its transposition flags do the transposing. */
const gemm: Rule = (c) => {
  const { b, grad } = c;
  const [a, w] = [c.inputs[0]!, c.inputs[1]!];
  const [transA, transB] = [c.int('transA', 0) ? 1 : 0, c.int('transB', 0) ? 1 : 0];
  const alpha = float(c.float('alpha', 1));
  const dA = () =>
    transA
      ? b.op('Gemm', [w, grad], { transA: transB, transB: 1, alpha })
      : b.op('Gemm', [grad, w], { transB: 1 - transB, alpha });
  const dB = () =>
    transB
      ? b.op('Gemm', [grad, a], { transA: 1, transB: transA, alpha })
      : b.op('Gemm', [a, grad], { transA: 1 - transA, alpha });
  return [c.wants(0) ? dA() : undefined, c.wants(1) ? dB() : undefined, c.wants(2) ? gemmBias(c) : undefined];
};

function gemmBias(c: RuleContext): string {
  const { b } = c;
  const beta = c.float('beta', 1);
  const sum = unbroadcast(b, c.grad, c.shape(2));
  return beta === 1 ? sum : b.op('Mul', [sum, b.scalar(beta, b.dtype(sum))]);
}

export const linalg: RuleTable = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
