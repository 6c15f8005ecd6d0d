import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from './acuity.ts';

function npy(rows: number, width: number, values: Float32Array): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`.padEnd(117);
  const text = new TextEncoder().encode(`${header}\n`);
  return new Uint8Array([
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0],
    ...text,
    ...new Uint8Array(values.buffer),
  ]);
}

async function run(files: Record<string, Uint8Array>, ...args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'acuity-'));
  let out = '';
  let err = '';
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
    const code = await main(['score-mmvp', ...args], {
      directory,
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
    });
    return { code, out, err };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Pair p is right when `right(p)`: its statements match their own images, else each other's. */
function embeddings(
  pairs: number,
  right: (pair: number) => boolean,
): { images: Uint8Array; texts: Uint8Array } {
  const images = Float32Array.from({ length: pairs * 4 }, (_, i) => (i % 4 === 0 || i % 4 === 3 ? 1 : 0));
  const texts = images.map((value, i) => (right(Math.floor(i / 4)) ? value : 1 - value));
  return { images: npy(2 * pairs, 2, images), texts: npy(2 * pairs, 2, texts) };
}

describe('acuity score-mmvp', () => {
  it('prints total, patterns and pairs as JSON', async () => {
    const { images, texts } = embeddings(135, (pair) => pair % 15 < Math.floor(pair / 15));
    const { code, out, err } = await run(
      { 'i.npy': images, 't.npy': texts },
      ...['--image-embeddings', 'i.npy', '--text-embeddings', 't.npy', '--json'],
    );
    expect([code, err]).toEqual([0, '']);
    const report = JSON.parse(out);
    expect(Object.keys(report)).toEqual(['total', 'patterns', 'pairs']);
    expect(report.total).toBeCloseTo((100 * 4) / 15, 10);
    expect(Object.keys(report.patterns)).toHaveLength(9);
    expect(report.patterns['Quantity and Count']).toBe((3 / 15) * 100);
    expect(report.pairs).toEqual(Array.from({ length: 135 }, (_, pair) => pair % 15 < Math.floor(pair / 15)));
  });

  it('scores another size by its Questions.csv and says what it is', async () => {
    const { images, texts } = embeddings(3, (pair) => pair !== 1);
    const csv = 'Question ID,Type,Statement\n1,A,x\n2,A,x\n3,A,x\n4,A,x\n5,B,x\n6,B,x\n';
    const files = { 'i.npy': images, 't.npy': texts, 'q.csv': new TextEncoder().encode(csv) };
    const args = ['--image-embeddings', 'i.npy', '--text-embeddings', 't.npy'];
    const { code, out } = await run(files, ...args, '--questions', 'q.csv');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^A +50\.0 {2}\(1 of 2\)\nB +100\.0 {2}\(1 of 1\)\nMMVP-style +75\.0 {2}\(guessing: 25\)\n$/,
    );
    const refused = await run(files, ...args);
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(/6 image embeddings instead of the benchmark's 270.*--questions/);
  });

  it('says what is wrong with its arguments', async () => {
    expect(await run({}, '--image-embeddings', 'i.npy')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/cannot read i\.npy/),
    });
    expect(await run({})).toMatchObject({
      code: 64,
      err: expect.stringMatching(/--image-embeddings is missing/),
    });
    expect(await run({}, '--nope')).toMatchObject({
      code: 64,
      err: expect.stringMatching(/Unknown option '--nope'/),
    });
    expect((await run({}, '--help')).out).toMatch(/acuity score-mmvp /);
  });
});
