import { tensorOf } from '../../onnx/tensors.ts';
import type { RuleContext } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { axisOf, paddedAxis, sum } from './expressions.ts';

/** How much larger than the gradient the table of copies may be, before scattering is the better way. */
const tableLimit = 4;

/**
 * The gradient of a Gather whose indices are constant, without scattering: deterministic and in any precision.
 * A run of neighbours (a class token, a range of positions) is a Pad. Otherwise each row of the input gathers the
 * gradients of its copies, rows without any taking a row of zeros added at the end.
 *
 * @returns undefined where the copies are spread too unevenly for that
 */
export function ungatherConstant(c: RuleContext, axis: number, indices: number[]): string | undefined {
  const { b } = c;
  const shape = c.shape(0);
  const size = shape[axis]!;
  const rows = indices.map((index) => axisOf(index, size));
  const count = rows.length;
  const [first] = rows;
  if (first === undefined) return undefined;
  const flat = reshape(b, c.grad, shape.with(axis, count));
  if (rows.every((row, i) => row === first + i)) {
    return paddedAxis(b, flat, axis, first, size - first - count);
  }

  const copies: number[][] = Array.from({ length: size }, () => []);
  for (const [place, row] of rows.entries()) copies[row]!.push(place);
  const most = Math.max(...copies.map((places) => places.length));
  if (most * size > tableLimit * count) return undefined;
  const short = copies.some((places) => places.length < most);
  const source = short ? paddedAxis(b, flat, axis, 0, 1) : flat;
  const table = copies.flatMap((places) => Array.from({ length: most }, (_, i) => places[i] ?? count));
  const places = b.shared(tensorOf('int64', most === 1 ? [size] : [size, most], table));
  const gathered = b.op('Gather', [source, places], { axis });
  return most === 1 ? gathered : sum(b, gathered, [axis + 1], 0);
}
