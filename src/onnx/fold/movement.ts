import { sliceExtent } from '../infer/movement.ts';
import { axesOf, axisOf } from '../infer/shapes.ts';
import type { Tensor } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { broadcastIndices, bytesOf, count, hole, reshaped, stridesOf, sums, take } from './arrays.ts';
import type { EvaluateContext, Evaluator, EvaluatorTable } from './context.ts';

/** The element lists that read a shape unchanged: one list an axis. */
function identityLists(shape: readonly number[]): number[][] {
  const strides = stridesOf(shape);
  return shape.map((d, k) => count(d).map((i) => i * strides[k]!));
}

const reshape: Evaluator = (c) => [reshaped(c.tensor(0), c.out().shape)];

const transpose: Evaluator = (c) => {
  const input = c.shape(0);
  const order = c.ints('perm') ?? input.map((_, i) => input.length - 1 - i);
  const lists = identityLists(input);
  return [take(c.tensor(0), c.out().shape, sums(order.map((axis) => lists[axis]!)))];
};

const expand: Evaluator = (c) => [
  take(c.tensor(0), c.out().shape, broadcastIndices(c.shape(0), c.out().shape)),
];

const tile: Evaluator = (c) => {
  const input = c.shape(0);
  const strides = stridesOf(input);
  const lists = c.out().shape.map((d, k) => count(d).map((i) => (i % input[k]!) * strides[k]!));
  return [take(c.tensor(0), c.out().shape, sums(lists))];
};

const slice: Evaluator = (c) => {
  const input = c.shape(0);
  const starts = c.moved('starts', 1, 10) ?? [];
  const ends = c.moved('ends', 2, 10) ?? [];
  const axes = axesOf(c, c.moved('axes', 3, 10) ?? starts.map((_, i) => i), input.length);
  const steps = (c.opset >= 10 ? c.optionalValues(4, 'steps') : undefined) ?? starts.map(() => 1);
  const strides = stridesOf(input);
  const lists = identityLists(input);
  for (const [k, axis] of axes.entries()) {
    const extent = sliceExtent(input[axis]!, starts[k]!, ends[k]!, steps[k]!);
    lists[axis] = count(extent.count).map((i) => (extent.first + i * steps[k]!) * strides[axis]!);
  }
  return [take(c.tensor(0), c.out().shape, sums(lists))];
};

const concat: Evaluator = (c) => {
  const { dtype, shape } = c.out();
  const axis = axisOf(c, c.int('axis', 0), shape.length);
  const parts = count(c.count).map((i) => c.tensor(i));
  const joined = new Uint8Array(parts.reduce((n, part) => n + bytesOf(part).length, 0));
  const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1);
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const part of parts) {
      const bytes = bytesOf(part);
      const length = bytes.length / outer;
      joined.set(bytes.subarray(row * length, (row + 1) * length), at);
      at += length;
    }
  }
  return [{ dtype, shape, data: { kind: 'bytes', bytes: joined } }];
};

const split: Evaluator = (c) => {
  const input = c.shape(0);
  const axis = axisOf(c, c.int('axis', 0), input.length);
  const lists = identityLists(input);
  let from = 0;
  return c.node.outputs.map((_, k): Tensor => {
    const { shape } = c.out(k);
    const own = lists.map((list, a) => (a === axis ? list.slice(from, from + shape[axis]!) : list));
    from += shape[axis]!;
    return take(c.tensor(0), shape, sums(own));
  });
};

/** Where position `i` of a padded axis reads from, or a hole in constant mode. */
function padded(i: number, size: number, mode: string): number {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case 'edge':
      return Math.min(Math.max(i, 0), size - 1);
    case 'wrap':
      return ((i % size) + size) % size;
    case 'reflect': {
      if (size === 1) return 0;
      const period = 2 * (size - 1);
      const k = ((i % period) + period) % period;
      return Math.min(k, period - k);
    }
    default:
      return hole;
  }
}

const pad: Evaluator = (c) => {
  const input = c.shape(0);
  const pads = c.moved('pads', 1, 11) ?? [];
  const axes = axesOf(c, c.optionalValues(3, 'axes') ?? count(input.length), input.length);
  const mode = c.string('mode', 'constant');
  const strides = stridesOf(input);
  const lists = identityLists(input);
  for (const [k, axis] of axes.entries()) {
    const size = input[axis]!;
    lists[axis] = count(c.out().shape[axis]!).map((i) => padded(i - pads[k]!, size, mode) * strides[axis]!);
  }
  const fill = c.opset >= 11 && c.has(2) ? c.tensor(2) : tensorOf(c.dtype(0), [], [c.float('value', 0)]);
  return [take(c.tensor(0), c.out().shape, sums(lists), fill)];
};

/** One triangle of the last two axes; the other becomes zero. */
const trilu: Evaluator = (c) => {
  const shape = c.out().shape;
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const k = c.has(1) ? c.numbers(1)[0]! : 0;
  const upper = c.int('upper', 1) !== 0;
  const indices = Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => {
    const row = Math.floor(i / columns) % rows;
    const beyond = (i % columns) - row - k;
    return (upper ? beyond >= 0 : beyond <= 0) ? i : hole;
  });
  return [take(c.tensor(0), shape, indices)];
};

function blocks(c: EvaluateContext, view: readonly number[], order: readonly number[]): readonly Tensor[] {
  const lists = identityLists(view);
  return [take(c.tensor(0), c.out().shape, sums(order.map((axis) => lists[axis]!)))];
}

const depthToSpace: Evaluator = (c) => {
  const [n, , h, w] = c.shape(0) as [number, number, number, number];
  const b = c.int('blocksize', 1);
  const channels = c.out().shape[1]!;
  return c.string('mode', 'DCR') === 'CRD'
    ? blocks(c, [n, channels, b, b, h, w], [0, 1, 4, 2, 5, 3])
    : blocks(c, [n, b, b, channels, h, w], [0, 3, 4, 1, 5, 2]);
};

const spaceToDepth: Evaluator = (c) => {
  const [n, channels] = c.shape(0) as [number, number];
  const b = c.int('blocksize', 1);
  const [, , h, w] = c.out().shape as [number, number, number, number];
  return blocks(c, [n, channels, h, b, w, b], [0, 3, 5, 1, 2, 4]);
};

export const movement: EvaluatorTable = {
  Concat: concat,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: reshape,
  Pad: pad,
  Reshape: reshape,
  Slice: slice,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: reshape,
  Tile: tile,
  Transpose: transpose,
  Trilu: trilu,
  Unsqueeze: reshape,
};
