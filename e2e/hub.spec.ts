import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { zipSync } from 'fflate';
import { type PreviewServer, preview } from 'vite';
import { responseHeaders } from '../scripts/headers.ts';
import { HubServer } from '../src/storage/testing/hub-server.ts';
import { modelBytes } from './demo-files.ts';

let server: HubServer;

let app: PreviewServer;
let address: string;

/** The built app as it is shipped, but that it may talk to the imitation as to Hugging Face. */
test.beforeAll(async () => {
  const headers = responseHeaders();
  const policy = headers['Content-Security-Policy']!.replace('connect-src', 'connect-src http://127.0.0.1:*');
  app = await preview({
    logLevel: 'error',
    preview: { port: 0, host: '127.0.0.1', headers: { ...headers, 'Content-Security-Policy': policy } },
  });
  address = app.resolvedUrls!.local[0]!;
});

test.afterAll(() => app.close());

test.beforeEach(async ({ page }) => {
  server = await HubServer.open();
  const folder = fileURLToPath(new URL('../public/models/acuity-clip/', import.meta.url));
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = relative(folder, join(entry.parentPath, entry.name));
    server.files.set(path, Buffer.from(modelBytes(`acuity-clip/${path}`)));
  }
  await page.goto(`${address}#/models`);
});

test.afterEach(() => server.close());

async function lookUp(page: Page): Promise<void> {
  await page
    .getByRole('textbox', { name: 'Hugging Face name of the encoder' })
    .fill(`${server.url}/team/model`);
  await page.getByRole('button', { name: 'Look up the encoder' }).click();
}

const download = (page: Page) => page.getByRole('button', { name: 'Download the encoder' });

test('a download goes on where it broke off, also after a reload, and needs no network later', async ({
  page,
}) => {
  const tower = 'onnx/vision_model.onnx';
  // Small files are whole in one answer: the mishaps meet the tower alone.
  for (const path of [...server.files.keys()])
    if (path !== tower && path !== 'config.json') server.files.delete(path);
  await lookUp(page);
  await expect(page.getByText(/team\/model at c0ffee: 2 files/)).toBeVisible();
  server.mishaps.push({ stallAfter: 300_000 });
  await download(page).click();
  await expect(page.getByRole('progressbar', { name: 'Downloading the encoder' })).toBeVisible();
  await expect(page.getByText(/30\d kB of/).first()).toBeVisible();
  await page.getByRole('button', { name: 'Cancel the download of the encoder' }).click();
  await expect(download(page)).toHaveText('Go on with the download');

  await page.reload();
  await lookUp(page);
  server.mishaps.push({ breakAfter: 100_000 });
  await download(page).click();
  await expect(page.getByRole('article', { name: 'team/model' })).toBeVisible();
  const ranges = server.asked.filter(({ path }) => path === tower).map(({ range }) => range);
  expect(ranges[0]).toBeUndefined();
  // A browser may drop what it had not yet handed over when the connection broke.
  expect(ranges.slice(1)).toEqual(['bytes=300000-', expect.stringMatching(/^bytes=[34]00000-$/)]);

  await server.close();
  await page.reload();
  await expect(page.getByRole('article', { name: 'team/model' })).toBeVisible();
  await lookUp(page);
  await download(page).click();
  await expect(page.getByRole('article', { name: 'team/model' })).toBeVisible();
  expect(server.asked.filter(({ path }) => path === tower)).toHaveLength(3);
});

test('refusals say what to do, and a token opens a gated model', async ({ page }) => {
  const refused: [number, RegExp][] = [
    [403, /Accept its conditions/],
    [404, /Check the name and the revision/],
    [429, /too many requests/],
  ];
  for (const [status, text] of refused) {
    server.refuse = { status };
    await lookUp(page);
    await expect(page.getByText(text)).toBeVisible();
  }
  server.refuse = undefined;
  server.token = 'hf_secret';
  await lookUp(page);
  await expect(page.getByText(/give an access token that may read it/)).toBeVisible();
  await page.getByText('Access token, for what is gated or private').click();
  await page.getByLabel('Access token', { exact: true }).fill('hf_secret');
  await page.getByRole('button', { name: 'Look up the encoder' }).click();
  await expect(page.getByText(/team\/model at c0ffee/)).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('hf_secret');
  await page.getByRole('checkbox', { name: 'Keep it in this browser' }).check();
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).toContain('hf_secret');
});

