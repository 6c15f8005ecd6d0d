import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HubCache, type HubOptions } from './hub.ts';
import { secondsOf } from './hub-errors.ts';
import { crossOriginFetch, HubServer } from './testing/hub-server.ts';
import { MemoryStorage } from './testing/memory.ts';
import { TransferMeter, type TransferProgress } from './transfer-progress.ts';

const weights = 'onnx/vision model.onnx';

/** Bytes that tell a piece in the wrong place. */
const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24));

let server: HubServer;
let storage: MemoryStorage;
let waits: number[];

beforeEach(async () => {
  server = await HubServer.open();
  server.files.set('config.json', Buffer.from('{"hidden_size": 1024}'));
  server.files.set(weights, bytes);
  storage = new MemoryStorage();
  waits = [];
});
afterEach(() => server.close());

function cache(options: HubOptions = {}): HubCache {
  return new HubCache(storage, {
    hubUrl: server.url,
    fetch: crossOriginFetch,
    sleep: async (milliseconds) => void waits.push(milliseconds),
    ...options,
  });
}

const sha256 = async (blob: Blob | undefined) =>
  createHash('sha256')
    .update(Buffer.from(await blob!.arrayBuffer()))
    .digest('hex');
const wanted = createHash('sha256').update(bytes).digest('hex');

async function download(hub: HubCache, signal?: AbortSignal) {
  const progress: TransferProgress[] = [];
  const files = await hub.files(await hub.list('team/model'), ['config.json', weights], {
    ...(signal && { signal }),
    onProgress: (report) => progress.push(report),
  });
  return { digest: await sha256(files.get(weights)), files, progress };
}

const ranges = () => server.asked.filter(({ path }) => path === weights).map(({ range }) => range);

