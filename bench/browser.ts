import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { createServer } from 'vite';
import { browserArguments, findBrowser } from '../scripts/browser.mjs';

/** Flags under which Chromium on Linux uses a GPU without a display. */
const gpuArguments = ['--enable-features=Vulkan', '--use-angle=vulkan', '--ignore-gpu-blocklist'];

/** Opens one of the bench's pages in a fresh browser, which ends with the work. */
export type BenchBrowser = <T>(path: string, work: (page: Page) => Promise<T>) => Promise<T>;

/**
 * Serves pages while `work` opens browsers on them.
 *
 * @param config of their server, from this folder: the bench's own, or that of the tests' pages
 */
export async function withPages<T>(
  gpu: boolean,
  work: (open: BenchBrowser) => Promise<T>,
  config = 'peers/vite.config.ts',
): Promise<T> {
  const server = await createServer({
    configFile: new URL(config, import.meta.url).pathname,
    logLevel: 'silent',
    server: { port: 0 },
  });
  await server.listen();
  const base = server.resolvedUrls!.local[0]!;
  try {
    return await work(async (path, inPage) => {
      const executablePath = findBrowser();
      // A profile on the disk: what a private window keeps in OPFS is memory.
      const profile = mkdtempSync(join(tmpdir(), 'acuity-bench-'));
      const browser = await chromium.launchPersistentContext(profile, {
        ...(executablePath !== undefined && { executablePath }),
        args: [...browserArguments, ...(gpu ? gpuArguments : [])],
      });
      try {
        const page = browser.pages()[0] ?? (await browser.newPage());
        page.setDefaultTimeout(0);
        await page.goto(new URL(path, base).href);
        return await inPage(page);
      } finally {
        await browser.close();
        rmSync(profile, { recursive: true, force: true });
      }
    });
  } finally {
    await server.close();
  }
}
