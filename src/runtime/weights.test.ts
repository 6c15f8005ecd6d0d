import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { ByteSource, Tensor } from '../onnx/model.ts';
import { halfToNumber, tensorOf } from '../onnx/tensors.ts';
import { openRuntime } from './runtime.ts';
import { WeightStore } from './weights.ts';

const runtime = await openRuntime({ ort, provider: 'cpu' });

/** A source that remembers the largest piece it was asked for. */
function sourceOf(bytes: Uint8Array): ByteSource & { largest: number } {
  return {
    name: 'weights.bin',
    size: bytes.byteLength,
    largest: 0,
    async read(offset, length) {
      this.largest = Math.max(this.largest, length);
      return bytes.slice(offset, offset + length);
    },
  };
}

const ranged = (
  dtype: Tensor['dtype'],
  shape: number[],
  source: ByteSource,
  offset: number,
  length: number,
): Tensor => ({
  dtype,
  shape,
  data: { kind: 'range', source, offset, length },
});

describe('WeightStore', () => {
  it('streams a range in chunks and reports its progress', async () => {
    const length = 20 * 2 ** 20;
    const bytes = new Uint8Array(length + 3);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 0x9e3779b1) >>> 24;
    const source = sourceOf(bytes);
    const store = new WeightStore(runtime);
    const seen: number[] = [];
    await store.load('w', ranged('float32', [length / 4], source, 3, length), {
      onProgress: (n) => seen.push(n),
    });
    expect(seen).toEqual([8, 8, 4].map((mebibytes) => mebibytes * 2 ** 20));
    expect(source.largest).toBe(8 * 2 ** 20);
    expect(Buffer.compare(await store.read('w'), bytes.subarray(3, 3 + length))).toBe(0);
    expect(store.bytes).toBe(length);
  });

  it('ends between two chunks when cancelled, and leaves the name free', async () => {
    const store = new WeightStore(runtime);
    const source = sourceOf(new Uint8Array(20 * 2 ** 20));
    const tensor = ranged('float32', [5 * 2 ** 20], source, 0, 20 * 2 ** 20);
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    await expect(store.load('w', tensor, { signal: controller.signal, onProgress })).rejects.toThrow(
      'enough',
    );
    expect(store.has('w')).toBe(false);
    await store.load('w', tensor);
    expect(store.bytes).toBe(20 * 2 ** 20);
  });

  it('converts every float16 and bfloat16 pattern on the way', async () => {
    const words = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const store = new WeightStore(runtime);
    const source = sourceOf(Buffer.concat([Buffer.alloc(1), new Uint8Array(words.buffer)]));
    await store.load('half', ranged('float16', [256, 256], source, 1, 131072), { as: 'float32' });
    const halves = new Float32Array((await store.read('half')).buffer);
    expect(halves.findIndex((x, i) => !Object.is(x, Math.fround(halfToNumber(i))))).toBe(-1);
    await store.load('brain', ranged('bfloat16', [65536], source, 1, 131072), { as: 'float32' });
    const bits = new Uint32Array((await store.read('brain')).buffer);
    expect(bits.findIndex((x, i) => x !== i * 65536)).toBe(-1);
    expect(store.get('brain').dtype).toBe('float32');
  });

  it('narrows float32 and bfloat16 to float16 in chunks, and leaves float16 as it is', async () => {
    const store = new WeightStore(runtime);
    const count = 4 * 2 ** 20 + 3;
    const values = Float32Array.from({ length: count }, (_, i) => (i % 1999) - 999);
    const source = sourceOf(new Uint8Array(values.buffer));
    const target = await store.load('w', ranged('float32', [count], source, 0, 4 * count), { as: 'float16' });
    expect(target).toMatchObject({ dtype: 'float16', shape: [count] });
    expect(source.largest).toBe(8 * 2 ** 20);
    const halves = new Uint16Array((await store.read('w')).buffer);
    expect(halves.findIndex((bits, i) => halfToNumber(bits) !== values[i])).toBe(-1);
    await store.load('brain', tensorOf('bfloat16', [3], [1, -2, 0.5]), { as: 'float16' });
    await store.load('half', tensorOf('float16', [3], [1, -2, 0.5]), { as: 'float16' });
    expect(await store.read('brain')).toEqual(await store.read('half'));
  });

  it('keeps float16 as it is unless asked', async () => {
    const store = new WeightStore(runtime);
    await store.load('half', tensorOf('float16', [3], [1, -2, 0.5]));
    expect(store.get('half')).toMatchObject({
      dtype: 'float16',
      shape: [3],
      data: Uint16Array.of(0x3c00, 0xc000, 0x3800),
    });
  });

  it('snapshots, overwrites and releases', async () => {
    const store = new WeightStore(runtime);
    await store.load('w', tensorOf('float32', [2], [1, 2]));
    const snapshot = store.clone();
    store.write('w', new Uint8Array(Float32Array.of(3, 4).buffer));
    expect(new Float32Array((await store.read('w')).buffer)).toEqual(Float32Array.of(3, 4));
    expect(new Float32Array((await snapshot.read('w')).buffer)).toEqual(Float32Array.of(1, 2));
    store.release();
    expect(store.names()).toEqual([]);
    expect(() => store.get('w')).toThrow('There is no weight "w"');
  });

  it('names the weight in its refusals', async () => {
    const store = new WeightStore(runtime);
    await store.load('w', tensorOf('float32', [2], [1, 2]));
    await expect(store.load('w', tensorOf('float32', [2], [1, 2]))).rejects.toThrow('"w" is already loaded');
    const short = ranged('float32', [4], sourceOf(new Uint8Array(12)), 0, 12);
    await expect(store.load('v', short)).rejects.toThrow('Weight "v" has 12 bytes instead of 16');
    const double = tensorOf('float64', [1], [1]);
    await expect(store.load('d', double, { as: 'float32' })).rejects.toThrow('Weight "d" is float64');
    expect(() => store.write('w', new Uint8Array(4))).toThrow('Weight "w" takes 8 bytes, not 4');
    const failing: ByteSource = {
      name: 'x',
      size: 8,
      read: () => Promise.reject(new Error('the disk is gone')),
    };
    await expect(store.load('f', ranged('float32', [2], failing, 0, 8))).rejects.toThrow('the disk is gone');
    expect(store.has('f')).toBe(false);
  });
});
