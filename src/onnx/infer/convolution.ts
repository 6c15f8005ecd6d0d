import type { DataType, TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';

/** Windows of a convolution or pooling over the spatial axes, attributes filled in with their defaults. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every axis, then end of every axis. */
  readonly pads: readonly number[];
}

function spatialAttributes(c: InferContext, kernel: readonly number[]): Windows & { autoPad: string } {
  const n = kernel.length;
  const list = (name: string, fill: number, count: number) => {
    const given = c.ints(name);
    const values = given && given.length > 0 ? given : new Array<number>(count).fill(fill);
    c.check(values.length === count, `Attribute "${name}" has ${values.length} entries instead of ${count}`);
    return values;
  };
  const strides = list('strides', 1, n);
  const dilations = list('dilations', 1, n);
  c.check(
    [...kernel, ...strides, ...dilations].every((x) => x > 0),
    'A kernel size, stride or dilation is not positive',
  );
  return {
    kernel,
    strides,
    dilations,
    pads: list('pads', 0, 2 * n),
    autoPad: c.string('auto_pad', 'NOTSET'),
  };
}

/** Output sizes of sliding windows over `input` (spatial axes only). */
export function windowCounts(
  c: InferContext,
  input: readonly number[],
  kernel: readonly number[],
  ceil: boolean,
): number[] {
  const { strides, dilations, pads, autoPad } = spatialAttributes(c, kernel);
  return input.map((size, i) => {
    const extent = dilations[i]! * (kernel[i]! - 1) + 1;
    const stride = strides[i]!;
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') return Math.ceil(size / stride);
    const [begin, end] = autoPad === 'VALID' ? [0, 0] : [pads[i]!, pads[input.length + i]!];
    const room = size + begin + end - extent;
    c.check(room >= 0, `The window of ${extent} is larger than axis ${i + 2} with its padding`);
    if (!ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // A last window that starts in the end padding would see no element: it is dropped.
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}

function spatial(c: InferContext, i = 0): readonly number[] {
  c.check(c.shape(i).length >= 3, 'The input has no spatial axes');
  return c.shape(i).slice(2);
}

export function convolution(c: InferContext, dtype: DataType, weightInput = 1): TensorType[] {
  const input = c.shape(0);
  const weight = c.shape(weightInput);
  const size = spatial(c);
  c.check(weight.length === input.length, 'Input and weight differ in rank');
  const kernel = weight.slice(2);
  const declared = c.ints('kernel_shape');
  if (declared)
    c.check(declared.join() === kernel.join(), `kernel_shape [${declared.join(', ')}] is not the weight's`);
  const group = c.int('group', 1);
  c.check(
    group > 0 && input[1] === weight[1]! * group,
    `${input[1]} channels for ${weight[1]} a group in ${group} groups`,
  );
  c.check(weight[0]! % group === 0, `${weight[0]} output channels do not divide into ${group} groups`);
  return [{ dtype, shape: [input[0]!, weight[0]!, ...windowCounts(c, size, kernel, false)] }];
}

function conv(c: InferContext): TensorType[] {
  c.check(
    c.dtype(0) === c.dtype(1),
    `Input and weight differ in element type: ${c.dtype(0)} and ${c.dtype(1)}`,
  );
  if (c.has(2))
    c.check(c.shape(2).join() === `${c.shape(1)[0]}`, 'The bias is not one number for each output channel');
  return convolution(c, c.dtype(0));
}

function convTranspose(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const weight = c.shape(1);
  const size = spatial(c);
  c.check(
    c.dtype(0) === c.dtype(1),
    `Input and weight differ in element type: ${c.dtype(0)} and ${c.dtype(1)}`,
  );
  c.check(weight.length === input.length, 'Input and weight differ in rank');
  const group = c.int('group', 1);
  c.check(
    group > 0 && weight[0] === input[1] && input[1]! % group === 0,
    `${input[1]} channels do not fit the weight and ${group} groups`,
  );
  const channels = weight[1]! * group;
  if (c.has(2))
    c.check(c.shape(2).join() === `${channels}`, 'The bias is not one number for each output channel');
  const kernel = weight.slice(2);
  const { strides, dilations, pads, autoPad } = spatialAttributes(c, kernel);
  const given = c.ints('output_shape');
  const extra = c.ints('output_padding') ?? kernel.map(() => 0);
  const out = size.map((d, i) => {
    if (given && given.length > 0) return given[given.length - size.length + i]!;
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') return d * strides[i]!;
    const [begin, end] = autoPad === 'VALID' ? [0, 0] : [pads[i]!, pads[size.length + i]!];
    return strides[i]! * (d - 1) + (extra[i] ?? 0) + dilations[i]! * (kernel[i]! - 1) + 1 - begin - end;
  });
  c.check(
    out.every((d) => d >= 0),
    'The padding cuts more than the output holds',
  );
  return [{ dtype: c.dtype(0), shape: [input[0]!, channels, ...out] }];
}

function pool(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const size = spatial(c);
  const kernel = c.ints('kernel_shape') ?? c.fail('Attribute "kernel_shape" is required and missing');
  c.check(kernel.length === size.length, 'kernel_shape does not fit the rank');
  const shape = [input[0]!, input[1]!, ...windowCounts(c, size, kernel, c.int('ceil_mode', 0) !== 0)];
  return [
    { dtype: c.dtype(0), shape },
    { dtype: 'int64', shape },
  ];
}

const one = (rule: (c: InferContext) => TensorType[]) => (c: InferContext) => rule(c).slice(0, 1);

function globalPool(c: InferContext): TensorType[] {
  const input = c.shape(0);
  return [{ dtype: c.dtype(0), shape: [input[0]!, input[1]!, ...spatial(c).map(() => 1)] }];
}

function col2Im(c: InferContext): TensorType[] {
  const input = c.shape(0);
  const image = c.values(1, 'image_shape');
  const block = c.values(2, 'block_shape').reduce((n, d) => n * d, 1);
  c.check(
    input.length === 3 && block > 0 && input[1]! % block === 0,
    'The columns do not divide into blocks',
  );
  return [{ dtype: c.dtype(0), shape: [input[0]!, input[1]! / block, ...image] }];
}

function maxUnpool(c: InferContext): TensorType[] {
  const given = c.optionalValues(2, 'output_shape');
  if (given) return [{ dtype: c.dtype(0), shape: given }];
  const kernel = c.ints('kernel_shape') ?? c.fail('Attribute "kernel_shape" is required and missing');
  const { strides, pads } = spatialAttributes(c, kernel);
  const n = kernel.length;
  const out = spatial(c).map((d, i) => (d - 1) * strides[i]! + kernel[i]! - pads[i]! - pads[n + i]!);
  return [{ dtype: c.dtype(0), shape: [...c.shape(0).slice(0, 2), ...out] }];
}

export const convolutions: InferTable = {
  AveragePool: one(pool),
  Col2Im: col2Im,
  Conv: conv,
  ConvInteger: (c) => convolution(c, 'int32'),
  ConvTranspose: convTranspose,
  DeformConv: (c) => convolution(c, c.dtype(0)),
  GlobalAveragePool: globalPool,
  GlobalLpPool: globalPool,
  GlobalMaxPool: globalPool,
  LpPool: one(pool),
  MaxPool: pool,
  MaxUnpool: maxUnpool,
  QLinearConv: (c) => convolution(c, c.dtype(7), 3),
};
