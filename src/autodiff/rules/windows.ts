import type { RuleContext } from '../rule.ts';

/**
 * How a window slides along each spatial axis of an image: at position `p` its tap `t` reads image row
 * `p * stride + t * dilation - before`. Padding, `auto_pad` and `ceil_mode` are resolved into `before` and `after`.
 */
export interface Windows {
  /** Sizes of the image that is read. */
  readonly image: readonly number[];
  /** Number of positions along each axis. */
  readonly positions: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros read before the image. */
  readonly before: readonly number[];
  /** Zeros read after the image; negative where that many last rows are never read. */
  readonly after: readonly number[];
}

/**
 * The windows of a node with `strides`, `dilations`, `pads` and `auto_pad` attributes, from the sizes that shape
 * inference settled: what follows the last window decides the padding after the image, whatever the file says.
 *
 * @param image spatial sizes of what the windows read: the input of Conv and pooling, the output of ConvTranspose
 * @param positions spatial sizes of the other side
 */
export function windowsOf(
  c: RuleContext,
  image: readonly number[],
  positions: readonly number[],
  kernel: readonly number[],
): Windows {
  const rank = image.length;
  const ones = Array<number>(rank).fill(1);
  const strides = c.intList('strides') ?? ones;
  const dilations = c.intList('dilations') ?? ones;
  const total = image.map(
    (size, i) => (positions[i]! - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1 - size,
  );
  const before = beginningOf(c, total);
  return { image, positions, kernel, strides, dilations, before, after: total.map((t, i) => t - before[i]!) };
}

function beginningOf(c: RuleContext, total: readonly number[]): readonly number[] {
  const autoPad = c.string('auto_pad', 'NOTSET');
  const transposed = c.node.op === 'ConvTranspose';
  if (autoPad === 'VALID') return total.map(() => 0);
  if (autoPad === 'NOTSET' && !(transposed && c.intList('output_shape'))) {
    return c.intList('pads')?.slice(0, total.length) ?? total.map(() => 0);
  }
  if (transposed && total.some((t) => t % 2 !== 0)) {
    // The standard and ONNX Runtime put the odd row of padding at opposite ends.
    c.refuse(
      'ConvTranspose derives an odd padding from its output size',
      'Export the model with explicit pads',
    );
  }
  return total.map((t) =>
    autoPad === 'SAME_LOWER' ? Math.ceil(Math.max(t, 0) / 2) : Math.floor(Math.max(t, 0) / 2),
  );
}

/** Whether the windows cut the image into tiles: side by side, without gaps, overlap or padding. */
export function areTiles({ kernel, strides, dilations, before, after }: Windows): boolean {
  return kernel.every(
    (size, i) =>
      size === strides[i] && (dilations[i] === 1 || size === 1) && before[i] === 0 && after[i] === 0,
  );
}

/** Whether each window is a single element and every element has one. */
export function arePoints(windows: Windows): boolean {
  return areTiles(windows) && windows.kernel.every((size) => size === 1);
}
