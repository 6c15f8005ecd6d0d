import { readFileSync } from 'node:fs';
import { type BrowserContext, expect, type TestInfo } from '@playwright/test';
import type { RunSummary } from '../workers/protocol.ts';
import { demoImages, writeFiles } from './demo-files.ts';
import { AcuityPage } from './page.ts';
import { test } from './watched.ts';

// Runs that the page leaves in their middle, on the built app over its own engine.

const settings = {
  Steps: '12',
  'Images a pass': '1',
  'Passes a step': '3',
  'Checkpoint every': '3',
  'Learning rate': '0.001',
  Seed: '11',
};

/** What a run's curves show, without what the clock decides. */
async function curves(acuity: AcuityPage, path: string) {
  const { steps }: RunSummary = JSON.parse(readFileSync(await acuity.saveLog(path), 'utf8'));
  return steps.map(({ ms: _, ...record }) => record);
}

/** Closes the page as a person closes a tab, and opens the app in another. */
async function reopen(context: BrowserContext, acuity: AcuityPage): Promise<AcuityPage> {
  await acuity.page.close();
  const next = new AcuityPage(await context.newPage());
  await next.open('/');
  return next;
}

/** Waits until the rooms show what earlier visits left. */
async function findInterrupted(acuity: AcuityPage): Promise<number> {
  await acuity.goTo('Refine');
  await acuity.waitForState('Interrupted');
  return (await acuity.shownRun()).step;
}

test('a run goes on after a reload and after its tab was closed, to the bit as if nothing had happened', async ({
  acuity,
  page,
  context,
}, info: TestInfo) => {
  await acuity.open('/');
  await acuity.chooseBuiltIn('encoder');
  await acuity.chooseBuiltIn('teacher');
  await acuity.goTo('Images');
  await acuity.dropFolder('Images', writeFiles(info.outputPath('scenes'), demoImages(5)));
  await acuity.waitForWork();
  await acuity.start({ preset: 'Quick', settings });
  await acuity.waitForStep(4);
  await page.reload();
  expect(await findInterrupted(acuity)).toBeGreaterThanOrEqual(3);
  await acuity.resume();
  await acuity.waitForStep(7);
  await expect(page.getByRole('progressbar', { name: 'Steps done' })).toBeVisible();
  const broken = await acuity.shownRun();
  expect(broken.step).toBeLessThan(12);

  // The tab is closed; what it leaves can be downloaded and resumed in another.
  const second = await reopen(context, acuity);
  const left = await findInterrupted(second);
  expect(left).toBeGreaterThanOrEqual(6);
  expect(left % 3).toBe(0);
  const files = await second.download(info.outputPath('files'), `Run 1, step ${left}`);
  expect(readFileSync(files[0]!).length).toBeGreaterThan(2e6);
  await second.goTo('Refine');
  await second.resume();
  await second.waitForFinish();
  const resumed = await curves(second, info.outputPath('resumed.json'));

  await second.start({ preset: 'Quick', settings });
  await second.waitForFinish();
  const whole = await curves(second, info.outputPath('whole.json'));
  expect(whole).toHaveLength(12);
  expect(new Set(whole.map(({ loss }) => loss)).size).toBe(12);
  expect(resumed).toEqual(whole);
});
