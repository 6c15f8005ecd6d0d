import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
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
    [403, /Accept the model's conditions/],
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
  await page.getByText('Access token, for gated and private models').click();
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
