import { ShapeError } from '../errors.ts';
import type { Dimension, TensorType, ValueInfo } from '../model.ts';

/** Sizes for the inputs of a model. An explicit shape goes before a symbol's value, and that before the batch. */
export interface InputSizes {
  /** Whole shapes by input name. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Values of symbolic dimensions by name. */
  readonly symbols?: Readonly<Record<string, number>> | undefined;
  /** Value of symbolic dimensions that are named like a batch, and of first axes without a size. */
  readonly batch?: number | undefined;
}

/**
 * The types of the inputs with every dimension a number.
 *
 * @throws ShapeError naming the input, the axis and the option that would give its size.
 */
export function fixSizes(inputs: readonly ValueInfo[], sizes: InputSizes): Map<string, TensorType> {
  const names = inputs.map((input) => input.name);
  for (const [name, shape] of Object.entries(sizes.shapes ?? {})) {
    if (!names.includes(name)) {
      throw new ShapeError(
        `The model has no input "${name}"`,
        { value: name },
        `Its inputs are ${names.join(', ')}`,
      );
    }
    for (const d of shape) checkSize(d, `the shape of input "${name}"`);
  }
  for (const [name, size] of Object.entries(sizes.symbols ?? {})) checkSize(size, `dimension "${name}"`);
  if (sizes.batch !== undefined) checkSize(sizes.batch, 'the batch');
  const symbols = symbolsOf(inputs, sizes);
  return new Map(inputs.map((input) => [input.name, typeOf(input, sizes, symbols)]));
}

function checkSize(size: number, what: string): void {
  if (Number.isSafeInteger(size) && size > 0) return;
  throw new ShapeError(`${size} is no size for ${what}`, {}, 'Give a positive whole number');
}

/** Values of the symbolic names: given, or read off an explicit shape of an input that uses them. */
function symbolsOf(inputs: readonly ValueInfo[], sizes: InputSizes): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const { name, shape } of inputs) {
    const explicit = own(sizes.shapes, name);
    if (explicit?.length !== shape?.length) continue;
    for (const [axis, d] of (shape ?? []).entries()) {
      if (typeof d === 'string' && explicit) symbols.set(d, explicit[axis]!);
    }
  }
  for (const [name, size] of Object.entries(sizes.symbols ?? {})) symbols.set(name, size);
  return symbols;
}

function typeOf(input: ValueInfo, sizes: InputSizes, symbols: ReadonlyMap<string, number>): TensorType {
  const { name, dtype, shape } = input;
  if (!dtype)
    throw new ShapeError(
      `Input "${name}" declares no element type`,
      { value: name },
      'Export the model again',
    );
  const explicit = own(sizes.shapes, name);
  if (explicit) {
    checkExplicit(name, explicit, shape);
    return { dtype, shape: [...explicit] };
  }
  if (!shape) {
    throw new ShapeError(
      `Input "${name}" declares no shape`,
      { value: name },
      `Pass it, as in --shape ${name}=1,3,224,224`,
    );
  }
  const fixed = shape.map((d, axis) => sizeOfAxis(d, axis, sizes.batch, symbols));
  const open = fixed.indexOf(undefined);
  if (open >= 0) throw unknownSize(name, shape, fixed, open);
  return { dtype, shape: fixed.map((d) => d ?? 0) };
}

function checkExplicit(
  name: string,
  explicit: readonly number[],
  declared: readonly Dimension[] | undefined,
): void {
  if (!declared) return;
  const fits =
    declared.length === explicit.length &&
    declared.every((d, i) => typeof d !== 'number' || d === explicit[i]);
  if (fits) return;
  const shown = declared.map((d) => d ?? '?').join(', ');
  throw new ShapeError(
    `Input "${name}" is declared as [${shown}] and cannot have shape [${explicit.join(', ')}]`,
    { value: name },
    'Sizes that the file fixes are built into its graph: export it with dynamic axes to change them',
  );
}

const namedLikeBatch = (symbol: string): boolean => /batch|^(n|b|bs)$/i.test(symbol);

function sizeOfAxis(
  d: Dimension,
  axis: number,
  batch: number | undefined,
  symbols: ReadonlyMap<string, number>,
): number | undefined {
  if (typeof d === 'number') return d;
  const known = d === null ? undefined : symbols.get(d);
  if (known !== undefined) return known;
  return axis === 0 || (d !== null && namedLikeBatch(d)) ? batch : undefined;
}

function unknownSize(
  name: string,
  shape: readonly Dimension[],
  fixed: readonly (number | undefined)[],
  axis: number,
): ShapeError {
  const symbol = shape[axis];
  const called = typeof symbol === 'string' ? ` ("${symbol}")` : '';
  const example = fixed.map((d, i) => d ?? exampleSize(i, fixed.length)).join(',');
  const batch = sizeOfAxis(symbol ?? null, axis, 1, new Map()) !== undefined;
  return new ShapeError(
    `Input "${name}" has no size for axis ${axis}${called}`,
    { value: name },
    `Pass ${batch ? '--batch N or ' : ''}its shape, as in --shape ${name}=${example}`,
  );
}

/** Sizes that make an example look like an image where it may be one. */
const exampleSize = (axis: number, rank: number): number =>
  axis === 0 ? 1 : rank === 4 ? (axis === 1 ? 3 : 224) : 77;

function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}
