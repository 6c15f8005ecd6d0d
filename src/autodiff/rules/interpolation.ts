/** How one axis is resized, in the terms of ONNX's Resize operator (opset 19). */
export interface Interpolation {
  readonly inSize: number;
  readonly outSize: number;
  /** Output size over input size as the node has it; not always the quotient of the two integers. */
  readonly scale: number;
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: string;
  readonly nearestMode: string;
  readonly antialias: boolean;
  readonly cubicCoefficient: number;
  readonly excludeOutside: boolean;
}

/**
 * The matrix [outSize, inSize] by which Resize maps an axis, row-major: resizing is linear and separable, so this is
 * all of it. Follows the reference implementation in the ONNX operator documentation.
 *
 * @returns undefined for a coordinate transformation that is not known
 */
export function interpolationMatrix(axis: Interpolation): Float64Array | undefined {
  const matrix = new Float64Array(axis.outSize * axis.inSize);
  for (let row = 0; row < axis.outSize; row++) {
    const x = sourceOf(axis, row);
    if (x === undefined) return undefined;
    if (axis.mode === 'nearest') matrix[row * axis.inSize + clamp(nearest(axis, x), axis.inSize)] = 1;
    else for (const [column, weight] of tapsAt(axis, x)) matrix[row * axis.inSize + column]! += weight;
  }
  return matrix;
}

const clamp = (index: number, size: number) => Math.min(Math.max(index, 0), size - 1);

const f32 = Math.fround;

/** The input coordinate that an output coordinate reads, in float32 steps as the runtime has it: ties depend on it. */
function sourceOf(axis: Interpolation, x: number): number | undefined {
  const { coordinates, inSize, outSize } = axis;
  const scale = f32(axis.scale);
  const halfPixel = f32(f32(f32(x + 0.5) / scale) - 0.5);
  switch (coordinates) {
    case 'half_pixel':
      return halfPixel;
    case 'half_pixel_symmetric': {
      // The output's size was rounded; its centre stays on the input's.
      const adjustment = f32(outSize / f32(scale * inSize));
      return f32(f32((inSize / 2) * f32(1 - adjustment)) + halfPixel);
    }
    case 'pytorch_half_pixel':
      return outSize > 1 ? halfPixel : 0;
    case 'align_corners':
      return outSize > 1 ? f32(f32(x * (inSize - 1)) / (outSize - 1)) : 0;
    case 'asymmetric':
      return f32(x / scale);
    case 'tf_half_pixel_for_nn':
      return f32(f32(x + 0.5) / scale);
    default:
      return undefined;
  }
}

function nearest({ nearestMode }: Interpolation, x: number): number {
  switch (nearestMode) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    default:
      return Math.ceil(x - 0.5);
  }
}

/** Input columns and their weights for one output element, edges repeated or left out as the node has it. */
function tapsAt(axis: Interpolation, x: number): [column: number, weight: number][] {
  // Shrinking with antialiasing widens the filter so that every input element is counted.
  const stretch = axis.antialias && axis.scale < 1 ? axis.scale : 1;
  const support = (axis.mode === 'cubic' ? 2 : 1) / stretch;
  const taps: [number, number][] = [];
  for (let column = Math.ceil(x - support); column <= Math.floor(x + support); column++) {
    const distance = Math.abs(x - column) * stretch;
    const weight = axis.mode === 'cubic' ? cubic(distance, axis.cubicCoefficient) : Math.max(0, 1 - distance);
    const outside = column < 0 || column >= axis.inSize;
    if (weight === 0 || (outside && axis.excludeOutside)) continue;
    taps.push([clamp(column, axis.inSize), weight]);
  }
  // Weights that were left out, or the spread of a widened filter, no longer add up to one.
  const sum =
    axis.excludeOutside || axis.antialias ? taps.reduce((total, [, weight]) => total + weight, 0) : 1;
  return taps.map(([column, weight]) => [column, weight / sum]);
}

/** Keys' cubic convolution kernel. */
function cubic(distance: number, a: number): number {
  const d = distance;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}
