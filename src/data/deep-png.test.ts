import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { crc32, deflateSync } from 'node:zlib';
import { init } from '@jsquash/png/decode.js';
import { describe, expect, it } from 'vitest';
import { checkImage, decodeImage } from './decode.ts';
import { decodeDeepPng } from './deep-png.ts';

const channelsOf = { 0: 1, 2: 3, 4: 2, 6: 4 } as const;
type ColourType = keyof typeof channelsOf;

/** Values that look random and differ from their neighbours. */
const sample = (i: number): number => (Math.imul(i + 1, 2654435761) >>> 13) & 0xffff;

/** Samples by index as a PNG whose rows go through the five filters in turn, in chunks of `chunk` bytes. */
function pngOf(
  [width, height]: readonly [number, number],
  type: ColourType,
  options: {
    sampleOf?: (i: number) => number;
    transparent?: number[];
    chunk?: number;
    interlaced?: boolean;
  } = {},
): Uint8Array {
  const { sampleOf = sample, chunk = 2 ** 20, transparent } = options;
  const bpp = 2 * channelsOf[type];
  const rowBytes = width * bpp;
  const rows = Buffer.alloc(height * (1 + rowBytes));
  const [above, row] = [Buffer.alloc(rowBytes), Buffer.alloc(rowBytes)];
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < rowBytes / 2; i++) row.writeUInt16BE(sampleOf((y * rowBytes) / 2 + i), 2 * i);
    const filter = y % 5;
    const at = y * (1 + rowBytes);
    rows[at] = filter;
    for (let i = 0; i < rowBytes; i++) {
      const [a, b, c] = [row[i - bpp] ?? 0, above[i]!, above[i - bpp] ?? 0];
      const nearest = [a, b, c].toSorted((p, q) => Math.abs(a + b - c - p) - Math.abs(a + b - c - q))[0]!;
      rows[at + 1 + i] = row[i]! - [0, a, b, (a + b) >> 1, nearest][filter]!;
    }
    row.copy(above);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([16, type, 0, 0, options.interlaced ? 1 : 0], 8);
  const packed = deflateSync(rows, { level: 1 });
  const pieces = Array.from({ length: Math.ceil(packed.length / chunk) }, (_, i) =>
    chunkOf('IDAT', packed.subarray(i * chunk, (i + 1) * chunk)),
  );
  const key = transparent && chunkOf('tRNS', Buffer.from(transparent.flatMap((v) => [v >> 8, v & 255])));
  return new Uint8Array(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunkOf('IHDR', header),
      ...(key ? [key] : []),
      ...pieces,
      chunkOf('IEND', Buffer.alloc(0)),
    ]),
  );
}

function chunkOf(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

async function valuesOf(png: Uint8Array, width: number, height: number): Promise<number[]> {
  const decoded = await decodeDeepPng(png, { width, height });
  if (!('strips' in decoded)) throw new Error('It was decoded as a whole');
  const values: number[] = [];
  for (const strip of decoded.strips()) values.push(...strip);
  return values;
}

describe('a PNG of 16 bits a channel', () => {
  it.each([0, 2, 4, 6] as const)('comes out as it went in, colour type %i', async (type) => {
    const [width, height] = [37, 23];
    const values = await valuesOf(pngOf([width, height], type, { chunk: 100 }), width, height);
    const channels = channelsOf[type];
    const expected = Array.from({ length: width * height }, (_, pixel) => {
      const [a, b, c, d] = Array.from({ length: channels }, (_value, k) => sample(pixel * channels + k));
      return channels === 1 ? [a, a, a, 65535] : channels === 2 ? [a, a, a, b] : [a, b, c, d ?? 65535];
    });
    expect(values).toEqual(expected.flat());
  });

  it('is transparent where it has the colour that stands for it', async () => {
    const colour = [sample(6), sample(7), sample(8)];
    const values = await valuesOf(pngOf([4, 1], 2, { transparent: colour }), 4, 1);
    expect(values.filter((_, i) => i % 4 === 3)).toEqual([65535, 65535, 0, 65535]);
    expect(values.slice(8, 11)).toEqual(colour);
    const grey = await valuesOf(pngOf([3, 1], 0, { transparent: [sample(1)] }), 3, 1);
    expect(grey.filter((_, i) => i % 4 === 3)).toEqual([65535, 0, 65535]);
  });

  it('takes little memory, whatever its size', { timeout: 60_000 }, async () => {
    const [width, height] = [2048, 4096];
    const png = pngOf([width, height], 0, { sampleOf: (i) => (i >> 8) & 0xffff });
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const inMemory = () => {
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const decoded = await decodeDeepPng(png, { width, height });
    const before = inMemory();
    let [rows, most, sum] = [0, 0, 0];
    for (const strip of (decoded as Extract<typeof decoded, { lazy?: boolean }>).strips()) {
      if (rows % 256 === 0) most = Math.max(most, inMemory() - before);
      sum += strip[0]!;
      rows += strip.length / (4 * width);
    }
    const firsts = Array.from({ length: height }, (_, y) => ((y * width) >> 8) & 0xffff);
    expect([rows, sum]).toEqual([height, firsts.reduce((a, b) => a + b)]);
    // All of it would be 64 MiB.
    expect(most).toBeLessThan(24 * 2 ** 20);
  });

  it.each([
    [
      'a changed byte',
      (png: Uint8Array) => png.with(60, png[60]! ^ 1),
      /damaged.*the checksum of IDAT is wrong/,
    ],
    ['too few rows', (png: Uint8Array) => taller(png), /damaged.*it ends after 9 of 10 rows/],
  ])('is refused with %s, also where nobody looks at its pixels', async (_, spoil, message) => {
    const spoilt = spoil(pngOf([20, 9], 2)) as Uint8Array<ArrayBuffer>;
    await expect(decodeImage(spoilt, 'photo', decodeDeepPng)).rejects.toThrow(message);
    await expect(checkImage(spoilt, decodeDeepPng)).rejects.toThrow(message);
  });

  it('is refused by size where it is interlaced', async () => {
    const [width, height] = [12_000, 8_400];
    const large = pngOf([1, 1], 6, { interlaced: true });
    new DataView(large.buffer).setUint32(16, width);
    new DataView(large.buffer).setUint32(20, height);
    await expect(decodeImage(large, 'photo', decodeDeepPng)).rejects.toThrow(
      /^An interlaced PNG of 16 bits a channel with 12000 x 8400 pixels takes 770 MiB to decode; 256 MiB are allowed\. Save it without/,
    );
  });

  it('is decoded as a whole where it is interlaced and small', async () => {
    const wasm = createRequire(import.meta.url).resolve('@jsquash/png/codec/pkg/squoosh_png_bg.wasm');
    await init(new WebAssembly.Module(readFileSync(wasm)));
    // One pixel: the first of seven passes has it all.
    const decoded = await decodeDeepPng(pngOf([1, 1], 6, { interlaced: true }), { width: 1, height: 1 });
    expect(decoded).toMatchObject({ data: Uint16Array.of(sample(0), sample(1), sample(2), sample(3)) });
  });
});

/** The same file with a header that states one row more. */
function taller(png: Uint8Array): Uint8Array {
  const copy = png.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(20, view.getUint32(20) + 1);
  return copy;
}
