import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from './acuity.ts';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'evaluate-suite-'));
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const model = path('../public/models/acuity-clip');
afterAll(() => rmSync(folder, { recursive: true }));

const put = (name: string, content: Uint8Array | string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
};
const unzipped = (zip: string) =>
  Object.entries(unzipSync(readFileSync(new URL(`../public/demo/${zip}.zip`, import.meta.url)))).filter(
    ([name]) => !name.endsWith('/'),
  );

beforeAll(() => {
  const captions = ['image,caption'];
  const counts = new Map<string, number>();
  for (const [name, bytes] of unzipped('benchmark')) {
    put(`mmvp/${name}`, bytes);
    const [file, type] = name.split('/').reverse();
    if (!file || !type || name.endsWith('.csv')) continue;
    const count = counts.get(type) ?? 0;
    counts.set(type, count + 1);
    if (count >= 4) continue;
    put(`classes/${type}/${file}`, bytes);
    captions.push(`classes/${type}/${file},"picture ${captions.length}, of ${type}"`);
  }
  put('captions.csv', captions.join('\n'));
  put('templates.txt', 'a photo of {}\n');
});

const evaluate = (...args: string[]) =>
  runCommand(folder, 'evaluate', '--model', model, '--cache', 'shared', ...args);
const outcome = (pairs: boolean[]) => pairs.map((pair) => (pair ? '1' : '0')).join('');

/** By transformers and torch (tools/reference/diva_style.py). */
const diva: { seeds: number[]; openai: string[]; metaclip: string; class: string } = JSON.parse(
  readFileSync(path('../tools/reference/fixtures/diva_style.json'), 'utf8'),
);

describe('MMVP by DIVA’s embeddings', () => {
  it('decides the demo’s pairs as DIVA’s scripts do in PyTorch, for every seed', {
    timeout: 120_000,
  }, async () => {
    const totals = diva.openai.map((pairs) => (100 * [...pairs].filter((c) => c === '1').length) / 135);
    const { out } = await evaluate(
      ...['--mmvp', 'mmvp', '--diva-style', 'openai', '--seed', diva.seeds.join(), '--json'],
    );
    const { mmvp, divaStyle } = JSON.parse(out);
    expect(outcome(mmvp.pairs)).toBe(diva.class);
    expect(outcome(divaStyle.pairs)).toBe(diva.openai[0]);
    const scored = divaStyle.seeds.map(({ total }: { total: number }) => total);
    for (const [i, total] of totals.entries()) expect(scored[i]).toBeCloseTo(total, 9);
    expect(divaStyle.total).toBeCloseTo(totals.reduce((a, b) => a + b) / totals.length, 9);
    expect(divaStyle.spread).toBeGreaterThan(0);
    const text = await evaluate('--mmvp', 'mmvp', '--diva-style', 'metaclip');
    expect(text.out).toMatch(/MMVP-VLM, DIVA-style embedding/);
    expect(text.out).toMatch(/class \+ mean of all patches/);
    const all = JSON.parse((await evaluate('--mmvp', 'mmvp', '--diva-style', 'metaclip', '--json')).out);
    expect(outcome(all.divaStyle.pairs)).toBe(diva.metaclip);
    expect(all.divaStyle).toMatchObject({ seeds: [], rule: 'metaclip' });
  });
});

describe('a model without a text side', () => {
  it('is scored with the text side of another folder, and says so where none is given', async () => {
    for (const file of ['onnx/vision_model.onnx', 'config.json', 'preprocessor_config.json'])
      put(`bare/${file}`, readFileSync(join(model, file)));
    const bare = ['evaluate', '--model', 'bare', '--mmvp', 'mmvp', '--json', '--cache', 'shared'];
    const { out } = await runCommand(folder, ...bare, '--text', model);
    expect(outcome(JSON.parse(out).mmvp.pairs)).toBe(diva.class);
    const { code, err } = await runCommand(folder, ...bare);
    expect([code, err]).toEqual([2, expect.stringMatching(/^acuity: bare has no text side: give --text/)]);
  });
});

