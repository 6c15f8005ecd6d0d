import { sizeOf, widthOf } from '../data-types.ts';
import { UnsupportedModelError } from '../errors.ts';
import type { Tensor } from '../model.ts';

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/** 0, 1, ..., n - 1. */
export const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Stands, in a list for {@link sums}, for a position that no element fills. */
export const hole = Number.NaN;

/**
 * All sums of one entry from each list, the last list varying fastest. With one list an output axis, holding what a
 * position on it adds to the element index, this is the element that each output position reads; NaN marks holes.
 */
export function sums(lists: readonly (readonly number[])[]): Float64Array {
  let result: Float64Array = new Float64Array(1);
  for (const list of lists) {
    const next = new Float64Array(result.length * list.length);
    let k = 0;
    for (const base of result) for (const x of list) next[k++] = base + x;
    result = next;
  }
  return result;
}

/** Element indices that make `shape` read as `target`, broadcast by numpy's rule. */
export function broadcastIndices(shape: readonly number[], target: readonly number[]): Float64Array {
  const strides = stridesOf(shape);
  const offset = target.length - shape.length;
  return sums(
    target.map((d, k) => {
      const own = k - offset;
      const step = own < 0 || shape[own] === 1 ? 0 : strides[own]!;
      return Array.from({ length: d }, (_, i) => i * step);
    }),
  );
}

/** A tensor of the elements at `indices`, in any element type, exactly; `fill` (same type, one element) at holes. */
export function take(tensor: Tensor, shape: readonly number[], indices: Float64Array, fill?: Tensor): Tensor {
  const width = widthOf(tensor.dtype);
  const from = bytesOf(tensor);
  const bytes = new Uint8Array(indices.length * width);
  const filler = fill && bytesOf(fill);
  const size = sizeOf(tensor.shape);
  for (let k = 0; k < indices.length; k++) {
    const index = indices[k]!;
    if (Number.isNaN(index)) {
      if (filler) bytes.set(filler, k * width);
      continue;
    }
    if (index < 0 || index >= size)
      throw new UnsupportedModelError('An index is out of range', { shapes: [tensor.shape] });
    for (let j = 0; j < width; j++) bytes[k * width + j] = from[index * width + j]!;
  }
  return { dtype: tensor.dtype, shape: [...shape], data: { kind: 'bytes', bytes } };
}

/** The same elements in another shape. */
export function reshaped(tensor: Tensor, shape: readonly number[]): Tensor {
  return { dtype: tensor.dtype, shape: [...shape], data: tensor.data };
}

export function bytesOf(tensor: Tensor): Uint8Array {
  if (tensor.data.kind !== 'bytes')
    throw new UnsupportedModelError('The elements of this tensor are not in memory');
  return tensor.data.bytes;
}
