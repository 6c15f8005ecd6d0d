import { intsAttribute } from '../onnx/attributes.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { madeBy } from './producers.ts';
import { reshape } from './unbroadcast.ts';

/**
 * Transposes as cheaply as the graph allows: nothing at all for the identity, a Reshape where only axes of size one
 * move, and one node where the value is itself a Transpose (none, when the two cancel). Transposes are among the
 * costliest nodes of a backward pass on WebGPU, so every rule goes through here.
 *
 * @param perm as ONNX has it: axis `i` of the result is axis `perm[i]` of the value
 */
export function transpose(b: GraphBuilder, value: string, perm: readonly number[]): string {
  const inner = madeBy(b.graph, value, 'Transpose');
  if (inner) {
    const source = inner.inputs[0]!;
    const reverse = b.shape(source).map((_, i, all) => all.length - 1 - i);
    const order = intsAttribute(inner, 'perm') ?? reverse;
    return transpose(
      b,
      source,
      perm.map((axis) => order[axis]!),
    );
  }
  const shape = b.shape(value);
  const moved = perm.filter((axis) => shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)) {
    return reshape(
      b,
      value,
      perm.map((axis) => shape[axis]!),
    );
  }
  return b.op('Transpose', [value], { perm: [...perm] });
}

/** Exchanges the last two axes of a matrix or a stack of matrices. */
export function transposeMatrix(b: GraphBuilder, value: string): string {
  const rank = b.shape(value).length;
  return transpose(b, value, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}