describe('the suite', () => {
  it('scores all that the data allows, judges by the guard and writes every report', {
    timeout: 120_000,
  }, async () => {
    const { code, out, err } = await evaluate(
      ...[
        '--suite',
        '--guard',
        '0.5',
        '--mmvp',
        'mmvp',
        '--classes',
        'classes',
        '--captions',
        'captions.csv',
      ],
      ...['--templates', 'templates.txt', '--seed', '0,1', '--compare', model, '--compare', model],
      ...['--report', 'reports/today', '--json'],
    );
    expect([code, err]).toEqual([0, '']);
    const result = JSON.parse(out);
    expect(result.suite).toMatchObject({ name: 'Acuity suite 1', guard: { threshold: 0.5, passed: true } });
    expect(result.suite.guard.verdicts).toHaveLength(2);
    expect(result.suite.guard.verdicts[0]).toMatchObject({ model, change: 0, passed: true });
    expect([result.knn.seeds.length, result.probe.seeds.length]).toEqual([2, 2]);
    expect(result.data).toEqual({
      mmvp: expect.stringMatching(/^[0-9a-f]{16}$/),
      classes: expect.stringMatching(/^[0-9a-f]{64}$/),
      captions: expect.stringMatching(/^[0-9a-f]{64}$/),
    });

    const report = (name: string) => readFileSync(join(folder, 'reports/today', name), 'utf8');
    expect(readdirSync(join(folder, 'reports/today')).sort()).toEqual(
      ['csv', 'html', 'json', 'tex'].map((kind) => `evaluation.${kind}`),
    );
    expect(report('evaluation.json')).toBe(out);
    const html = report('evaluation.html');
    const missed = result.mmvp.pairs.filter((right: boolean) => !right).length;
    const taken = result.zeroShot.ranks.filter((rank: number) => rank !== 1).length;
    expect(html.split('src="data:image/')).toHaveLength(1 + 2 * Math.min(30, missed) + Math.min(24, taken));
    for (const fact of [
      'Acuity suite 1',
      result.modelHash,
      ...Object.values<string>(result.data),
      'Guessing',
    ])
      expect(html).toContain(fact);
    expect(html).toMatch(/2 refined models were scored on MMVP-VLM: the best of them is the best in part by/);
    expect(html).toMatch(/Not one pair changed/);
    expect(html).toMatch(/mean over the seeds 0, 1/);
    expect(report('evaluation.tex')).toMatch(/k-NN, spread & ± \d/);
    expect(report('evaluation.csv')).toContain('Retrieval,');
  });

  it.each<[string, string[], RegExp]>([
    ['a rule that DIVA has not', ['--mmvp', 'mmvp', '--diva-style', 'x'], /openai or metaclip, not "x"/],
    ['DIVA’s embeddings of nothing', ['--classes', 'classes', '--diva-style', 'openai'], /needs --mmvp/],
    ['a guard in words', ['--mmvp', 'mmvp', '--guard', 'low'], /--guard takes a number, not "low"/],
    ['blind pairs by one encoder', ['--blind-pairs', 'classes'], /need each other/],
  ])('%s is wrong usage', async (_, args, message) => {
    const { code, err } = await evaluate(...args);
    expect([code, err]).toEqual([64, expect.stringMatching(message)]);
  });
});

describe('what is kept from one command to the next', () => {
  /** Runs with a terminal to watch; `stop` decides by what it shows when Ctrl-C is pressed. */
  async function watched(args: string[], stop: (line: string) => boolean = () => false) {
    const [shown, interrupt] = [[] as string[], new AbortController()];
    let [out, err] = ['', ''];
    const code = await main(['evaluate', '--model', model, '--mmvp', 'mmvp', '--json', ...args], {
      directory: folder,
      out: (text) => (out += text),
      err: (text) => (err += text),
      progress: (line) => {
        shown.push(line);
        if (stop(line)) interrupt.abort(new DOMException('cancelled', 'AbortError'));
      },
      signal: interrupt.signal,
    });
    return { code, out, err, shown };
  }
  const images = (lines: string[]) => lines.filter((line) => / image \d+ of /.test(line));

  it('stops at Ctrl-C with what was embedded kept, and goes on from there to the same scores', {
    timeout: 120_000,
  }, async () => {
    const stopped = await watched(['--cache', 'kept'], (line) => / image (\d{2,3}) of 270/.test(line));
    expect([stopped.code, stopped.out, stopped.err]).toEqual([1, '', 'acuity: cancelled\n']);
    expect(images(stopped.shown).at(-1)).toMatch(/ image \d+ of 270, \d+ at a time, \d+ s left$/);
    const done = Number(/ image (\d+) of/.exec(images(stopped.shown).at(-1)!)![1]);

    const rest = await watched(['--cache', 'kept']);
    expect(images(rest.shown).at(-1)).toMatch(new RegExp(` image ${270 - done} of ${270 - done}`));
    const again = await watched(['--cache', 'kept']);
    expect([images(again.shown), again.out]).toEqual([[], rest.out]);
    const without = await watched(['--no-cache']);
    expect(images(without.shown).length).toBeGreaterThan(0);
    const { pairs, total } = JSON.parse(without.out).mmvp;
    expect(JSON.parse(again.out).mmvp).toMatchObject({ pairs, total });
  });

  it('does so when a real process gets Ctrl-C', { timeout: 120_000 }, async () => {
    const args = ['evaluate', '--model', model, '--mmvp', 'mmvp', '--diva-style', 'openai', '--json'];
    const seeds = ['--seed', Array.from({ length: 12 }, (_, i) => i).join(), '--cache', 'process'];
    const env = { ...process.env, INIT_CWD: folder };
    const child = spawn(process.execPath, [path('bin.mjs'), ...args, ...seeds], { cwd: folder, env });
    let err = '';
    child.stderr.on('data', (text) => (err += text));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    // The texts are kept before the first image is looked at.
    const state = join(folder, 'process/state');
    while (
      child.exitCode === null &&
      !(existsSync(state) && readdirSync(state).some((name) => name.endsWith('.json')))
    )
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');
    expect([await ended, err]).toEqual([1, 'acuity: cancelled\n']);
    expect(readdirSync(join(folder, 'process/files')).filter((name) => name.endsWith('.partial'))).toEqual(
      [],
    );
    const after = await watched(['--cache', 'process']);
    expect(outcome(JSON.parse(after.out).mmvp.pairs)).toBe(diva.class);
  });
});

