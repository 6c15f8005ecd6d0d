import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import './pages/storage-protocol.ts';

test.describe.configure({ mode: 'serial' });

const mebi = 2 ** 20;
/** Private windows keep files in memory and report a full quota in their own way. */
const windows = ['private', 'on disk'] as const;

for (const kind of windows) {
  test.describe(`window ${kind}`, () => {
    let profile: string | undefined;
    let context: BrowserContext;
    let page: Page;

    async function load(url?: string): Promise<void> {
      if (url) await page.goto(url);
      else await page.reload();
      await page.waitForFunction(() => window.storageProbe !== undefined);
    }

    test.beforeAll(async ({ browser, playwright, launchOptions, baseURL }) => {
      const pages = new URL(baseURL!);
      pages.port = String(Number(pages.port) + 1);
      if (kind === 'private') {
        context = await browser.newContext();
      } else {
        profile = mkdtempSync(join(tmpdir(), 'acuity-profile-'));
        context = await playwright.chromium.launchPersistentContext(profile, launchOptions);
      }
      page = await context.newPage();
      await load(new URL('/e2e/pages/storage.html', pages).href);
    });

    test.afterAll(async () => {
      await context.close();
      if (profile) rmSync(profile, { recursive: true, force: true });
    });

    for (const place of ['opfs', 'indexed-db'] as const) {
      test(`${place}: a checkpoint is there after a reload, and the older one is gone`, async () => {
        const bytes = 20 * mebi + 3;
        const save = (id: string, value: number, replaces: string[]) =>
          page.evaluate(([p, ...rest]) => window.storageProbe!.save(p, ...rest), [
            place,
            id,
            bytes,
            value,
            replaces,
          ] as const);
        expect(await page.evaluate((p) => window.storageProbe!.has(p), place)).toBe(true);
        expect(await save('one', 1, [])).toBeUndefined();
        expect(await save('two', 2, ['one'])).toBeUndefined();
        await load();
        expect(await page.evaluate((p) => window.storageProbe!.list(p), place)).toEqual([
          { id: 'two', bytes },
        ]);
        expect(await page.evaluate((p) => window.storageProbe!.load(p, 'two'), place)).toEqual({
          length: bytes,
          values: [2],
        });
        expect(await page.evaluate((p) => window.storageProbe!.files(p), place)).toBe(1);
      });
    }

    // Chromium does not hold blobs in IndexedDB to its quota at once, so only files can show it.
    test('opfs: without room the new one is refused with what it needs, and the old one stays', async () => {
      const session = await page.context().newCDPSession(page);
      const { origin } = new URL(page.url());
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 60 * mebi });
      const failure = await page.evaluate(() =>
        window.storageProbe!.save('opfs', 'three', 200 * 2 ** 20, 3, ['two']),
      );
      await session.send('Storage.overrideQuotaForOrigin', { origin });
      expect(failure).toMatchObject({ problem: 'full', needed: 200 * mebi });
      expect(failure!.message).toMatch(
        /^No room for the checkpoint of step 1: it takes 210 MB(; about \d+ MB are free)?\. Delete/,
      );
      expect(await page.evaluate(() => window.storageProbe!.list('opfs'))).toMatchObject([{ id: 'two' }]);
      expect(await page.evaluate(() => window.storageProbe!.load('opfs', 'two'))).toMatchObject({
        values: [2],
      });
      expect(await page.evaluate(() => window.storageProbe!.files('opfs'))).toBe(1);
      await page.evaluate(() => window.storageProbe!.clear('opfs'));
      expect(await page.evaluate(() => window.storageProbe!.files('opfs'))).toBe(0);
    });
  });
}
