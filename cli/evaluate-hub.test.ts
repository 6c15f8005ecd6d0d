import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HubServer } from '../src/storage/testing/hub-server.ts';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'evaluate-hub-'));
const model = fileURLToPath(new URL('../public/models/acuity-clip', import.meta.url));
const files = new Map<string, Uint8Array>();
let server: HubServer;

beforeAll(() => {
  const zip = readFileSync(new URL('../public/demo/benchmark.zip', import.meta.url));
  const pictures = Object.entries(unzipSync(zip)).filter(([path]) => /\.(png|jpe?g|webp)$/.test(path));
  const captions = ['image,caption'];
  for (const [i, [path, bytes]] of pictures.slice(0, 8).entries()) {
    const name = `${i < 4 ? 'some' : 'other'}/${i}.${path.split('.').at(-1)}`;
    files.set(`set/${name}`, bytes);
    captions.push(`${name},picture ${i}`);
  }
  files.set('set/captions.csv', Buffer.from(captions.join('\n')));
  files.set('templates.txt', Buffer.from('a photo of {}\n'));
  const shard = [...files].filter(([path]) => !path.endsWith('.txt') && !path.endsWith('.csv'));
  files.set(
    'shards/set.zip',
    zipSync(Object.fromEntries(shard.map(([path, bytes]) => [path.slice(4), bytes]))),
  );
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  server = await HubServer.open();
  for (const [path, bytes] of files) server.files.set(path, Buffer.from(bytes));
  vi.stubEnv('HF_ENDPOINT', server.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

const evaluate = (...args: string[]) =>
  runCommand(folder, 'evaluate', '--model', model, '--templates', 'templates.txt', '--json', ...args);

describe('evaluate on a data set of a hub', () => {
  it('scores what the same folder scores, downloaded once', { timeout: 60_000 }, async () => {
    const kept = ['--cache', 'kept'];
    const hub = 'hf:team/set@main/set';
    const there = await evaluate('--classes', hub, '--captions', `${hub}/captions.csv`, ...kept);
    expect([there.err, there.code]).toEqual(['', 0]);
    const here = await evaluate('--classes', 'set', '--captions', 'set/captions.csv', '--no-cache');
    expect(JSON.parse(there.out)).toEqual(JSON.parse(here.out));
    expect(JSON.parse(here.out)).toMatchObject({
      zeroShot: { images: 8 },
      retrieval: { textToImage: { queries: 8 } },
    });
    expect(new Set(server.asked.map(({ path }) => path)).size).toBe(server.asked.length);
    expect(server.asked.map(({ path }) => path)).not.toContain('shards/set.zip');

    const asked = server.asked.length;
    await server.close();
    const offline = await evaluate('--classes', hub, ...kept);
    expect([offline.err, offline.code, server.asked.length]).toEqual(['', 0, asked]);
    expect(readdirSync(join(folder, 'kept/hub/files'))).toHaveLength(9);
  });

  it('takes an archive in it, by its address', { timeout: 60_000 }, async () => {
    const address = `${server.url}/datasets/team/set/blob/main/shards/set.zip`;
    const { code, out, err } = await evaluate('--classes', address, '--no-cache');
    expect([err, code]).toEqual(['', 0]);
    expect(JSON.parse(out).zeroShot).toMatchObject({ images: 8 });
  });

  it('shows HF_TOKEN to its hub alone', { timeout: 60_000 }, async () => {
    server.token = 'hf_secret';
    const closed = await evaluate('--classes', 'hf:team/set/set', '--no-cache');
    expect([closed.code, closed.err]).toEqual([2, expect.stringMatching(/wants to know who asks \(401\)/)]);
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    expect((await evaluate('--classes', 'hf:team/set/set', '--no-cache')).code).toBe(0);
    vi.stubEnv('HF_ENDPOINT', 'https://huggingface.co');
    const other = await evaluate('--classes', `${server.url}/datasets/team/set/tree/main/set`, '--no-cache');
    expect([other.code, other.err]).toEqual([2, expect.stringMatching(/wants to know who asks \(401\)/)]);
  });

  it.each([
    ['what is no name', 'hf:set', /"set" names no data set\. Write owner\/name/],
    ['what is not there', 'hf:team/other', /datasets\/team\/other: the hub has no such thing \(404\)/],
    ['a folder without images', 'hf:team/set/none', /team\/set\/none holds no image files/],
  ])('refuses %s', async (_, place, message) => {
    const { code, err } = await evaluate('--classes', place, '--no-cache');
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it('refuses a hub that cannot be reached', { timeout: 60_000 }, async () => {
    await server.close();
    const { code, err } = await evaluate('--classes', 'hf:team/set', '--no-cache');
    expect([code, err]).toEqual([2, expect.stringMatching(/cannot be reached/)]);
  });
});
