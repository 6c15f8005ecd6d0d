import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { zipSync } from 'fflate';
import type { AcuityPage } from './page.ts';
import type { Scene } from './pages/scripted-engine.ts';
import { test } from './watched.ts';

// What a person does with the rooms, over the scripted engine of e2e/pages.
const port = Number(process.env['ACUITY_E2E_PORT'] ?? 4173) + 1;

async function enter(acuity: AcuityPage, scene: Scene): Promise<void> {
  await acuity.open(`http://127.0.0.1:${port}/e2e/pages/rooms.html?scene=${scene}`);
}

/** The smallest PNG: one transparent pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

async function folderOfImages(root: string): Promise<string> {
  const folder = join(root, 'holiday');
  await mkdir(join(folder, 'beach'), { recursive: true });
  for (const name of ['one.png', 'beach/two.png', 'beach/three.PNG'])
    await writeFile(join(folder, name), png);
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  return folder;
}

async function serveDemo(page: Page): Promise<void> {
  const names = Array.from({ length: 12 }, (_, index) => `${index}.png`);
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(png)]));
  for (const kind of ['images', 'benchmark']) {
    await page.route(`**/demo/${kind}.zip`, (route) => route.fulfill({ body: Buffer.from(zipSync(files)) }));
  }
}

test('a dropped folder becomes an image set, and what is no image is named', async ({
  acuity,
  page,
}, info) => {
  await enter(acuity, 'empty');
  await acuity.goTo('Images');
  await acuity.dropFolder('Images', await folderOfImages(info.outputDir));
  await acuity.waitForWork();
  await expect(page.getByRole('heading', { level: 2, name: 'holiday' })).toBeVisible();
  await expect(page.getByText(/^3 images ·/)).toBeVisible();
  await page.getByText('Names and reasons').click();
  await expect(page.getByText('holiday/notes.txt')).toBeVisible();
});

test('a dropped folder becomes an encoder of that name', async ({ acuity, page }, info) => {
  await enter(acuity, 'empty');
  await acuity.goTo('Models');
  await acuity.dropFolder('Encoder', await folderOfImages(info.outputDir));
  await acuity.waitForWork();
  await expect(page.getByRole('article', { name: 'holiday' })).toBeVisible();
});

test('loading can be cancelled', async ({ acuity, page }) => {
  await enter(acuity, 'stuck');
  await acuity.goTo('Models');
  await page.getByRole('button', { name: 'Use the built-in encoder' }).click();
  await page.getByRole('button', { name: 'Cancel: loading the encoder' }).click();
  await expect(page.getByRole('progressbar')).toHaveCount(0);
  await expect(page.getByRole('alert').filter({ hasText: 'encoder' })).toHaveCount(0);
});

test('the provider can be forced', async ({ acuity, page }) => {
  await enter(acuity, 'full');
  await acuity.goTo('Models');
  await page.getByRole('radiogroup', { name: 'Provider' }).getByText('WebGPU').click();
  await expect(page.getByText('You asked for WebGPU.')).toBeVisible();
});

test('one click runs the demo to its end', async ({ acuity, page }) => {
  await serveDemo(page);
  await enter(acuity, 'empty');
  await acuity.tryDemo();
  const pair = page.getByRole('region', { name: 'A pair that it confuses' });
  await expect(pair.getByRole('img', { name: 'Picture A' })).toBeVisible();
  await expect(pair.getByRole('img', { name: 'Picture B' })).toBeVisible();
  // Of the scripted report's first unsolved pair of its weakest pattern.
  await expect(pair.getByText('given to picture B')).toBeVisible();
  await acuity.waitForStep(3);
  const sentence = await acuity.demoSentence();
  expect(sentence).toMatch(/^The refined encoder solves 15 more of 135 pairs .*95% interval .*\.$/);
  await expect(pair.getByText('given to its own picture')).toHaveCount(2);
  const table = page.getByRole('table', { name: 'Published seeds and controls' });
  await expect(table.getByRole('row').nth(1)).toContainText('Seed 1');
  await expect(table.getByRole('row', { name: /Control: Other pictures/ }).first()).toBeVisible();
  await page.getByRole('button', { name: 'See every pair' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Compare' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Verdict' })).toBeVisible();
});

test('from the built-in models to the downloaded files', async ({ acuity, page }, info) => {
  await serveDemo(page);
  await enter(acuity, 'empty');
  await acuity.chooseAllBuiltIn();
  await acuity.start({ settings: { Steps: '30', 'Checkpoint every': '10', Seed: '7' } });
  await acuity.waitForStep(5);
  await acuity.pause();
  await acuity.waitForState('Paused');
  const { step, steps } = await acuity.shownRun();
  expect(step).toBeGreaterThanOrEqual(5);
  expect(steps).toBe(30);
  await acuity.resume();
  await acuity.waitForFinish();
  await acuity.checkOnWebGpu();

  const log = await acuity.saveLog(join(info.outputDir, 'log.json'));
  const written = JSON.parse(await readFile(log, 'utf8'));
  expect(written.steps.map((each: { step: number }) => each.step)).toEqual(
    Array.from({ length: 30 }, (_, index) => index + 1),
  );
  expect(written.config.seed).toBe(7);
  expect(written.webGpuCheck.dispatches).toBe(1204);

  const shown = await acuity.compareWithOriginal();
  expect(shown).toMatchObject({ before: 34.1, after: 45.2 });
  expect(shown.patterns).toHaveLength(9);
  expect(shown.patterns[0]).toEqual({
    name: 'Orientation and Direction',
    before: 13.3,
    after: 46.7,
    fixed: 6,
    broken: 1,
  });
  await acuity.saveReport(join(info.outputDir, 'comparison.json'));

  const files = await acuity.download(join(info.outputDir, 'files'));
  expect(files.map((file) => file.slice(join(info.outputDir, 'files').length + 1))).toEqual([
    'refined/model.onnx',
    'refined/model.safetensors',
    'refined/config.json',
  ]);
  expect((await readFile(files[0]!)).length).toBe(3_432_708);
});

test('a run can be stopped, leaves a checkpoint and can be deleted with it', async ({ acuity, page }) => {
  await serveDemo(page);
  await enter(acuity, 'empty');
  await acuity.chooseAllBuiltIn();
  await acuity.start({ settings: { Steps: '500', 'Checkpoint every': '0' } });
  await acuity.waitForStep(3);
  await acuity.stop();
  await acuity.waitForState('Stopped');
  await acuity.goTo('Checkpoints');
  await expect(page.getByRole('button', { name: /^Resume from Run 1/ })).toBeVisible();
  await acuity.goTo('Refine');
  await page.getByRole('button', { name: 'Delete Run 1' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByText('Still needed')).toHaveCount(0);
  await acuity.goTo('Checkpoints');
  await expect(page.getByText('No checkpoints yet')).toBeVisible();
});

test('an interrupted run goes on where it was', async ({ acuity }) => {
  await enter(acuity, 'full');
  await acuity.goTo('Refine');
  expect(await acuity.shownRun()).toEqual({ step: 118, steps: 200, state: 'Interrupted' });
  await acuity.resume();
  await acuity.waitForStep(121);
  await acuity.pause();
  await acuity.waitForState('Paused');
});

test('pairs are filtered by pattern and outcome and walked through', async ({ acuity, page }) => {
  await enter(acuity, 'full');
  await acuity.goTo('Compare');
  await acuity.compare();
  await page.getByRole('radiogroup', { name: 'Outcome' }).getByText('Broken 9').click();
  await page.getByRole('button', { name: 'Texts', exact: true }).click();
  const list = page.getByRole('list', { name: 'Pairs' });
  await expect(list.getByRole('button')).toHaveCount(1);
  await page.getByRole('radiogroup', { name: 'Outcome' }).getByText('All 15').click();
  const detail = await acuity.openPair(106);
  await expect(detail.getByRole('img', { name: /^Image A: a sign that says STOP/ })).toBeVisible();
  await page.getByRole('button', { name: 'Next pair' }).click();
  await expect(page.getByRole('region', { name: 'Pair 107', exact: true })).toBeVisible();
});

test('a checkpoint is scored and deleted after asking', async ({ acuity, page }) => {
  await enter(acuity, 'full');
  await acuity.goTo('Checkpoints');
  await page.getByRole('button', { name: 'Score Run 4, step 40' }).click();
  const row = page
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: 'Delete Run 4, step 40' }) });
  await expect(row.getByText('45.2')).toBeVisible();
  await page.getByRole('button', { name: 'Delete Run 4, step 40' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(row).toHaveCount(0);
});

test('only thumbnails in sight exist', async ({ acuity, page }) => {
  await enter(acuity, 'full');
  await acuity.goTo('Images');
  const grid = page.getByRole('region', { name: '1,200 images of Demo scenes' });
  const tiles = grid.getByRole('listitem');
  await expect(tiles.first()).toBeVisible();
  expect(await tiles.count()).toBeLessThan(200);
  await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await expect(grid.getByRole('img', { name: 'scene-1199.png' })).toBeVisible();
});

test('everything is reached by keyboard', async ({ acuity, page }) => {
  await enter(acuity, 'full');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Skip to the room' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Try the demo' })).toBeFocused();

  const refine = page.getByRole('link', { name: 'Refine', exact: true });
  await refine.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Refine' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'New run' })).toBeFocused();
  await page.keyboard.press('Enter');

  // From the first field to the start button with nothing but Tab.
  const wanted = page.getByRole('button', { name: 'Start refining' });
  for (let press = 0; press < 40; press++) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((element) => element === document.activeElement)) break;
  }
  await expect(wanted).toBeFocused();
  await page.keyboard.press('Enter');
  await acuity.waitForStep(1);
});

test('the end of work is announced', async ({ acuity, page }) => {
  await enter(acuity, 'empty');
  await acuity.chooseBuiltIn('teacher');
  await expect(
    page.getByRole('status').filter({ hasText: 'Teacher acuity-diffusion is loaded' }),
  ).toBeAttached();
});

test('the chosen colours stay', async ({ acuity, page }) => {
  await enter(acuity, 'empty');
  await acuity.useColours('dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
});
