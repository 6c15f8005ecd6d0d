import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type OrtModule, openRuntime } from '../runtime/runtime.ts';
import { type BlockProduct, findBlindPairs } from './blind-pairs.ts';
import { RuntimeProduct } from './block-product.ts';
import { dotRows, type RowSource, rowsInMemory } from './embeddings.ts';

/** By numpy over the whole matrix (tools/reference/blind_pairs.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/blind_pairs.json', import.meta.url), 'utf8'),
) as {
  images: number;
  first: number[];
  second: number[];
  searches: { alike: number; different: number; pairs: [number, number, number, number][] }[];
};
const source = (values: readonly number[], rows = reference.images): RowSource =>
  rowsInMemory(Float32Array.from(values), rows);
const [first, second] = [source(reference.first), source(reference.second)];

describe('findBlindPairs', () => {
  for (const block of [7, 64, 1024]) {
    it.each(reference.searches)(
      `finds numpy's pairs above $alike and below $different, in blocks of ${block}`,
      async ({ pairs, ...bounds }) => {
        const found = await findBlindPairs(first, second, { ...bounds, block, most: 1000 });
        expect(found.map(({ images }) => images)).toEqual(pairs.map(([a, b]) => [a, b]));
        for (const [i, [, , alike, different]] of pairs.entries()) {
          expect(found[i]!.alike).toBeCloseTo(alike, 6);
          expect(found[i]!.different).toBeCloseTo(different, 6);
        }
        const few = await findBlindPairs(first, second, { ...bounds, block, most: 3 });
        expect(few).toEqual(found.slice(0, 3));
      },
    );
  }

  it('finds the same by the runtime’s products, and by products that are rounded', async () => {
    const [{ pairs, ...bounds }] = reference.searches as [(typeof reference.searches)[0]];
    const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu' });
    const products = await RuntimeProduct.open(runtime, first.width, 32);
    const exact: BlockProduct = async (a, b) =>
      Float32Array.from({ length: a.rows * b.rows }, (_, i) =>
        dotRows(a, Math.floor(i / b.rows), b, i % b.rows),
      );
    const rounded: BlockProduct = async (a, b) =>
      (await exact(a, b)).map((value) => Math.round(value * 1024) / 1024);
    for (const product of [products.product, rounded]) {
      const found = await findBlindPairs(first, second, { ...bounds, block: 32, most: 1000, product });
      expect(found.map(({ images }) => images)).toEqual(pairs.map(([a, b]) => [a, b]));
    }
    await products.release();
  });

  it('holds blocks alone in memory, tells how far it is and stops where the pause throws', async () => {
    const read: number[] = [];
    const watched = (rows: RowSource): RowSource => ({
      ...rows,
      read: (from, count) => {
        read.push(count);
        return rows.read(from, count);
      },
    });
    const told: [number, number][] = [];
    const pause = async (...progress: [number, number]) => void told.push(progress);
    await findBlindPairs(watched(first), watched(second), { block: 16, pause });
    expect(Math.max(...read)).toBe(16);
    const total = (reference.images * (reference.images - 1)) / 2;
    expect(told.at(-1)).toEqual([total, total]);
    expect(told).toHaveLength(21);
    const stop = () => Promise.reject(new Error('cancelled'));
    await expect(findBlindPairs(first, second, { pause: stop })).rejects.toThrow('cancelled');
  });

  it('refuses two opinions on different images, and names a row without direction', async () => {
    await expect(findBlindPairs(first, source([1, 0, 0, 1], 2))).rejects.toThrow(/90 images .* and 2/);
    const flat = source([1, 0, 1, 0, 0, 0], 3);
    await expect(findBlindPairs(flat, flat, { block: 2 })).rejects.toThrow(/image 3 is all zero/);
  });
});
