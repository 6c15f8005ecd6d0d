import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { add, axisOf, padded, paddedAxis, part, reversed, sub, sum, total } from './expressions.ts';

/** The gradient of Pad in its four modes; each adds the border's gradient to the elements it was copied from. */
export const unpad: Rule = (c) => {
  const { before, after } = amountsOf(c);
  const mode = c.string('mode', 'constant');
  if (mode === 'constant') return unpadConstant(c, before, after);
  const fold = folds[mode];
  if (!fold) return c.refuse(`Pad has the unknown mode "${mode}"`, 'Use constant, reflect, edge or wrap');
  let grad = c.grad;
  for (const [axis, size] of c.shape(0).entries()) {
    const [p, q] = [before[axis]!, after[axis]!];
    if (p === 0 && q === 0) continue;
    if (Math.min(p, q) < 0 || Math.max(p, q) > size) {
      c.refuse(
        `Pad with mode "${mode}" takes away elements or copies them more than once (${p} before and ${q} after ${size})`,
        'Split it into a Slice and smaller Pads',
      );
    }
    grad = fold(c.b, grad, axis, p, size, q);
  }
  return [grad];
};

/** Negative amounts take elements away: those get zeros. The fill value receives the border's gradient. */
function unpadConstant(c: RuleContext, before: number[], after: number[]): (string | undefined)[] {
  const { b, grad } = c;
  const crop = c.shape(0).flatMap((_, axis) => (Math.max(before[axis]!, after[axis]!) > 0 ? [axis] : []));
  const starts = crop.map((axis) => Math.max(before[axis]!, 0));
  const ends = crop.map((axis) => b.shape(grad)[axis]! - Math.max(after[axis]!, 0));
  const core = crop.length === 0 ? grad : b.op('Slice', [grad, b.ints(starts), b.ints(ends), b.ints(crop)]);
  const lost = (amounts: number[]) => amounts.map((count) => Math.max(-count, 0));
  const fillGradient = () => {
    const shape = c.shape(2);
    return sub(b, total(b, grad, shape), total(b, core, shape));
  };
  return [
    c.wants(0) ? padded(b, core, lost(before), lost(after)) : undefined,
    undefined,
    c.wants(2) ? fillGradient() : undefined,
  ];
}

/** Folds the `p` elements before and the `q` after the `n` of an axis back onto it. */
type Fold = (b: GraphBuilder, g: string, axis: number, p: number, n: number, q: number) => string;

const folds: Readonly<Record<string, Fold>> = {
  reflect: (b, g, axis, p, n, q) => {
    const core = part(b, g, axis, p, p + n);
    const left = () => reversed(b, part(b, g, axis, 0, p), axis);
    const right = () => reversed(b, part(b, g, axis, p + n, p + n + q), axis);
    const withLeft = p > 0 ? add(b, core, paddedAxis(b, left(), axis, 1, n - 1 - p)) : core;
    return q > 0 ? add(b, withLeft, paddedAxis(b, right(), axis, n - 1 - q, 1)) : withLeft;
  },

  edge: (b, g, axis, p, n, q) => {
    if (n === 1) return sum(b, g, [axis]);
    const first = part(b, g, axis, 0, p + 1);
    const last = part(b, g, axis, p + n - 1, p + n + q);
    const inner = n > 2 ? [part(b, g, axis, p + 1, p + n - 1)] : [];
    const summed = (x: string, count: number) => (count > 0 ? sum(b, x, [axis]) : x);
    return b.op('Concat', [summed(first, p), ...inner, summed(last, q)], { axis });
  },

  wrap: (b, g, axis, p, n, q) => {
    const core = part(b, g, axis, p, p + n);
    const withLeft = p > 0 ? add(b, core, paddedAxis(b, part(b, g, axis, 0, p), axis, n - p, 0)) : core;
    return q > 0
      ? add(b, withLeft, paddedAxis(b, part(b, g, axis, p + n, p + n + q), axis, 0, n - q))
      : withLeft;
  },
};

function amountsOf(c: RuleContext): { before: number[]; after: number[] } {
  const rank = c.shape(0).length;
  const pads = c.ints(1);
  const axes = c.inputs[3] ? c.ints(3) : Array.from({ length: rank }, (_, i) => i);
  const before = Array.from({ length: rank }, () => 0);
  const after = Array.from({ length: rank }, () => 0);
  for (const [i, axis] of axes.entries()) {
    before[axisOf(axis, rank)] = pads[i]!;
    after[axisOf(axis, rank)] = pads[axes.length + i]!;
  }
  return { before, after };
}
