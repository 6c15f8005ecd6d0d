import { sizeOf } from '../../onnx/data-types.ts';
import { tensorOf } from '../../onnx/tensors.ts';
import type { Rule, RuleContext, RuleTable } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { correlate, spread } from './correlation.ts';
import { expand, filled, mul, where } from './expressions.ts';
import { type Windows, windowsOf } from './windows.ts';

/** Each input element receives its share of every window it was averaged into. */
const averagePool: Rule = (c) => {
  const { b, grad } = c;
  const { windows, planes } = poolingOf(c);
  const counts = windowCounts(c, windows);
  const uniform = counts.every((count) => count === counts[0]);
  const share = uniform
    ? grad
    : mul(
        b,
        grad,
        b.shared(
          tensorOf(
            b.dtype(grad),
            [1, 1, ...windows.positions],
            counts.map((n) => 1 / n),
          ),
        ),
      );
  const weights = b.shared(
    tensorOf(
      b.dtype(grad),
      [1, 1, ...windows.kernel],
      Array(sizeOf(windows.kernel)).fill(uniform ? 1 / counts[0]! : 1),
    ),
  );
  const dX = spread(b, reshape(b, share, [planes, 1, ...windows.positions]), weights, windows, 1);
  return [reshape(b, dX, c.shape(0))];
};

/**
 * Each window's gradient goes to its largest element, the first one where several are equal (as PyTorch has it).
 * The windows are laid side by side by a Conv whose kernels each copy one tap, and folded back by its transpose.
 */
const maxPool: Rule = (c) => {
  const { b, grad } = c;
  const { windows, planes } = poolingOf(c);
  const dtype = b.dtype(grad);
  const taps = sizeOf(windows.kernel);
  const copies = tensorOf(
    dtype,
    [taps, 1, ...windows.kernel],
    Array.from({ length: taps * taps }, (_, i) => (Math.floor(i / taps) === i % taps ? 1 : 0)),
  );
  const kernel = b.shared(copies);
  // Another rank than the Conv's keeps a Reshape in front of ArgMax: without it the runtime would move the transposes
  // of its channels-last Conv behind ArgMax, where no kernel transposes the indices.
  const places = windows.image.length === 1 ? [sizeOf(windows.positions), 1] : [sizeOf(windows.positions)];
  const unfolded = [planes, taps, ...places];

  const image = reshape(b, c.inputs[0]!, [planes, 1, ...windows.image]);
  let candidates = reshape(b, correlate(b, image, kernel, windows, 1), unfolded);
  const inside = tapsInside(windows);
  if (inside.includes(0)) {
    const mask = b.shared(tensorOf('bool', [1, taps, ...places], inside));
    candidates = where(b, mask, candidates, Number.NEGATIVE_INFINITY);
  }
  const best = b.op('ArgMax', [candidates], { axis: 1, keepdims: 1 });
  const zeros = filled(b, 0, dtype, unfolded);
  const updates = reshape(b, grad, [planes, 1, ...places]);
  const placed = b.op('ScatterElements', [zeros, best, updates], { axis: 1 });
  const dX = spread(b, reshape(b, placed, [planes, taps, ...windows.positions]), kernel, windows, 1);
  return [reshape(b, dX, c.shape(0))];
};

const globalAveragePool: Rule = (c) => {
  const { b } = c;
  const share = mul(b, c.grad, 1 / sizeOf(c.shape(0).slice(2)));
  return [expand(b, share, c.shape(0))];
};

/** The gradient goes to the largest element of each plane, the first one where several are equal. */
const globalMaxPool: Rule = (c) => {
  const { b } = c;
  const planes = sizeOf(c.shape(0).slice(0, 2));
  const size = sizeOf(c.shape(0).slice(2));
  const best = b.op('ArgMax', [reshape(b, c.inputs[0]!, [planes, size])], { axis: 1, keepdims: 1 });
  const zeros = filled(b, 0, b.dtype(c.grad), [planes, size]);
  const placed = b.op('ScatterElements', [zeros, best, reshape(b, c.grad, [planes, 1])], { axis: 1 });
  return [reshape(b, placed, c.shape(0))];
};

/** Pooling treats every channel of every image alike: they become the batch of a one-channel image. */
function poolingOf(c: RuleContext): { windows: Windows; planes: number } {
  const [batch, channels, ...image] = c.shape(0) as [number, number, ...number[]];
  const kernel =
    c.intList('kernel_shape') ?? c.refuse('This pooling has no kernel_shape', 'Export the model again');
  return { windows: windowsOf(c, image, c.b.shape(c.grad).slice(2), kernel), planes: batch * channels };
}

/** By how much each window's sum was divided. */
function windowCounts(c: RuleContext, windows: Windows): number[] {
  const rank = windows.image.length;
  const countsPadding = c.int('count_include_pad', 0) !== 0;
  const resolved = c.string('auto_pad', 'NOTSET') !== 'NOTSET';
  const declared = resolved ? windows.after : (c.intList('pads')?.slice(rank) ?? Array<number>(rank).fill(0));
  const along = windows.positions.map((positions, axis) => {
    // Padding counts when asked for, but never what ceil_mode reads beyond it.
    const from = countsPadding ? -windows.before[axis]! : 0;
    const to = windows.image[axis]! + (countsPadding ? Math.max(0, declared[axis]!) : 0);
    return Array.from(
      { length: positions },
      (_, p) => tapRows(windows, axis, p).filter((row) => row >= from && row < to).length,
    );
  });
  return along.reduce<number[]>(
    (product, counts) => product.flatMap((n) => counts.map((count) => n * count)),
    [1],
  );
}

/** For every tap and position, in row-major order: whether the tap reads the image there, not its padding. */
function tapsInside(windows: Windows): number[] {
  const along = windows.positions.map((positions, axis) =>
    Array.from({ length: windows.kernel[axis]! }, (_, tap) =>
      Array.from({ length: positions }, (_, p) => {
        const row = tapRows(windows, axis, p)[tap]!;
        return row >= 0 && row < windows.image[axis]! ? 1 : 0;
      }),
    ),
  );
  // Taps vary over all axes before positions do.
  const rows = along.reduce<number[][]>(
    (all, taps) => all.flatMap((inside) => taps.map((next) => inside.flatMap((i) => next.map((j) => i * j)))),
    [[1]],
  );
  return rows.flat();
}

/** The image rows that the taps of the window at a position read along one axis. */
function tapRows(windows: Windows, axis: number, position: number): number[] {
  const start = position * windows.strides[axis]! - windows.before[axis]!;
  return Array.from({ length: windows.kernel[axis]! }, (_, tap) => start + tap * windows.dilations[axis]!);
}

export const pooling: RuleTable = {
  AveragePool: averagePool,
  MaxPool: maxPool,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
};
