import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ModelError, UnsupportedModelError } from '../onnx/errors.ts';
import type { Tensor } from '../onnx/model.ts';
import { collect } from '../onnx/parts.ts';
import { bytesSource } from '../onnx/sources.ts';
import { tensorOf } from '../onnx/tensors.ts';
import reference from './fixtures/reference.json' with { type: 'json' };
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const file = new Uint8Array(readFileSync(new URL('fixtures/reference.safetensors', import.meta.url)));
const read = (bytes: Uint8Array) => readSafetensors(bytesSource('weights.safetensors', bytes));

async function describeTensors(tensors: ReadonlyMap<string, Tensor>) {
  const described: Record<string, unknown> = {};
  for (const [name, { dtype, shape, data }] of tensors) {
    if (data.kind === 'strings') throw new Error('no strings here');
    const bytes = data.kind === 'bytes' ? data.bytes : await data.source.read(data.offset, data.length);
    described[name] = { dtype, shape, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  return described;
}

/** A file of this header and so many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('readSafetensors', () => {
  it('reads what the reference library reads', async () => {
    const { tensors, metadata } = await read(file);
    expect(await describeTensors(tensors)).toEqual(reference.tensors);
    expect(Object.fromEntries(metadata)).toEqual(reference.metadata);
  });

  it('reads the header alone', async () => {
    let bytesRead = 0;
    const inner = bytesSource('weights.safetensors', file);
    const { tensors } = await readSafetensors({
      ...inner,
      read(offset, length) {
        bytesRead += length;
        return inner.read(offset, length);
      },
    });
    expect([...tensors.values()].every(({ data }) => data.kind === 'range')).toBe(true);
    expect(bytesRead).toBe(8 + Number(new DataView(file.buffer).getBigUint64(0, true)));
  });

  it('refuses a file that is cut off anywhere', async () => {
    for (let length = 0; length < file.length; length++) {
      await expect(read(file.slice(0, length)), `cut to ${length}`).rejects.toThrow(ModelError);
    }
  });

  const hostile: [what: string, bytes: Uint8Array, problem: RegExp][] = [
    [
      'a header of 2^63 bytes',
      new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0x80, 0x7b, 0x7d]),
      /claims 9223372036854775808 bytes/,
    ],
    ['a header that is no JSON', fileOf('{"a":', 0), /not JSON/],
    ['a header that is a list', fileOf([1], 0), /not a JSON object/],
    [
      'a hole',
      fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12),
      /begins at byte 8 of the data instead of 4 .*"b"/,
    ],
    [
      'an overlap',
      fileOf({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8),
      /begins at byte 4 of the data instead of 8/,
    ],
    ['bytes after the last tensor', fileOf({ a: f32([1], 0, 4) }, 5), /the file has/],
    [
      'one name twice',
      fileOf(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      /instead of 0/,
    ],
    ['a shape that disagrees', fileOf({ a: f32([2], 0, 4) }, 4), /holds 4 bytes instead of 8/],
    ['a shape that overflows', fileOf({ a: f32([2 ** 52, 2 ** 52, 2 ** 52], 0, 4) }, 4), /instead of/],
    ['a negative size', fileOf({ a: f32([-1, -1], 0, 4) }, 4), /no valid shape/],
    ['a fraction', fileOf({ a: f32([0.5, 2], 0, 4) }, 4), /no valid shape/],
    ['offsets that run backwards', fileOf({ a: f32([1], 4, 0) }, 4), /holds -4 bytes/],
    ['offsets beyond the end', fileOf({ a: f32([2], 0, 8) }, 4), /the file has/],
    [
      'three offsets',
      fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 4] } }, 4),
      /no valid data_offsets/,
    ],
    ['an entry that is no object', fileOf({ a: 4 }, 0), /no element type/],
    [
      'an unknown element type',
      fileOf({ a: { dtype: 'F8_E4M3', shape: [4], data_offsets: [0, 4] } }, 4),
      /F8_E4M3 .*"a"/,
    ],
    ['metadata that is no text', fileOf({ __metadata__: { n: 4 } }, 0), /"n" is not text/],
  ];
  for (const [what, bytes, problem] of hostile) {
    it(`refuses ${what}`, async () => {
      const error: unknown = await read(bytes).catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(ModelError);
      expect(String(error)).toMatch(problem);
    });
  }
});

describe('writeSafetensors', () => {
  it('writes what it read, ranges unread, each tensor at a multiple of its width', async () => {
    const { tensors, metadata } = await read(file);
    const written = writeSafetensors(tensors, metadata);
    expect(written.parts.slice(1).every((part) => !(part instanceof Uint8Array))).toBe(true);
    const bytes = await collect(written.parts);
    expect(bytes.length).toBe(written.size);
    const again = await read(bytes);
    expect(await describeTensors(again.tensors)).toEqual(reference.tensors);
    expect(again.metadata).toEqual(metadata);
    for (const { data, dtype } of again.tensors.values()) {
      if (data.kind === 'range' && dtype === 'float64') expect(data.offset % 8).toBe(0);
    }
  });

  it('lays a file out as the reference library does', async () => {
    const { tensors, metadata } = await read(file);
    expect(await collect(writeSafetensors(tensors, metadata).parts)).toEqual(file);
  });

  it('refuses strings and bytes that disagree with the shape', () => {
    const text: Tensor = { dtype: 'string', shape: [1], data: { kind: 'strings', values: ['a'] } };
    expect(() => writeSafetensors(new Map([['t', text]]))).toThrow(UnsupportedModelError);
    const short = { ...tensorOf('float32', [1], [1]), shape: [2] };
    expect(() => writeSafetensors(new Map([['s', short]]))).toThrow(/4 bytes instead of 8/);
  });
});
