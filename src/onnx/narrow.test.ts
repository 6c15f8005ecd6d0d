import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import numpy from './fixtures/narrowing.json' with { type: 'json' };
import type { Tensor } from './model.ts';
import { floatsToHalves, narrowed } from './narrow.ts';

const narrow = (bits: Uint32Array) => floatsToHalves(new Uint8Array(bits.buffer));
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Every float16 of one sign as float32, the ties above them, and the float32 neighbours of both (narrowing.py). */
function borders(): Uint32Array {
  const halves = new Float32Array(0x7c01);
  for (let h = 0; h < 0x7c00; h++) {
    const exponent = h >> 10;
    halves[h] = exponent === 0 ? h * 2 ** -24 : (1 + (h & 0x3ff) / 1024) * 2 ** (exponent - 15);
  }
  halves[0x7c00] = 65536;
  const exact = [...new Uint32Array(halves.buffer)];
  const between = Float32Array.from(
    { length: 0x7c00 },
    (_, h) => halves[h]! + (halves[h + 1]! - halves[h]!) / 2,
  );
  const ties = [...new Uint32Array(between.buffer)];
  const positive = [
    exact,
    exact.map((x) => x + 1),
    exact.slice(1).map((x) => x - 1),
    ties,
    ties.map((x) => x + 1),
    ties.map((x) => x - 1),
  ].flat();
  return Uint32Array.from([...positive, ...positive.map((x) => x + 0x80000000)]);
}

it.each(numpy.named)('rounds as numpy does: $name', ({ float32, float16 }) => {
  expect(new Uint16Array(narrow(Uint32Array.of(float32)).buffer)[0]).toBe(float16);
});

it('gives the bits of numpy for millions of values of every kind', () => {
  const spread = Uint32Array.from({ length: numpy.spread.count }, (_, i) => i * numpy.stride);
  expect(digest(narrow(spread))).toBe(numpy.spread.sha256);
  const edges = borders();
  expect(edges).toHaveLength(numpy.borders.count);
  expect(digest(narrow(edges))).toBe(numpy.borders.sha256);
});

it('converts a range of a file as it is read, wherever it starts', async () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => (i - 500) * 0.37);
  const file = new Uint8Array(3 + values.byteLength + 5);
  file.set(new Uint8Array(values.buffer), 3);
  const asked: [number, number][] = [];
  const source = {
    name: 'model.onnx',
    size: file.length,
    read: async (offset: number, length: number) => {
      asked.push([offset, length]);
      return file.subarray(offset, offset + length);
    },
  };
  const data = { kind: 'range', source, offset: 3, length: values.byteLength } as const;
  const half = narrowed({ dtype: 'float32', shape: [1000], data });
  expect(half).toMatchObject({ dtype: 'float16', shape: [1000], data: { offset: 0, length: 2000 } });
  if (half.data.kind !== 'range') throw new TypeError('a range stays one');
  const whole = narrow(new Uint32Array(values.buffer));
  expect(await half.data.source.read(200, 600)).toEqual(whole.slice(200, 800));
  expect(asked).toEqual([[403, 1200]]);
  await expect(half.data.source.read(1900, 200)).rejects.toThrow('model.onnx: no float16 values');
});

it('leaves float16 and integers as they are', () => {
  for (const dtype of ['float16', 'int64'] as const) {
    const tensor: Tensor = { dtype, shape: [1], data: { kind: 'bytes', bytes: new Uint8Array(8) } };
    expect(narrowed(tensor)).toBe(tensor);
  }
});
