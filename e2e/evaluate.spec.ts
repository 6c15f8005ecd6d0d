import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { expect, type Locator } from '@playwright/test';
import { unzipSync } from 'fflate';
import { runCommand } from '../cli/testing/run-command.ts';
import { readMmvpFolder } from '../src/evaluation/mmvp-folder.ts';
import { demoFiles, type Files, smallBenchmark, writeFiles } from './demo-files.ts';
import { test } from './watched.ts';

// The evaluation of the built-in encoder on folders that a person drops, against the command's own on the same files.

const model = new URL('../public/models/acuity-clip', import.meta.url).pathname;

/** Three kinds of things, as many pictures as there are, and a caption for each picture. */
function smallSet(): Files {
  const files: Files = new Map();
  const captions = ['image,caption'];
  for (const [path, bytes] of demoFiles('images')) {
    const [, kind, number] = /([^/]+)-(\d+\.\w+)$/.exec(path) ?? [];
    if (!kind || !number || !['apple', 'balloon', 'penguin', 'cloud'].includes(kind)) continue;
    files.set(`${kind}/${number}`, bytes);
    // The first caption is longer than the model reads.
    const end = captions.length === 1 ? ', big'.repeat(60) : '';
    captions.push(`${kind}/${number},"picture ${number} of a ${kind}${end}"`);
  }
  files.set('captions.csv', new TextEncoder().encode(captions.join('\n')));
  return files;
}

test('classes, captions and labels give the figures of the command', async ({ acuity, page }, info) => {
  const folder = writeFiles(join(info.outputDir, 'things'), smallSet());
  await acuity.open('/');
  await acuity.chooseBuiltIn('encoder');
  await acuity.goTo('Evaluate');
  await acuity.dropFolder('Classes', folder);
  await expect(page.getByLabel('Classes', { exact: true })).toContainText('4 classes');
  await acuity.dropFolder('Captions', folder);
  await expect(page.getByLabel('Captions', { exact: true })).toContainText('things (');
  await page.getByLabel('Prompt templates').selectOption('Your own');
  await page.getByLabel('Your templates').fill('a photo of a {}\na {}');
  const seeds = page.getByLabel('Seeds');
  const three = await seeds.inputValue();
  await seeds.fill(Array.from({ length: 20 }, (_, i) => i).join(' '));
  await page.getByRole('button', { name: 'Run the suite' }).click();
  await page.getByRole('button', { name: /^Cancel: evaluating/ }).click();
  await expect(page.getByRole('button', { name: 'Run the suite' })).toBeEnabled();
  await acuity.failOnAlert();
  await expect(page.getByRole('table', { name: 'Scores' })).toBeHidden();
  await seeds.fill(three);
  await page.getByRole('button', { name: 'Run the suite' }).click();
  await page.getByRole('table', { name: 'Scores' }).waitFor({ timeout: 60_000 });
  await expect(page.getByText(/has \d+ tokens; the model reads 77/)).toBeVisible();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save report as JSON' }).click();
  const { results } = JSON.parse(await readFile(await (await saved).path(), 'utf8'));
  const [{ scores }] = results;

  const pageSaved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save report as HTML' }).click();
  const html = await readFile(await (await pageSaved).path(), 'utf8');
  const missed = scores.zeroShot.ranks.filter((rank: number) => rank !== 1).length;
  expect(html.split('src="data:image/')).toHaveLength(1 + missed);
  for (const fact of [
    'reference',
    results[0].modelHash,
    ...results[0].sets.map((set: { hash: string }) => set.hash),
  ])
    expect(html).toContain(fact);

  const templates = writeFiles(
    join(info.outputDir, 'texts'),
    new Map([['templates.txt', new TextEncoder().encode('a photo of a {}\na {}\n')]]),
  );
  const { code, out } = await runCommand(
    folder,
    ...['evaluate', '--model', model, '--classes', '.', '--captions', 'captions.csv', '--knn', '--probe'],
    ...['--templates', join(templates, 'templates.txt'), '--seed', '0,1,2', '--json'],
  );
  expect(code).toBe(0);
  const command = JSON.parse(out);
  expect(results[0].warnings).toEqual(command.warnings);
  expect(scores.zeroShot).toEqual(command.zeroShot);
  expect(scores.retrieval).toEqual(command.retrieval);
  expect(scores.knn).toEqual({ ...scores.knn, accuracy: command.knn.accuracy, seeds: command.knn.seeds });
  expect(scores.probe.seeds).toEqual(command.probe.seeds);
  expect(scores.zeroShot.top1).toBeGreaterThan(50);
});