describe('blind pairs', () => {
  /** By transformers and numpy (tools/reference/second_encoder.py). */
  const dino = path('../tools/reference/fixtures/dinov2');
  const reference: {
    pictures: string[];
    alike: number;
    different: number;
    pairs: [string, string, number, number][];
  } = JSON.parse(readFileSync(join(dino, 'pairs.json'), 'utf8'));
  const bounds = ['--alike', String(reference.alike), '--different', String(reference.different)];

  beforeAll(() => {
    const all = new Map(unzipped('images'));
    for (const name of reference.pictures) put(`own/${name}`, all.get(name)!);
    put('own/torn.jpg', Uint8Array.of(255, 216, 255));
  });

  it('are those that transformers and numpy find with a DINOv2 export, and reported with their pictures', async () => {
    const { code, out, err } = await evaluate(
      ...[
        '--blind-pairs',
        'own',
        '--second',
        dino,
        ...bounds,
        '--most',
        '1000',
        '--json',
        '--html',
        'blind.html',
      ],
    );
    expect([code, err]).toEqual([0, expect.stringMatching(/1 image was left out: torn\.jpg/)]);
    const { blindPairs } = JSON.parse(out);
    expect(blindPairs).toMatchObject({ second: dino, images: reference.pictures.length });
    expect(reference.pairs.length).toBeGreaterThan(5);
    expect(blindPairs.pairs).toHaveLength(reference.pairs.length);
    const named = (a: string, b: string) => [a, b].sort().join(' ');
    const found = new Map<string, { alike: number; different: number }>(
      blindPairs.pairs.map((pair: { images: [string, string]; alike: number; different: number }) => [
        named(...pair.images),
        pair,
      ]),
    );
    for (const [a, b, alike, different] of reference.pairs) {
      expect(found.get(named(a, b))!.alike).toBeCloseTo(alike, 4);
      expect(found.get(named(a, b))!.different).toBeCloseTo(different, 4);
    }
    const gaps = blindPairs.pairs.map(
      (pair: { alike: number; different: number }) => pair.alike - pair.different,
    );
    expect(gaps).toEqual(gaps.toSorted((a: number, b: number) => b - a));
    const html = readFileSync(join(folder, 'blind.html'), 'utf8');
    expect(html.split('src="data:image/')).toHaveLength(1 + 2 * Math.min(30, gaps.length));
    expect(html).toContain('<h2>Blind pairs</h2>');
  });

  it('are found by a teacher’s latents too', async () => {
    const teacher = path('../public/models/acuity-diffusion');
    const search = ['--blind-pairs', 'own', '--second', teacher, '--alike', '0.6', '--different', '0.4'];
    const { code, out } = await evaluate(...search, '--most', '4', '--json');
    const { pairs } = JSON.parse(out).blindPairs;
    expect([code, pairs.length]).toEqual([0, 4]);
    for (const { alike, different } of pairs) expect([alike > 0.6, different < 0.4]).toEqual([true, true]);
    expect((await evaluate(...search, '--most', '1')).out).toMatch(/Blind pairs +First image/);
  });

  it('are refused with a second encoder that is none', async () => {
    const { code, err } = await evaluate('--blind-pairs', 'own', '--second', 'classes');
    expect([code, err]).toEqual([2, expect.stringMatching(/holds no onnx\/vision_model\.onnx/)]);
  });
});
