import { mkdir, writeFile } from 'node:fs/promises';
import { expect } from '@playwright/test';
import { expectAccessible, test } from './watched.ts';

// The built app over its own engine, without a run.

test('the engine starts, the rooms open and the built-in encoder loads', async ({ acuity, page }) => {
  await acuity.open('/');
  await expect(page.getByRole('link', { name: /WebAssembly|WebGPU/ })).toBeVisible({ timeout: 60_000 });
  for (const room of ['Images', 'Refine', 'Compare', 'Checkpoints', 'Models'] as const)
    await acuity.goTo(room);
  await acuity.chooseBuiltIn('encoder');
  await expect(page.getByRole('article', { name: 'acuity-clip' })).toContainText('1 class + 8 × 8 patches');
  await expectAccessible(page);
});

test('a folder without a model is refused with the fix', async ({ acuity, page }, info) => {
  const folder = info.outputPath('not-a-model');
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/readme.txt`, 'nothing here');
  await acuity.open('/');
  await acuity.goTo('Models');
  await acuity.dropFolder('Encoder', folder);
  await expect(page.getByRole('alert')).toContainText('The encoder could not be loaded');
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
});