/**
 * The demo's benchmark as somebody might have it: another of the three folder names, the first pair under another
 * pattern's Type, the ids of the second pair exchanged.
 */
function unusualBenchmark(): Files {
  const files: Files = new Map();
  for (const [path, bytes] of demoFiles('benchmark')) {
    let name = path.replace('MLLM_VLM Images', 'MMVP_VLM_Images');
    if (/\/[12]\.jpg$/.test(name)) name = `MMVP_VLM_Images/Texts/${name.split('/').at(-1)}`;
    files.set(name, bytes);
  }
  const [header, ...rows] = new TextDecoder().decode(files.get('Questions.csv')!).trimEnd().split(/\r?\n/);
  for (const i of [0, 1]) rows[i] = rows[i]!.replace(/^(\d+),[^,]+,/, '$1,Texts,');
  [rows[2], rows[3]] = [rows[3]!, rows[2]!];
  files.set('Questions.csv', new TextEncoder().encode(`${[header, ...rows].join('\n')}\n`));
  return files;
}

test('pairs are scored by both embeddings as the command does, and the report stands by itself', async ({
  acuity,
  page,
  browser,
}, info) => {
  const folder = writeFiles(join(info.outputDir, 'pairs'), unusualBenchmark());
  await acuity.open('/');
  await acuity.chooseBuiltIn('encoder');
  await acuity.goTo('Images');
  await acuity.dropFolder('Benchmark', writeFiles(join(info.outputDir, 'few'), smallBenchmark(['Texts'], 2)));
  await page.getByText('MMVP-style').first().waitFor();
  await acuity.dropFolder('Benchmark', folder);
  await page.getByText('the official form').first().waitFor();
  const flags = [/^Id 1: its Type differs from the other pairs/, /^Ids 4, 3: unusual parity/];
  for (const flag of flags) await expect(page.getByText(flag).first()).toBeVisible();

  await acuity.goTo('Evaluate');
  await expect(page.getByLabel('Pairs', { exact: true })).toContainText('few (MMVP-style, 2 pairs)');
  await page.getByLabel('Pairs', { exact: true }).selectOption({ label: 'pairs (MMVP-VLM, 135 pairs)' });
  for (const flag of flags) await expect(page.getByText(flag).first()).toBeVisible();
  await page.getByLabel('Pairs also DIVA-style').selectOption('openai');
  await page.getByLabel('Seeds').fill('0, 7');
  await page.getByRole('button', { name: 'Run the suite' }).click();
  const scores = page.getByRole('table', { name: 'Scores' });
  await scores.waitFor({ timeout: 120_000 });
  await expect(
    scores.getByRole('row', { name: /^MMVP-VLM, DIVA-style \d+\.\d ± \d+\.\d 25\.0$/ }),
  ).toBeVisible();
  await expect(scores.getByRole('row', { name: /^MMVP-VLM \d+\.\d 25\.0$/ })).toBeVisible();

  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save report as JSON' }).click();
  const { results } = JSON.parse(await readFile(await (await saved).path(), 'utf8'));
  const { mmvp, divaStyle } = results[0].scores;
  const { code, out } = await runCommand(
    folder,
    ...['evaluate', '--model', model, '--mmvp', '.', '--diva-style', 'openai', '--seed', '0,7', '--json'],
  );
  expect(code).toBe(0);
  const command = JSON.parse(out);
  const decided = (pairs: { correct: boolean }[]) => pairs.map(({ correct }) => correct);
  expect(decided(mmvp.pairs)).toEqual(command.mmvp.pairs);
  expect(decided(divaStyle.pairs)).toEqual(command.divaStyle.pairs);
  expect([mmvp.total, divaStyle.seeds]).toEqual([command.mmvp.total, command.divaStyle.seeds]);
  expect(results[0].sets[0].hash).toBe(command.data.mmvp);
  expect(results[0].warnings).toEqual(command.warnings);

  const pageSaved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save report as HTML' }).click();
  const html = info.outputPath('report.html');
  await (await pageSaved).saveAs(html);
  const offline = await browser.newContext({ offline: true });
  const requests: string[] = [];
  offline.on('request', (request) => requests.push(request.url().slice(0, 40)));
  const report = await offline.newPage();
  await report.goto(pathToFileURL(html).href);
  const pictures = await report
    .getByRole('img')
    .evaluateAll((images) =>
      Promise.all(images.map((image) => (image as HTMLImageElement).decode().then(() => image.clientWidth))),
    );
  const missed = Math.min(30, mmvp.pairs.filter(({ correct }: { correct: boolean }) => !correct).length);
  expect(pictures).toHaveLength(2 * missed);
  expect(Math.min(...pictures)).toBeGreaterThan(0);
  expect(requests.filter((url) => !url.startsWith('data:image/'))).toEqual([
    pathToFileURL(html).href.slice(0, 40),
  ]);
  await expect(report.getByText('Ids 4, 3: unusual parity', { exact: false })).toBeVisible();
  await expect(report.getByRole('heading', { name: 'MMVP-VLM, DIVA-style embedding' })).toBeVisible();
  await offline.close();
});

