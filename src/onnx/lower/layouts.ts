import type { Lowering, LowerRule, LowerTable } from './lowering.ts';

/** [N, ..., C] to [N, C, ...]. */
export function channelsFirst(c: Lowering, name: string): string {
  const rank = c.shape(name).length;
  return c.transpose(name, [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]);
}

/** [N, C, ...] to [N, ..., C]. */
export function channelsLast(c: Lowering, name: string): string {
  const rank = c.shape(name).length;
  return c.transpose(name, [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]);
}

/** Convolution of [N, ..., C] by a weight [M, ..., C / group]. */
const nhwcConv: LowerRule = (c) => {
  const inputs = [channelsFirst(c, c.input(0)), channelsFirst(c, c.input(1))];
  const bias = c.optional(2);
  c.give(
    0,
    channelsLast(c, c.op('Conv', bias === undefined ? inputs : [...inputs, bias], c.node.attributes)),
  );
};

/** MatMul of operands whose last two axes, or first and last but one, are swapped on the way, times a number. */
const fusedMatMul: LowerRule = (c) => {
  const operand = (i: number, batch: string, last: string): string => {
    const name = c.input(i);
    const axes = [...c.shape(name).keys()];
    if (axes.length < 2) return name;
    if (c.int(batch, 0)) axes.splice(-1, 0, ...axes.splice(0, 1));
    if (c.int(last, 0)) axes.splice(-2, 2, axes.at(-1)!, axes.at(-2)!);
    return c.transpose(name, axes);
  };
  const a = operand(0, 'transBatchA', 'transA');
  const product = c.op('MatMul', [a, operand(1, 'transBatchB', 'transB')]);
  const alpha = c.float('alpha', 1);
  c.give(0, alpha === 1 ? product : c.op('Mul', [product, c.scalar(alpha, c.dtype(product))]));
};

export const layouts: LowerTable = {
  FusedMatMul: fusedMatMul,
  NhwcConv: nhwcConv,
};
