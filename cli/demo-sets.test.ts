import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'demo-sets-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const demo = (name: string) => path(`../public/demo/${name}.zip`);
const unzipped = (name: string) => Object.entries(unzipSync(readFileSync(demo(name))));

describe('the demo’s sets for the guard', () => {
  it('hold what the shipped encoder names and finds', { timeout: 120_000 }, async () => {
    for (const [name, bytes] of unzipped('captions')) {
      mkdirSync(dirname(join(folder, 'captions', name)), { recursive: true });
      writeFileSync(join(folder, 'captions', name), bytes);
    }
    const model = ['--model', path('../public/models/acuity-clip'), '--cache', 'shared', '--json'];
    const { code, out } = await runCommand(
      folder,
      ...['evaluate', ...model, '--classes', demo('classes'), '--captions', 'captions'],
    );
    expect(code).toBe(0);
    const { zeroShot, retrieval, skipped } = JSON.parse(out);
    expect([zeroShot.images, zeroShot.classes.length, skipped]).toEqual([316, 79, []]);
    expect(zeroShot.top1).toBeGreaterThan(90);
    expect(retrieval.textToImage).toMatchObject({ queries: 300 });
    // Blind to what the captions tell apart, but not to what is in the picture.
    expect(retrieval.textToImage.at1).toBeGreaterThan(30);
    expect(retrieval.textToImage.at1).toBeLessThan(70);

    // A folder and an archive of the same captions are read alike.
    const archive = await runCommand(folder, 'evaluate', ...model, '--captions', demo('captions'));
    expect(JSON.parse(archive.out).retrieval).toEqual(retrieval);
  });

  it('repeat no picture of the other sets', () => {
    const all = ['images', 'benchmark', 'classes', 'captions'].flatMap((name) =>
      unzipped(name).map(([, bytes]) => Buffer.from(bytes).toString('base64')),
    );
    expect(new Set(all).size).toBe(all.length);
  });
});
