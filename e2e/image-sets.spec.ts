import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { zipSync } from 'fflate';
import { expectAccessible, test } from './watched.ts';

/** Files of every kind (tools/reference/images.py). */
const fixture: Record<'good' | 'near' | 'refused', { name: string; file: string }[]> = JSON.parse(
  readFileSync(new URL('../tools/reference/fixtures/images.json', import.meta.url), 'utf8'),
);
const file = (kind: 'good' | 'near' | 'refused', name: string): Uint8Array =>
  Buffer.from(fixture[kind].find((one) => one.name === name)!.file, 'base64');

test('an archive becomes a set whose duplicates are found and which is split', async ({ acuity, page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'acuity-sets-'));
  try {
    const archive = join(folder, 'shots.zip');
    const entries = {
      'shots/one.png': file('good', 'rgb.png'),
      'shots/one.txt': Buffer.from('a caption'),
      'shots/deep/same.png': file('good', 'rgb.png'),
      'shots/deep/sixteen.png': file('good', 'deep-colour.png'),
      'shots/still.gif': file('good', 'still.gif'),
      'shots/smooth.jpg': file('good', 'full-chroma.jpg'),
      'shots/smooth.webp': file('good', 'lossy.webp'),
      'shots/modern.avif': file('near', 'colour.avif'),
      'shots/cut.jpg': file('refused', 'cut.jpg'),
      'shots/print.tiff': Buffer.from('II*\0'),
    };
    writeFileSync(archive, zipSync(entries, { level: 6 }));
    await acuity.open('./');
    await acuity.goTo('Images');
    await acuity.dropFolder('Images', archive);
    const panel = page.getByRole('region', { name: 'shots.zip', exact: true });
    await expect(panel.getByText(/^7 images/)).toBeVisible();
    await expect(panel.getByText('2 files skipped')).toBeVisible();

    await panel.getByText('Names and reasons').click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      panel.getByRole('button', { name: 'Save list' }).click(),
    ]);
    const list = readFileSync(await download.path(), 'utf8');
    expect(list).toMatch(/^file,reason\r\n.*cut\.jpg,The file is cut off.*\r\n.*print\.tiff,"A TIFF image/);

    await panel.getByRole('button', { name: 'Find duplicates' }).click();
    // All but the noise of sixteen bits show one picture, in other sizes and colours.
    await panel.getByText('6 duplicates').click({ timeout: 20_000 });
    await expect(panel.getByText('same file')).toHaveCount(2);
    await expect(panel.getByText('looks alike')).toHaveCount(4);
    await panel.getByText('All images').click();
    await panel.getByLabel('Search by name').fill('MODERN');
    await expect(panel.getByText('1 image found')).toBeVisible();
    await expect(panel.locator('.image-grid li')).toHaveCount(1);
    await expectAccessible(page);

    await panel.getByLabel('Hold out, %').fill('40');
    await panel.getByRole('button', { name: 'Split the set' }).click();
    const kept = page.getByRole('region', { name: 'Kept sets' });
    await expect(kept.getByRole('button')).toHaveCount(3);
    await expect(kept.getByRole('button', { name: /, held out \(40%, seed 0\) 1 image/ })).toBeVisible();
    await expect(
      kept.getByRole('button', { name: /without held-out \(40%, seed 0\) 6 images/ }),
    ).toBeVisible();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
