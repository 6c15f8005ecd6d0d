import { sizeOf } from '../../onnx/data-types.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { transpose } from '../transpose.ts';
import { reshape, unbroadcast } from '../unbroadcast.ts';
import { axisOf, filled, paddedAxis, part, sum } from './expressions.ts';
import { unpad } from './pad.ts';
import { unslice } from './slice.ts';

const reshaped: Rule = (c) => [reshape(c.b, c.grad, c.shape(0))];

export const movement: RuleTable = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,

  Transpose: (c) => {
    const rank = c.shape(0).length;
    const perm = c.intList('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
    const inverse = Array.from({ length: rank }, (_, axis) => perm.indexOf(axis));
    return [transpose(c.b, c.grad, inverse)];
  },

  Expand: (c) => [unbroadcast(c.b, c.grad, c.shape(0))],

  Concat: (c) => {
    const { b, grad } = c;
    const axis = axisOf(c.int('axis', 0), b.shape(grad).length);
    const sizes = c.inputs.map((_, i) => c.shape(i)[axis]!);
    const wanted = c.inputs.filter((_, i) => c.wants(i)).length;
    if (wanted === c.inputs.length && wanted > 1 && wanted <= splitLimit && !sizes.includes(0)) {
      return b.ops('Split', [grad, b.ints(sizes)], { axis }, wanted);
    }
    let start = 0;
    return sizes.map((size, i) => {
      const begin = start;
      start += size;
      return c.wants(i) ? part(b, grad, axis, begin, start) : undefined;
    });
  },

  Split: (c) => {
    const shape = c.shape(0);
    const axis = axisOf(c.int('axis', 0), shape.length);
    return [joined(c, shape, axis, splitSizes(c, shape[axis]!))];
  },

  Slice: (c) => [unslice(c)],
  Pad: unpad,

  Tile: (c) => {
    const { b } = c;
    const shape = c.shape(0);
    // One repeated axis at a time: [before, repeats, axis and after] keeps the rank at three.
    return [
      c.ints(1).reduce((grad, repeats, axis) => {
        if (repeats === 1) return grad;
        if (shape[axis] === 1) return sum(b, grad, [axis]);
        const after = b.shape(grad);
        const before = sizeOf(after.slice(0, axis));
        const folded = reshape(b, grad, [before, repeats, sizeOf(after.slice(axis)) / repeats]);
        return reshape(b, sum(b, folded, [1], 0), after.with(axis, shape[axis]!));
      }, c.grad),
    ];
  },

  // SpaceToDepth has no WebGPU kernel and Transpose is safe up to five axes: in both modes the channels can be kept
  // together with a neighbouring axis.
  DepthToSpace: (c) => {
    const { b, grad } = c;
    const [n, channels, h, w] = c.shape(0) as [number, number, number, number];
    const block = c.int('blocksize', 1);
    const depth = channels / block ** 2;
    const lead = c.string('mode', 'DCR') === 'CRD' ? [n * depth, h] : [n, depth * h];
    const blocks = reshape(b, grad, [...lead, block, w, block]);
    return [reshape(b, transpose(b, blocks, [0, 2, 4, 1, 3]), c.shape(0))];
  },

  SpaceToDepth: (c) => [c.b.op('DepthToSpace', [c.grad], { blocksize: c.int('blocksize', 1), mode: 'DCR' })],

  Trilu: (c) => [
    c.b.op('Trilu', c.inputs[1] ? [c.grad, c.inputs[1]] : [c.grad], { upper: c.int('upper', 1) }),
  ],
};

/** WebGPU promises ten storage buffers to a shader, and a Split needs one for each output and one for the input. */
const splitLimit = 9;

/** The sizes of a Split's parts; without explicit ones all are equal but perhaps the last. */
function splitSizes(c: RuleContext, size: number): number[] {
  if (c.inputs[1]) return c.ints(1);
  const count = c.int('num_outputs', c.outputs.length);
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
}

/** Concatenates the gradients of a Split's outputs, with zeros for those through which nothing flows. */
function joined(c: RuleContext, shape: readonly number[], axis: number, sizes: readonly number[]): string {
  const { b } = c;
  const dtype = b.dtype(c.inputs[0]!);
  const first = c.grads.findIndex((grad) => grad !== undefined);
  const last = c.grads.findLastIndex((grad) => grad !== undefined);
  const pieces = c.grads
    .slice(first, last + 1)
    .map((grad, i) => grad ?? filled(b, 0, dtype, shape.with(axis, sizes[first + i]!)));
  const middle = pieces.length === 1 ? pieces[0]! : b.op('Concat', pieces, { axis });
  const before = sizes.slice(0, first).reduce((n, size) => n + size, 0);
  return paddedAxis(b, middle, axis, before, shape[axis]! - before - b.shape(middle)[axis]!);
}
