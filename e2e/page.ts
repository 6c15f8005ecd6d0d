/**
 * Acuity's page as a person uses it: drops, clicks and reads. The browser tests and the demo share it. Everything is
 * found by role and accessible name.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';

export type Room = 'Models' | 'Images' | 'Refine' | 'Compare' | 'Evaluate' | 'Checkpoints';
export type DropZone =
  | 'Encoder'
  | 'Teacher'
  | 'Images'
  | 'Benchmark'
  | 'Classes'
  | 'Captions'
  | 'Masks'
  | 'Second encoder';
export type BuiltIn = 'encoder' | 'teacher' | 'images' | 'benchmark';

/** A row of the table by pattern, as the page shows it. */
export interface PatternScores {
  name: string;
  before: number;
  after: number;
  fixed: number;
  broken: number;
}

export interface ShownComparison {
  before: number;
  after: number;
  verdict: string;
  patterns: PatternScores[];
}

/** Steps that the run on view has done, of how many, and its state's name. */
export interface ShownRun {
  step: number;
  steps: number;
  state: string;
}

/** Most milliseconds that loading, scoring and writing files may take before something hangs. */
const patience = 120_000;

export class AcuityPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens the app's first page. */
  async open(address: string): Promise<void> {
    await this.page.goto(address);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
  }

  async goTo(room: Room): Promise<void> {
    await this.page.getByRole('link', { name: room, exact: true }).click();
    await this.page.getByRole('heading', { level: 1, name: room }).waitFor();
  }

  /** The first page's one click: loads models, images and benchmark, and starts the run by itself. */
  async tryDemo(): Promise<void> {
    await this.page.getByRole('button', { name: /^Try the demo/ }).click();
    await this.page.getByRole('heading', { level: 1, name: 'Demo' }).waitFor({ timeout: patience });
  }

  /** The demo's sentence on what changed, once the run has ended and is judged. */
  async demoSentence(timeout = 600_000): Promise<string> {
    const sentence = this.page.getByTestId('demo-sentence');
    await sentence.or(this.page.getByRole('alert')).first().waitFor({ timeout });
    await this.failOnAlert();
    return (await sentence.textContent()) ?? '';
  }

  /** Everything that ships with the app, room by room. */
  async chooseAllBuiltIn(): Promise<void> {
    for (const what of ['encoder', 'teacher', 'images', 'benchmark'] as const) await this.chooseBuiltIn(what);
  }

  /** Drags files or folders from the desktop and drops them on a zone of the room in sight. */
  async dropFolder(zone: DropZone, ...paths: string[]): Promise<void> {
    const target = this.page.getByRole('group', { name: `${zone} drop zone` });
    await target.scrollIntoViewIfNeeded();
    const box = await target.boundingBox();
    if (!box) throw new Error(`the drop zone "${zone}" is not in sight`);
    const at = { x: box.x + box.width / 2, y: box.y + Math.min(24, box.height / 2) };
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    const session = await this.page.context().newCDPSession(this.page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, ...at, data });
    }
    await session.detach();
  }

  /** Uses what ships with the app, and waits until it is there. */
  async chooseBuiltIn(what: BuiltIn): Promise<void> {
    await this.goTo(what === 'encoder' || what === 'teacher' ? 'Models' : 'Images');
    await this.page.getByRole('button', { name: `Use the built-in ${what}` }).click();
    await this.waitForWork();
  }

  /** Waits until no progress of loading, adding or scoring is shown, and fails on an error shown instead. */
  async waitForWork(timeout = patience): Promise<void> {
    const progress = this.page
      .getByRole('progressbar')
      .and(this.page.locator(':not([aria-label="Steps done"])'));
    await progress
      .first()
      .waitFor({ state: 'visible', timeout: 1000 })
      .catch(() => undefined);
    await progress.first().waitFor({ state: 'hidden', timeout });
    await this.failOnAlert();
  }

  /** Throws with the text of an error that the page shows. */
  async failOnAlert(): Promise<void> {
    const alert = this.page.getByRole('alert').first();
    if (await alert.isVisible()) throw new Error(`the page says: ${await alert.textContent()}`);
  }

  /** Sets up a run in the Refine room and starts it. `settings` by label, such as `{ Steps: '20', Seed: '7' }`. */
  async start(
    choice: { preset?: 'Quick' | 'DIVA' | 'Text inverse'; settings?: Record<string, string> } = {},
  ): Promise<void> {
    await this.goTo('Refine');
    const another = this.page.getByRole('button', { name: 'New run' });
    if (await another.isVisible()) await another.click();
    if (choice.preset)
      await this.page.getByRole('radiogroup', { name: 'Preset' }).getByText(choice.preset).click();
    for (const [label, value] of Object.entries(choice.settings ?? {})) await this.set(label, value);
    const button = this.page.getByRole('button', { name: 'Start refining' });
    await button.click({ timeout: 30_000 }).catch(async (error: unknown) => {
      const hints = await this.page.getByRole('status').allTextContents();
      throw new Error(`the run cannot start: ${hints.filter(Boolean).join(' / ')}`, { cause: error });
    });
    const begun = this.page.getByRole('progressbar', { name: 'Steps done' });
    const refused = this.page.getByRole('alert');
    await begun.or(refused).first().waitFor({ timeout: patience });
    await this.failOnAlert();
  }

  /** Changes one setting of the form, opening its group. */
  async set(label: string, value: string): Promise<void> {
    const field = this.page.getByLabel(label, { exact: true });
    if (!(await field.isVisible())) {
      await this.page.locator('details', { has: field }).locator('summary').click();
    }
    const isChoice = await field.evaluate((element) => element.tagName === 'SELECT');
    if (isChoice) await field.selectOption({ label: value });
    else await field.fill(value);
  }

  private get run(): Locator {
    return this.page.getByRole('main').getByRole('article');
  }

  /** What the run on view shows. */
  async shownRun(): Promise<ShownRun> {
    const bar = this.run.getByRole('progressbar', { name: 'Steps done' });
    return {
      step: Number(await bar.getAttribute('aria-valuenow')),
      steps: Number(await bar.getAttribute('aria-valuemax')),
      state: (await this.run.getByTestId('run-state').first().textContent()) ?? '',
    };
  }

  pause = () => this.run.getByRole('button', { name: 'Pause' }).click();
  resume = () => this.run.getByRole('button', { name: 'Resume' }).click();
  stop = () => this.run.getByRole('button', { name: 'Stop' }).click();

  /** Waits until the run on view is in a state, such as "Finished"; fails as soon as it has failed. */
  async waitForState(state: string, timeout = 600_000): Promise<void> {
    const shown = this.run.getByTestId('run-state').first();
    await shown.filter({ hasText: new RegExp(`^(${state}|Failed)$`) }).waitFor({ timeout });
    if (state !== 'Failed') await this.failOnAlert();
  }

  waitForFinish = (timeout?: number) => this.waitForState('Finished', timeout);

  /** Waits until the run on view has done `step` steps. */
  async waitForStep(step: number, timeout = 600_000): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const bar = document.querySelector('[role="progressbar"][aria-label="Steps done"]');
        return Number(bar?.getAttribute('aria-valuenow')) >= wanted;
      },
      step,
      { timeout },
    );
  }

  /** Makes the first steps of the run on view again on WebGPU, and waits for the report. */
  async checkOnWebGpu(timeout = 600_000): Promise<void> {
    await this.page.getByRole('button', { name: 'Check on WebGPU' }).click();
    await this.page
      .getByRole('table', { name: 'Losses on both providers' })
      .or(this.page.getByRole('alert'))
      .first()
      .waitFor({ timeout });
    await this.failOnAlert();
  }

  /** Saves the log of the run on view. */
  saveLog = (path: string) =>
    this.save(path, () => this.page.getByRole('button', { name: 'Save log' }).click());

  /** Saves the training graph of the settings in the form. */
  saveTrainingGraph = (path: string) =>
    this.save(path, () => this.page.getByRole('button', { name: 'Save training graph' }).click());

  /** From the run that has finished: its last checkpoint against the original. */
  async compareWithOriginal(timeout = patience): Promise<ShownComparison> {
    await this.page.getByRole('button', { name: 'Compare with the original' }).click();
    return this.compare(timeout);
  }

  /** Compares what is chosen in the Compare room, and reads the result. */
  async compare(timeout = patience): Promise<ShownComparison> {
    await this.page.getByRole('heading', { level: 1, name: 'Compare' }).waitFor();
    await this.page.getByRole('button', { name: 'Compare', exact: true }).click();
    await this.waitForWork(timeout);
    return this.shownComparison();
  }

  async shownComparison(): Promise<ShownComparison> {
    const verdict = this.page.getByRole('region', { name: 'Verdict' });
    await verdict.waitFor();
    const table = this.page.getByRole('table', { name: 'MMVP by pattern' });
    const rows = await table
      .getByRole('row')
      .evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent ?? '')),
      );
    const scores = rows.slice(1).map(([name = '', before, after, , fixed, broken]) => ({
      name,
      before: Number(before),
      after: Number(after),
      fixed: Number(fixed),
      broken: Number(broken),
    }));
    const total = scores.at(-1)!;
    return {
      before: total.before,
      after: total.after,
      verdict: (await verdict.getByTestId('verdict').textContent()) ?? '',
      patterns: scores.slice(0, -1),
    };
  }

  /** Saves the comparison on view with all its pairs. */
  saveReport = (path: string) =>
    this.save(path, () => this.page.getByRole('button', { name: 'Save report' }).click());

  /** Opens a pair of the comparison by its number, from 1. */
  async openPair(number: number): Promise<Locator> {
    await this.page.getByRole('button', { name: new RegExp(`^Pair ${number},`) }).click();
    const detail = this.page.getByRole('region', { name: `Pair ${number}`, exact: true });
    await detail.waitFor();
    return detail;
  }

  /** Downloads every file of a checkpoint (the newest, or by its name such as "Run 1, step 60") into a folder. */
  async download(folder: string, checkpoint?: string): Promise<string[]> {
    await this.goTo('Checkpoints');
    const make = checkpoint ? `Download ${checkpoint}` : /^Download .*, step \d+$/;
    await this.page.getByRole('button', { name: make }).first().click();
    const files = this.page
      .getByRole('region', { name: /^Files of / })
      .getByRole('button', { name: /^Download .*\.\w+$/ });
    await files.first().or(this.page.getByRole('alert')).first().waitFor({ timeout: patience });
    await this.failOnAlert();
    const saved: string[] = [];
    for (const button of await files.all()) {
      const name = (await button.getAttribute('aria-label'))!.replace('Download ', '');
      saved.push(await this.save(join(folder, name), () => button.click()));
    }
    return saved;
  }

  private async save(path: string, click: () => Promise<void>): Promise<string> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download', { timeout: patience }),
      click(),
      mkdir(dirname(path), { recursive: true }),
    ]);
    await download.saveAs(path);
    return path;
  }

  /** Colours as dark or light, whatever the system says. */
  async useColours(wanted: 'light' | 'dark'): Promise<void> {
    const toggle = this.page.getByRole('button', { name: /^Colours:/ });
    for (let press = 0; press < 3; press++) {
      if ((await toggle.getAttribute('aria-label'))?.startsWith(`Colours: ${wanted}`)) return;
      await toggle.click();
    }
  }
}