test('blind pairs become a benchmark; patches, phrases and masks are looked at', async ({
  acuity,
  page,
}, info) => {
  const pictures = new Map([...smallSet()].filter(([path]) => !path.endsWith('.csv')));
  const folder = writeFiles(join(info.outputDir, 'things'), pictures);
  await acuity.open('/');
  await acuity.chooseBuiltIn('encoder');
  await acuity.chooseBuiltIn('teacher');
  await acuity.goTo('Images');
  await acuity.dropFolder('Images', folder);
  await acuity.waitForWork();
  await acuity.goTo('Evaluate');
  // The teacher's latents are the only second opinion in sight, so they are chosen.
  await expect(page.getByLabel('Second opinion')).toContainText('acuity-diffusion, latents');
  await page.getByLabel('Alike above').fill('0.6');
  await page.getByLabel('Different below').fill('0.4');
  await page.getByRole('button', { name: 'Find pairs' }).click();
  const first = page.getByRole('listitem', { name: 'Pair 1', exact: true });
  await first.waitFor({ timeout: 60_000 });
  const [alike, different] = /alike (\S+), different (\S+)/
    .exec((await first.textContent())!)!
    .slice(1)
    .map(Number.parseFloat);
  expect(alike).toBeGreaterThan(0.6);
  expect(different).toBeLessThan(0.4);
  await page.getByLabel('Statement A of pair 1', { exact: true }).fill('a thing, of one kind');
  await page.getByLabel('Statement B of pair 1', { exact: true }).fill('a thing of another kind');
  await page.getByLabel('Pattern of pair 1', { exact: true }).selectOption('Texts');
  await page.getByRole('button', { name: 'Keep pair 1', exact: true }).click();
  // What was written outlives the page.
  await page.reload();
  await expect(page.getByLabel('Statement A of pair 1', { exact: true })).toHaveValue('a thing, of one kind');
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as benchmark' }).click();
  const entries = Object.entries(unzipSync(await readFile(await (await saved).path())));
  const read = await readMmvpFolder(
    entries.map(([path, bytes]) => ({ path, blob: new Blob([bytes.slice()]) })),
  );
  expect(read.rows.map(({ type, statement }) => [type, statement])).toEqual([
    ['Texts', 'a thing, of one kind'],
    ['Texts', 'a thing of another kind'],
  ]);
  const given = new Set([...pictures.values()].map((bytes) => Buffer.from(bytes).toString('base64')));
  for (const { blob } of read.images)
    expect(given).toContain(Buffer.from(await blob.arrayBuffer()).toString('base64'));

  await page
    .getByRole('button', { name: /^Look at / })
    .first()
    .click();
  const map = page.getByRole('button', { name: /^acuity-clip, original: Patch at row 5, column 5/ });
  await map.waitFor({ timeout: 60_000 });
  await page.getByLabel('Phrase').fill('an apple');
  await page.getByRole('button', { name: 'Show the phrase' }).click();
  await page.getByRole('button', { name: /: Most like the phrase: row \d, column \d/ }).waitFor();

  // Every pixel of this mask is person, VOC's class 15: what is called a person is right, all else is wrong.
  const jpeg = [...pictures].find(([path]) => path.endsWith('.jpg'))![1];
  const masks = new Map([
    ['JPEGImages/one.jpg', jpeg],
    ['SegmentationClass/one.png', plainPng(64, [192, 128, 128])],
  ]);
  const voc = writeFiles(join(info.outputDir, 'voc'), masks);
  await acuity.dropFolder('Masks', voc);
  await expect(page.getByLabel('Masks', { exact: true })).toContainText('voc (1 image, 20 classes)');
  await page.getByLabel('Prompt templates').selectOption('a photo of a {}.');
  await page.getByRole('button', { name: 'Run the suite' }).click();
  const iou = page.getByRole('table', { name: 'Intersection over union' });
  await iou.waitFor({ timeout: 60_000 });
  const cell = async (table: Locator, name: string) =>
    Number(
      await table
        .getByRole('row', { name: new RegExp(`^${name} `) })
        .getByRole('cell')
        .first()
        .textContent(),
    );
  const scores = page.getByRole('table', { name: 'Scores' });
  expect(await cell(iou, 'person')).toBe(await cell(scores, 'Segmentation, pixels right'));
  const masksSaved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save report as JSON' }).click();
  const { results } = JSON.parse(await readFile(await (await masksSaved).path(), 'utf8'));
  const plain = writeFiles(
    join(info.outputDir, 'texts'),
    new Map([['plain.txt', new TextEncoder().encode('a photo of a {}.\n')]]),
  );
  const { out } = await runCommand(
    voc,
    ...[
      'evaluate',
      '--model',
      model,
      '--segmentation',
      '.',
      '--templates',
      join(plain, 'plain.txt'),
      '--json',
    ],
  );
  expect(results[0].scores.segmentation).toEqual(JSON.parse(out).segmentation);
});

