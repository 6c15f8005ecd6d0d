import { describe, expect, it } from 'vitest';
import { readModel } from './decode.ts';
import { encodeModel } from './encode.ts';
import { MalformedModelError, ModelError } from './errors.ts';
import { inlineFunctions } from './functions.ts';
import type { ByteSource } from './model.ts';
import { fileBytes, modelFiles, partsSource, shards } from './testing/model-files.ts';
import { mutate, randomInts } from './testing/mutate.ts';
import { readBytes, refusal, relu } from './testing/refusal.ts';
import { message } from './testing/wire.ts';

describe('damaged files', () => {
  it('are refused wherever they are cut off', async () => {
    const whole = fileBytes('external.onnx');
    for (let length = 0; length < whole.length; length++) {
      const error = await refusal(whole.slice(0, length), shards);
      expect(error, `cut to ${length} bytes`).toBeInstanceOf(MalformedModelError);
    }
  });

  it('give a model or a typed error, whatever is changed in them', async () => {
    const random = randomInts(20_26);
    let refused = 0;
    let slowest = 0;
    for (const name of modelFiles) {
      const whole = fileBytes(`${name}.onnx`);
      for (let i = 0; i < 60; i++) {
        const bytes = mutate(whole, random);
        const start = performance.now();
        try {
          encodeModel(inlineFunctions(await readBytes(bytes, shards)));
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
          expect(error.message).not.toBe('');
          refused++;
        }
        slowest = Math.max(slowest, performance.now() - start);
      }
    }
    // Most damage to a file lies in its weights, where any bytes are good bytes.
    expect(refused).toBeGreaterThan(100);
    expect(slowest).toBeLessThan(20_000);
  });
});

describe('enormous files', () => {
  it('are refused after a small part of them', async () => {
    const kinds: [what: string, unit: Uint8Array, path: number[]][] = [
      ['nodes', message([1, message()]), [7]],
      ['inputs of one node', message([1, '']), [7, 1]],
      ['skipped fields', message([999, 1]), []],
      ['one run of unpacked elements', message([5, 1]), [7, 5]],
      ['long names', message([1, 'n'.repeat(16_000)]), [7, 1]],
      ['packed numbers of one attribute', new Uint8Array([1]), [7, 1, 5, 8]],
    ];
    for (const [what, unit, path] of kinds) {
      const { source, bytesRead } = endless(unit, path);
      const start = performance.now();
      const error = await readModel(source).catch((problem: unknown) => problem);
      expect(error, what).toBeInstanceOf(ModelError);
      expect(bytesRead(), what).toBeLessThan(256 * 2 ** 20);
      expect(performance.now() - start, what).toBeLessThan(20_000);
    }
  });

  it('are read without their weights', async () => {
    const { source, bytesRead } = await withLongTensor(1_900_000_000);
    const model = await readModel(source);
    expect(model.graph.initializers.get('w')?.data).toMatchObject({ kind: 'range', length: 1_900_000_000 });
    expect(bytesRead()).toBeLessThan(2 ** 20);
  });
});

/** A file of 100 GB: one unit over and over, inside of fields of these numbers. */
function endless(unit: Uint8Array, path: readonly number[]): { source: ByteSource; bytesRead: () => number } {
  const size = 100e9;
  const head: number[] = [];
  for (const [i, number] of path.entries()) {
    head.push(number * 8 + 2);
    for (let rest = size - 100 * (i + 1); rest > 0; rest = Math.floor(rest / 128)) {
      head.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    }
  }
  return countReads({
    name: 'endless.onnx',
    size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      const start = Math.min(length, Math.max(0, head.length - offset));
      for (let i = 0; i < start; i++) bytes[i] = head[offset + i]!;
      const phase = offset + start - head.length;
      const once = Math.min(unit.length, length - start);
      for (let i = 0; i < once; i++) bytes[start + i] = unit[(phase + i) % unit.length]!;
      // Copies double from here, so that the test measures the reader and not this source.
      for (let filled = unit.length; start + filled < length; filled *= 2) {
        bytes.copyWithin(start + filled, start, start + filled);
      }
      return bytes;
    },
  });
}

/** A valid model around one tensor of so many bytes, none of which exist before they are read. */
async function withLongTensor(length: number): Promise<{ source: ByteSource; bytesRead: () => number }> {
  const model = await readBytes(relu());
  const zeros: ByteSource = { name: 'zeros', size: length, read: async (_, count) => new Uint8Array(count) };
  const data = { kind: 'range', source: zeros, offset: 0, length } as const;
  model.graph.initializers.set('w', { dtype: 'int8', shape: [length], data });
  return countReads(partsSource('long.onnx', encodeModel(model).parts));
}

function countReads(inner: ByteSource): { source: ByteSource; bytesRead: () => number } {
  let bytes = 0;
  const read = (offset: number, length: number) => {
    bytes += length;
    return inner.read(offset, length);
  };
  return { source: { ...inner, read }, bytesRead: () => bytes };
}
