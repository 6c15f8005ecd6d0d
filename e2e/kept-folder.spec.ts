import { readFileSync } from 'node:fs';
import { expect } from '@playwright/test';
import { expectAccessible, test } from './watched.ts';

/** Files of every kind (tools/reference/images.py). */
const fixture: { good: { name: string; file: string }[] } = JSON.parse(
  readFileSync(new URL('../tools/reference/fixtures/images.json', import.meta.url), 'utf8'),
);
const pictures = ['rgb.png', 'full-chroma.jpg', 'lossy.webp'].map((name) => ({
  name,
  file: fixture.good.find((one) => one.name === name)!.file,
}));

test.beforeEach(async ({ page }) => {
  // A folder of the page's own in the place of the system's dialog; leave is as the test says.
  await page.addInitScript((files) => {
    const leave = () => localStorage.getItem('leave') ?? 'granted';
    Object.assign(FileSystemDirectoryHandle.prototype, {
      queryPermission: async () => (leave() === 'granted' ? 'granted' : 'prompt'),
      requestPermission: async () => {
        if (!navigator.userActivation.isActive) throw new DOMException('', 'SecurityError');
        return leave() === 'denied' ? 'denied' : 'granted';
      },
    });
    const showDirectoryPicker = async () => {
      if (leave() === 'closed') throw new DOMException('', 'AbortError');
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('holiday', { create: true });
      const inner = await folder.getDirectoryHandle('day 1', { create: true });
      for (const { name, file } of files) {
        const handle = await inner.getFileHandle(name, { create: true });
        const writer = await handle.createWritable();
        await writer.write(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)));
        await writer.close();
      }
      return folder;
    };
    Object.assign(window, { showDirectoryPicker });
  }, pictures);
});

test('a picked folder is offered again on the next visit, and leave is asked for on a click', async ({
  acuity,
  page,
}) => {
  const again = page.getByRole('button', { name: 'Read holiday again' });
  const leave = (value: string) => page.evaluate((to) => localStorage.setItem('leave', to), value);
  await acuity.open('./');
  await acuity.goTo('Images');
  await leave('closed');
  await page.getByRole('button', { name: 'Choose folder: Images' }).click();
  await expect(again).toHaveCount(0);
  await leave('granted');
  await page.getByRole('button', { name: 'Choose folder: Images' }).click();
  const panel = page.getByRole('region', { name: 'holiday', exact: true });
  await expect(panel.getByText(/^3 images/)).toBeVisible();

  await leave('denied');
  await page.reload();
  await acuity.goTo('Images');
  await again.click();
  await expect(page.getByText(/not given leave to read holiday/)).toBeVisible();
  await expectAccessible(page);

  await leave('prompt');
  await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const inner = await (await root.getDirectoryHandle('holiday')).getDirectoryHandle('day 1');
    await inner.removeEntry('lossy.webp');
  });
  await again.click();
  await expect(panel.getByText(/^2 images/)).toBeVisible();

  await page.evaluate(async () => {
    await (await navigator.storage.getDirectory()).removeEntry('holiday', { recursive: true });
  });
  await again.click();
  await expect(page.getByText(/holiday is not where it was/)).toBeVisible();
});

test('browsers that keep no folders have the plain dialog', async ({ acuity, page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showDirectoryPicker'));
  await acuity.open('./');
  await acuity.goTo('Images');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose folder: Images' }).click();
  expect((await chooser).isMultiple()).toBe(true);
});