test('a server that the shipped policy leaves out is refused by name, with both ways around it', async ({
  page,
  baseURL,
}) => {
  // The app as it is shipped: only Hugging Face is in its policy.
  await page.goto(`${baseURL}/#/models`);
  await lookUp(page);
  const { host, origin } = new URL(server.url);
  await expect(
    page.getByText(
      `this page may not talk to ${host}: the Content-Security-Policy that Acuity is served with names every server it may ask. Download the folder there and drop it here, or serve Acuity with ${origin} in connect-src (docs/hosting.md)`,
    ),
  ).toBeVisible();
  expect(server.asked).toEqual([]);
});

test('a data set of image files and shards becomes an image set', async ({ page }) => {
  const fixture: { good: { name: string; file: string }[] } = JSON.parse(
    readFileSync(new URL('../tools/reference/fixtures/images.json', import.meta.url), 'utf8'),
  );
  const picture = (name: string) =>
    Buffer.from(fixture.good.find((one) => one.name === name)!.file, 'base64');
  server.files.clear();
  server.files.set('README.md', Buffer.from('# A set'));
  server.files.set('train/a.png', picture('rgb.png'));
  server.files.set('train/b c.jpg', picture('colour.jpg'));
  server.files.set('train/b c.txt', Buffer.from('a caption'));
  server.files.set('test/c.gif', picture('still.gif'));
  const noise = new Uint8Array(300_000).map((_, i) => (Math.imul(i, 2654435761) >>> 20) & 255);
  const shard = zipSync({ '1.webp': picture('lossy.webp'), '2.jpg': noise }, { level: 0 });
  server.files.set('shards/0.zip', Buffer.from(shard));
  await page.goto(`${address}#/images`);
  const field = page.getByRole('textbox', { name: 'Hugging Face data set of images' });
  const find = async (text: string) => {
    await field.fill(text);
    await page.getByRole('button', { name: 'Look up the data set' }).click();
  };
  await find(`${server.url}/team/model`);
  await expect(page.getByText(/names no data set/)).toBeVisible();
  for (const [status, text] of [
    [403, /Accept its conditions at .*datasets\/team\/set/],
    [404, /Check the name and the revision/],
    [429, /too many requests/],
  ] as const) {
    server.refuse = { status };
    await find(`${server.url}/datasets/team/set`);
    await expect(page.getByText(text)).toBeVisible();
  }
  server.refuse = undefined;
  server.token = 'hf_secret';
  await find(`${server.url}/datasets/team/set`);
  await expect(page.getByText(/give an access token that may read it/)).toBeVisible();
  await page.getByText('Access token, for what is gated or private').click();
  await page.getByLabel('Access token', { exact: true }).fill('hf_secret');
  await find(`${server.url}/datasets/team/set/tree/main/train`);
  await expect(page.getByText(/team\/set at c0ffee: 2 images and archives/)).toBeVisible();
  await find(`${server.url}/datasets/team/set`);
  await expect(page.getByText(/team\/set at c0ffee: 4 images and archives/)).toBeVisible();

  server.mishaps.push({ stallAfter: 10 }, { stallAfter: 10 }, { stallAfter: 10 }, { stallAfter: 200_000 });
  const download = page.getByRole('button', { name: 'Download the data set' });
  await download.click();
  await expect(page.getByText(/20\d kB of/)).toBeVisible();
  await page.getByRole('button', { name: 'Cancel the download of the data set' }).click();
  await expect(download).toHaveText('Go on with the download');
  await download.click();
  const panel = page.getByRole('region', { name: 'team/set', exact: true });
  await expect(panel.getByText(/^4 images/)).toBeVisible();
  await panel.getByText('Names and reasons').click();
  await expect(panel.getByText('set/shards/0.zip/2.jpg')).toBeVisible();
  const ranges = server.asked.filter(({ path }) => path === 'shards/0.zip').map(({ range }) => range);
  expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-$/);
});
