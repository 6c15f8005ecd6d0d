import { isFloat } from '../data-types.ts';
import { axesOf, axisOf, productOf } from '../infer/shapes.ts';
import { tensorOf } from '../tensors.ts';
import { count, stridesOf, sums } from './arrays.ts';
import type { EvaluateContext, Evaluator, EvaluatorTable } from './context.ts';

/** The input's elements, one list for each output element, in the order of the reduced axes. */
function groups(c: EvaluateContext, axes: readonly number[]): number[][] {
  const shape = c.shape(0);
  const strides = stridesOf(shape);
  const lists = (want: boolean) =>
    shape.flatMap((d, k) => (axes.includes(k) === want ? [count(d).map((i) => i * strides[k]!)] : []));
  const values = c.numbers(0);
  const inner = sums(lists(true));
  return Array.from(sums(lists(false)), (base) => Array.from(inner, (offset) => values[base + offset]!));
}

const reduce =
  (since: number, f: (values: readonly number[]) => number): Evaluator =>
  (c) => {
    const given = c.moved('axes', 1, since);
    const none = !given || given.length === 0;
    if (none && c.int('noop_with_empty_axes', 0) !== 0) return undefined;
    const axes = none ? count(c.shape(0).length) : axesOf(c, given, c.shape(0).length);
    const { dtype, shape } = c.out();
    const values = groups(c, axes).map(f);
    const exact = isFloat(dtype) || values.every((x) => Number.isSafeInteger(Math.trunc(x)));
    return exact ? [tensorOf(dtype, shape, values)] : undefined;
  };

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);
const largest = (values: readonly number[]): number =>
  values.reduce((a, x) => Math.max(a, x), Number.NEGATIVE_INFINITY);
const smallest = (values: readonly number[]): number =>
  values.reduce((a, x) => Math.min(a, x), Number.POSITIVE_INFINITY);
const sumOfSquares = (values: readonly number[]): number => values.reduce((total, x) => total + x * x, 0);

function logSumExp(values: readonly number[]): number {
  const top = largest(values);
  return Number.isFinite(top) ? top + Math.log(sum(values.map((x) => Math.exp(x - top)))) : top;
}

const argExtreme =
  (better: (x: number, best: number) => boolean): Evaluator =>
  (c) => {
    const axis = axisOf(c, c.int('axis', 0), c.shape(0).length);
    const last = c.int('select_last_index', 0) !== 0;
    const winners = groups(c, [axis]).map((values) =>
      values.reduce((best, x, i) => (better(x, values[best]!) || (last && x === values[best]) ? i : best), 0),
    );
    return [tensorOf('int64', c.out().shape, winners)];
  };

const cumulative =
  (start: number, step: (total: number, x: number) => number): Evaluator =>
  (c) => {
    const { dtype, shape } = c.out();
    const axis = axisOf(c, c.numbers(1)[0] ?? 0, shape.length);
    const [exclusive, reverse] = [c.int('exclusive', 0) !== 0, c.int('reverse', 0) !== 0];
    const values = c.numbers(0);
    const inner = productOf(shape, axis + 1);
    const size = shape[axis]!;
    for (const base of sums([count(productOf(shape, 0, axis)).map((i) => i * size * inner), count(inner)])) {
      let total = start;
      for (let k = 0; k < size; k++) {
        const at = base + (reverse ? size - 1 - k : k) * inner;
        const x = values[at]!;
        if (exclusive) values[at] = total;
        total = step(total, x);
        if (!exclusive) values[at] = total;
      }
    }
    return [tensorOf(dtype, shape, values)];
  };

const softmaxed =
  (finish: (values: readonly number[]) => number[]): Evaluator =>
  (c) => {
    if (c.opset < 13) return undefined;
    const { dtype, shape } = c.out();
    const axis = axisOf(c, c.int('axis', -1), shape.length);
    const inner = productOf(shape, axis + 1);
    const rows = groups(c, [axis]).map(finish);
    const size = shape[axis]!;
    const values = sums([count(productOf(shape))]).map((i) => {
      const row = Math.floor(i / (size * inner)) * inner + (i % inner);
      return rows[row]![Math.floor(i / inner) % size]!;
    });
    return [tensorOf(dtype, shape, values)];
  };

export const reduction: EvaluatorTable = {
  ArgMax: argExtreme((x, best) => x > best),
  ArgMin: argExtreme((x, best) => x < best),
  CumProd: cumulative(1, (total, x) => total * x),
  CumSum: cumulative(0, (total, x) => total + x),
  LogSoftmax: softmaxed((row) => {
    const whole = logSumExp(row);
    return row.map((x) => x - whole);
  }),
  ReduceL1: reduce(18, (values) => sum(values.map(Math.abs))),
  ReduceL2: reduce(18, (values) => Math.sqrt(sumOfSquares(values))),
  ReduceLogSum: reduce(18, (values) => Math.log(sum(values))),
  ReduceLogSumExp: reduce(18, logSumExp),
  ReduceMax: reduce(18, largest),
  ReduceMean: reduce(18, (values) => sum(values) / values.length),
  ReduceMin: reduce(18, smallest),
  ReduceProd: reduce(18, (values) => values.reduce((product, x) => product * x, 1)),
  ReduceSum: reduce(13, sum),
  ReduceSumSquare: reduce(18, sumOfSquares),
  Softmax: softmaxed((row) => {
    const whole = logSumExp(row);
    return row.map((x) => Math.exp(x - whole));
  }),
};