test('a DINOv2 export without a text side finds the blind pairs that the command finds', async ({
  acuity,
  page,
}, info) => {
  const dino = new URL('../tools/reference/fixtures/dinov2', import.meta.url).pathname;
  const pictures = new Map([...smallSet()].filter(([path]) => !path.endsWith('.csv')));
  const folder = writeFiles(join(info.outputDir, 'things'), pictures);
  await acuity.open('/');
  await acuity.chooseBuiltIn('encoder');
  await acuity.goTo('Images');
  await acuity.dropFolder('Images', folder);
  await acuity.waitForWork();
  await acuity.goTo('Evaluate');
  await acuity.dropFolder('Second encoder', dino);
  await expect(page.getByLabel('Second opinion')).toContainText('dinov2');
  await page.getByLabel('Alike above').fill('0.5');
  await page.getByLabel('Different below').fill('0.96');
  await page.getByRole('button', { name: 'Find pairs' }).click();
  await page.getByRole('listitem', { name: 'Pair 1', exact: true }).waitFor({ timeout: 60_000 });
  const shown = await page.getByText(/alike \S+, different \S+/).allTextContents();
  const { code, out } = await runCommand(
    folder,
    ...['evaluate', '--model', model, '--blind-pairs', '.', '--second', dino, '--json'],
    ...['--alike', '0.5', '--different', '0.96'],
  );
  expect(code).toBe(0);
  const { pairs } = JSON.parse(out).blindPairs as { pairs: { alike: number; different: number }[] };
  expect(pairs.length).toBeGreaterThan(2);
  expect(
    shown.map((text) => /alike (\S+), different (\S+)/.exec(text)!.slice(1).map(Number.parseFloat)),
  ).toEqual(
    pairs.map(({ alike, different }) => [alike, different].map((cosine) => Number(cosine.toFixed(3)))),
  );
});

/** A square PNG of one colour, 8 bits a channel. */
function plainPng(size: number, colour: readonly number[]): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8);
  const row = [0, ...Array.from({ length: size }, () => colour).flat()];
  const rows = Buffer.from(Array.from({ length: size }, () => row).flat());
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
