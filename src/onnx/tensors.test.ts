import { describe, expect, it } from 'vitest';
import { widthOf } from './data-types.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import numpy from './fixtures/half-precision.json' with { type: 'json' };
import type { DataType } from './model.ts';
import { halfToNumber, numberToHalf, tensorOf, toInt64, valuesOf } from './tensors.ts';
import { sha256 } from './testing/model-files.ts';

const allBits = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** All 65536 elements of a 16-bit type, as doubles. */
function everyValue(dtype: 'float16' | 'bfloat16'): Float64Array {
  const bytes = new Uint8Array(allBits.buffer);
  const values = valuesOf({ dtype, shape: [65536], data: { kind: 'bytes', bytes } });
  // Engines may keep the payload of a NaN: one NaN stands for all.
  return Float64Array.from(values, (value) => (Number.isNaN(value) ? Number.NaN : value));
}

const doubles = numpy.doubles.map((bits) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
});

const bitsOf = (dtype: 'float16' | 'bfloat16', values: readonly number[]): number[] => {
  const { data } = tensorOf(dtype, [values.length], values);
  return data.kind === 'bytes' ? [...new Uint16Array(data.bytes.buffer)] : [];
};

describe('16-bit floats', () => {
  it('reads all halves and bfloats as numpy does', () => {
    expect(sha256(new Uint8Array(everyValue('float16').buffer))).toBe(numpy.allHalves);
    expect(sha256(new Uint8Array(everyValue('bfloat16').buffer))).toBe(numpy.allBfloats);
  });

  it('writes every half back as it was', () => {
    const finite = [...allBits].filter((bits) => !Number.isNaN(halfToNumber(bits)));
    expect(finite.length).toBe(65536 - 2 * 1023);
    expect(finite.filter((bits) => numberToHalf(halfToNumber(bits)) !== bits)).toEqual([]);
    expect(halfToNumber(numberToHalf(Number.NaN))).toBeNaN();
  });

  it('writes every bfloat back as it was', () => {
    const values = [...everyValue('bfloat16')];
    const changed = bitsOf('bfloat16', values).filter((bits, i) => bits !== i && !Number.isNaN(values[i]));
    expect(changed).toEqual([]);
  });

  it('rounds doubles to halves once, ties to even, as numpy does', () => {
    expect(bitsOf('float16', doubles)).toEqual(numpy.halves);
  });

  it('rounds floats to bfloats as ml_dtypes does', () => {
    expect(bitsOf('bfloat16', doubles.map(Math.fround))).toEqual(numpy.bfloats);
  });
});

describe('tensorOf and valuesOf', () => {
  const examples: Record<Exclude<DataType, 'string'>, number[]> = {
    float32: [1.5, -0, Number.POSITIVE_INFINITY, Math.fround(0.1)],
    float16: [1.5, 65504],
    bfloat16: [1.5, -256],
    float64: [0.1, 1e300],
    int8: [-128, 127],
    int16: [-32768, 32767],
    int32: [-(2 ** 31), 2 ** 31 - 1],
    int64: [-(2 ** 53), 2 ** 53],
    uint8: [0, 255],
    uint16: [0, 65535],
    uint32: [0, 2 ** 32 - 1],
    uint64: [0, 2 ** 53],
    bool: [0, 1],
  };
  for (const [dtype, values] of Object.entries(examples)) {
    it(`keeps ${dtype}`, () => {
      const tensor = tensorOf(dtype as DataType, [values.length], values);
      expect(tensor.data.kind === 'bytes' && tensor.data.bytes.length).toBe(
        values.length * widthOf(dtype as DataType),
      );
      expect(valuesOf(tensor)).toEqual(values);
    });
  }

  it('saturates int64', () => {
    expect(toInt64(2 ** 63)).toBe(9223372036854775807n);
    expect(toInt64(-(2 ** 70))).toBe(-9223372036854775808n);
    expect(toInt64(-1.9)).toBe(-1n);
    expect(toInt64(Number.NaN)).toBe(0n);
  });

  it('reads views that do not begin at an aligned byte', () => {
    const bytes = new Uint8Array(17).subarray(1);
    new DataView(bytes.buffer).setFloat64(1 + 8, 2.5, true);
    expect(valuesOf({ dtype: 'float64', shape: [2], data: { kind: 'bytes', bytes } })).toEqual([0, 2.5]);
  });

  it('refuses counts that disagree and elements that are not in memory', () => {
    expect(() => tensorOf('int8', [3], [1, 2])).toThrow(MalformedModelError);
    const bytes = new Uint8Array(3);
    expect(() => valuesOf({ dtype: 'int8', shape: [2], data: { kind: 'bytes', bytes } })).toThrow(
      MalformedModelError,
    );
    expect(() => valuesOf({ dtype: 'string', shape: [], data: { kind: 'strings', values: ['a'] } })).toThrow(
      UnsupportedModelError,
    );
  });
});
