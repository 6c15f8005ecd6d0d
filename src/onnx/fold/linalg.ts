import { productOf } from '../infer/shapes.ts';
import { tensorOf } from '../tensors.ts';
import { broadcastIndices, count } from './arrays.ts';
import type { Evaluator, EvaluatorTable } from './context.ts';

/** Multiplications that folding a product may cost; larger ones are left to the runtime. */
const budget = 2 ** 22;

const matmul: Evaluator = (c) => {
  const [x, y] = [c.shape(0), c.shape(1)];
  const left = x.length === 1 ? [1, x[0]!] : x;
  const right = y.length === 1 ? [y[0]!, 1] : y;
  const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const { dtype, shape } = c.out();
  const batch = shape.slice(0, shape.length - Number(x.length > 1) - Number(y.length > 1));
  if (productOf(batch) * m * k * n > budget) return undefined;
  const [a, b] = [c.numbers(0), c.numbers(1)];
  const starts = broadcastIndices(left.slice(0, -2), batch);
  const others = broadcastIndices(right.slice(0, -2), batch);
  const values: number[] = [];
  for (const [i, start] of starts.entries()) {
    for (const row of count(m)) {
      for (const column of count(n)) {
        let sum = 0;
        for (let j = 0; j < k; j++)
          sum += a[(start * m + row) * k + j]! * b[(others[i]! * k + j) * n + column]!;
        values.push(sum);
      }
    }
  }
  return [tensorOf(dtype, shape, values)];
};

export const linalg: EvaluatorTable = { MatMul: matmul };