describe('HubCache', () => {
  it('lists a data set and downloads many of its files at the same time', async () => {
    const paths = Array.from({ length: 40 }, (_, i) => `train/${i}.jpg`);
    for (const [i, path] of paths.entries()) server.files.set(path, Buffer.from(`picture ${i}`));
    const hub = cache();
    const listing = await hub.list('team/set', 'main', undefined, 'dataset');
    expect(listing).toMatchObject({ kind: 'dataset', repository: 'team/set', commit: 'c0ffee' });
    const progress: TransferProgress[] = [];
    const files = await hub.files(listing, paths, { parallel: 6, onProgress: (one) => progress.push(one) });
    expect([...files.keys()]).toEqual(paths);
    expect(await files.get('train/39.jpg')!.text()).toBe('picture 39');
    expect(progress.at(-1)!.total).toEqual({ received: 390, size: 390, secondsLeft: 0 });
    await expect(hub.list('team/model', 'main', undefined, 'dataset')).rejects.toThrow(
      /datasets\/team\/model: the hub has no such thing \(404\)/,
    );
    server.files.set('train/0.jpg', Buffer.from('other'));
    server.mishaps.push({ status: 403 });
    const again = await hub.list('team/set', 'main', undefined, 'dataset');
    await expect(hub.files(again, ['train/0.jpg', 'train/1.jpg'], { parallel: 6 })).rejects.toThrow(
      /Accept its conditions at http.*\/datasets\/team\/set /,
    );
  });

  it('lists a model and downloads it over the redirect, with progress, once', async () => {
    server.token = 'hf_secret';
    const hub = cache({ token: 'hf_secret' });
    const { digest, files, progress } = await download(hub);
    expect(digest).toBe(wanted);
    expect(await files.get('config.json')!.text()).toBe('{"hidden_size": 1024}');
    expect(progress.at(-1)).toMatchObject({
      path: weights,
      received: 300_000,
      size: 300_000,
      secondsLeft: 0,
      total: { received: 300_021, size: 300_021, secondsLeft: 0 },
    });
    // The token is for the hub alone.
    expect(server.asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    await download(hub);
    expect(server.asked).toHaveLength(2);
  });

  it('needs no network for what is here', async () => {
    await download(cache());
    await server.close();
    expect((await download(cache())).digest).toBe(wanted);
    server = await HubServer.open();
  });

  it('downloads again what the browser has cleared, and what is removed', async () => {
    const hub = cache();
    await download(hub);
    storage.stored.clear();
    expect((await download(hub)).digest).toBe(wanted);
    const listing = await hub.list('team/model');
    await hub.remove(listing.files);
    expect(storage.stored.size).toBe(0);
    expect(await hub.has(listing.files[0]!)).toBe(false);
  });

  it('continues a broken transfer where it stopped', async () => {
    server.mishaps.push({ ignoreRange: true }, { breakAfter: 100_000 }, { breakAfter: 50_000 });
    const { digest } = await download(cache());
    expect(digest).toBe(wanted);
    expect(ranges()).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(waits).toEqual([1000, 1000]);
  });

  it('continues after a stall, and after the page was closed', async () => {
    server.mishaps.push({ ignoreRange: true }, { stallAfter: 120_000 });
    expect((await download(cache({ stall: 300 }))).digest).toBe(wanted);
    expect(ranges()).toEqual([undefined, 'bytes=120000-']);

    storage = new MemoryStorage();
    const stop = new AbortController();
    server.mishaps.push({ ignoreRange: true }, { stallAfter: 120_000 });
    setTimeout(() => stop.abort(), 300);
    await expect(download(cache(), stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
    const { digest, progress } = await download(cache());
    expect(digest).toBe(wanted);
    expect(ranges().at(-1)).toBe('bytes=120000-');
    expect(progress.find(({ path }) => path === weights)!.received).toBe(120_000);
  });

  it('starts over when the server has no ranges, or another file by now', async () => {
    server.mishaps.push({ ignoreRange: true }, { breakAfter: 100_000 }, { ignoreRange: true });
    expect((await download(cache())).digest).toBe(wanted);

    storage = new MemoryStorage();
    server.mishaps.push({ ignoreRange: true }, { breakAfter: 100_000 });
    const other = crossOriginFetch;
    const changing: typeof fetch = async (input, init) => {
      const answer = await other(input, init);
      if (ranges().length === 3) server.etag = '"second"';
      return answer;
    };
    expect((await download(cache({ fetch: changing }))).digest).toBe(wanted);
    expect(ranges().slice(-3)).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  it('compares checksums: wrong old bytes are replaced once, wrong new ones refused', async () => {
    storage.stored.set(`sha256-${wanted}`, new Uint8Array(200_000));
    expect((await download(cache())).digest).toBe(wanted);
    expect(ranges()).toEqual(['bytes=200000-', undefined]);

    storage = new MemoryStorage();
    storage.corrupt = (part) => part.map((byte) => byte ^ 1);
    await expect(download(cache())).rejects.toMatchObject({ name: 'HubError', problem: 'damaged' });
    expect(storage.stored.size).toBe(0);
  });

  it('forgets a file that has become longer than it should be', async () => {
    storage.stored.set(`sha256-${wanted}`, new Uint8Array(400_000));
    expect((await download(cache())).digest).toBe(wanted);
  });

  it('waits as long as the server asks, but not for minutes', async () => {
    server.mishaps.push({ status: 429, headers: { 'Retry-After': '7' } }, { status: 503 });
    const visible: typeof fetch = async (input, init) => fetch(input, init);
    expect((await download(cache({ fetch: visible }))).digest).toBe(wanted);
    expect(waits).toEqual([7000, 2000]);

    storage = new MemoryStorage();
    server.mishaps.push({ status: 429, headers: { 'Retry-After': '600' } });
    const refused = await download(cache({ fetch: visible })).catch((error: Error) => error);
    expect(refused).toMatchObject({ problem: 'busy', retryAfter: 600 });
    expect((refused as Error).message).toContain('Try again in 600 seconds');
  });

  it('gives up on a server that never sends a byte', async () => {
    for (let i = 0; i < 5; i++) server.mishaps.push({ status: 500 });
    await expect(download(cache())).rejects.toMatchObject({ problem: 'server', status: 500 });
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
  });

  it.each([
    [401, 'sign-in', /give an access token/],
    [403, 'forbidden', /Accept its conditions at http.*team\/model/],
    [404, 'missing', /Check the name and the revision/],
    [416, 'range', /Delete the download/],
    [418, 'answer', /drop it here/],
  ])('says what to do about status %i', async (status, problem, sentence) => {
    server.mishaps.push({ status });
    const file = await download(cache()).catch((error: Error) => error);
    expect(file).toMatchObject({
      name: 'HubError',
      problem,
      status,
      message: expect.stringMatching(sentence),
    });
    expect((file as Error).message).toMatch(/^team\/model\/config\.json: /);
    server.refuse = { status };
    const listing = await download(cache()).catch((error: Error) => error);
    expect(listing).toMatchObject({ problem, status, message: expect.stringMatching(/^team\/model: /) });
  });

  it('tells a server that forbids other pages from one that is not there', async () => {
    server.cors = false;
    const forbidden = await download(cache()).catch((error: Error) => error);
    expect(forbidden).toMatchObject({ problem: 'cross-origin', message: expect.stringContaining('(CORS)') });
    const away = cache({ hubUrl: 'http://127.0.0.1:9' });
    await expect(away.list('team/model')).rejects.toMatchObject({
      problem: 'unreachable',
      message: expect.stringContaining('Check the network'),
    });
  });

  it('says how much room is missing before it begins, and when the disk fills up all the same', async () => {
    storage.quota = 200_000;
    const before = await download(cache()).catch((error: Error) => error);
    expect(before).toMatchObject({ name: 'StorageError', problem: 'full', needed: 300_021 });
    expect(server.asked).toHaveLength(0);
    const unsure = Object.assign(storage, { estimate: async () => ({}) });
    const during = await download(cache()).catch((error: Error) => error);
    expect(during).toMatchObject({ problem: 'full', needed: 300_000 });
    unsure.quota = 1e9;
    expect((await download(cache())).digest).toBe(wanted);
  });

  it('refuses names and files that are not there', async () => {
    const hub = cache();
    await expect(hub.list('https://elsewhere')).rejects.toThrow(/owner\/name/);
    const listing = await hub.list('team/model');
    await expect(hub.files(listing, ['model.onnx'])).rejects.toThrow(/no file "model.onnx" at main/);
  });
});

describe('TransferMeter', () => {
  it('gives speed and time left for the file and for all', () => {
    let now = 0;
    const meter = new TransferMeter(
      new Map([
        ['a', 1000],
        ['b', 3000],
      ]),
      () => now,
    );
    expect(meter.set('a', 200)).toMatchObject({ received: 200, speed: 0, secondsLeft: null });
    meter.add('a', 100);
    now = 1000;
    const report = meter.add('a', 100);
    expect(report).toMatchObject({ received: 400, speed: 100, secondsLeft: 6 });
    expect(report.total).toEqual({ received: 400, size: 4000, secondsLeft: 36 });
    now = 20_000;
    meter.add('a', 500);
    now = 21_000;
    // Only the last seconds count.
    expect(meter.add('a', 100).speed).toBe(100);
  });

  it('reads Retry-After in both forms', () => {
    const now = Date.parse('Fri, 31 Dec 1999 23:59:00 GMT');
    expect(secondsOf('120')).toBe(120);
    expect(secondsOf('Fri, 31 Dec 1999 23:59:59 GMT', now)).toBe(59);
    expect(secondsOf('soon')).toBeUndefined();
    expect(secondsOf(null)).toBeUndefined();
  });
});
