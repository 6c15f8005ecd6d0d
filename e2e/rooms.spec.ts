import { expect, type Page } from '@playwright/test';
import type { AcuityPage, Room } from './page.ts';
import type { Scene } from './pages/scripted-engine.ts';
import { expectAccessible, test } from './watched.ts';

// Every state of every room, over the scripted engine of e2e/pages.
const port = Number(process.env['ACUITY_E2E_PORT'] ?? 4173) + 1;

async function enter(acuity: AcuityPage, scene: Scene, room?: Room): Promise<void> {
  await acuity.open(`http://127.0.0.1:${port}/e2e/pages/rooms.html?scene=${scene}`);
  if (room) await acuity.goTo(room);
}

interface State {
  scene: Scene;
  room?: Room;
  name: string;
  /** Brings the state about, once in the room. */
  act?: (page: Page) => Promise<void>;
  /** What must be there to read. */
  shows: (string | RegExp)[];
}

const press = (name: string | RegExp) => (page: Page) =>
  page.getByRole('button', { name, exact: typeof name === 'string' }).click();

const states: State[] = [
  { scene: 'empty', name: 'start', shows: ['Sharpen CLIP’s eyesight', 'How the feedback works'] },
  { scene: 'full', name: 'start, after earlier visits', shows: [/4 runs from earlier/] },
  {
    scene: 'stuck',
    name: 'demo, loading',
    act: press('Try the demo'),
    shows: ['A small CLIP, blind in CLIP’s way', '40%'],
  },
  {
    scene: 'failing',
    name: 'demo, failing',
    act: press('Try the demo'),
    shows: ['This could not be loaded', 'Try the demo again'],
  },

  {
    scene: 'empty',
    room: 'Models',
    name: 'empty',
    shows: ['Drop an encoder folder', 'Drop a diffusion model folder', 'onnx/vision_model.onnx'],
  },
  { scene: 'asking', room: 'Models', name: 'asking', shows: ['Looking for what earlier visits left'] },
  {
    scene: 'stuck',
    room: 'Models',
    name: 'loading',
    act: press('Use the built-in encoder'),
    shows: ['Loading the encoder', '2.30 MB of 5.75 MB · 2 s left', 'Cancel'],
  },
  {
    scene: 'failing',
    room: 'Models',
    name: 'error',
    act: press('Use the built-in teacher'),
    shows: [
      'The teacher could not be loaded',
      /Export the UNet without fusion/,
      'The hardware could not be asked',
    ],
  },
  { scene: 'partial', room: 'Models', name: 'partial', shows: ['No text side', 'Encoder in use'] },
  {
    scene: 'full',
    room: 'Models',
    name: 'loaded',
    shows: ['1.42 M', '1 class + 8 × 8 patches', 'SwiftShader Device (Subzero)'],
  },

  {
    scene: 'empty',
    room: 'Images',
    name: 'empty',
    shows: ['Drop a folder of images', 'Drop a benchmark folder'],
  },
  {
    scene: 'partial',
    room: 'Images',
    name: 'partial',
    act: (page) => page.getByText('Names and reasons').click(),
    shows: [
      '3 files skipped',
      'holiday-2024/notes.txt',
      'Read with warnings',
      '40 pairs in 2 patterns, MMVP-style',
    ],
  },
  { scene: 'full', room: 'Images', name: 'loaded', shows: ['1,200 images · 7.34 MB', 'Demo benchmark'] },

  {
    scene: 'empty',
    room: 'Refine',
    name: 'empty',
    shows: ['Add an encoder in Models', 'Still needed: an encoder, a teacher, an image set.'],
  },
  { scene: 'asking', room: 'Refine', name: 'asking', shows: [] },
  {
    scene: 'failing',
    room: 'Refine',
    name: 'error',
    shows: ['The runs of earlier visits could not be read', /locked by another tab/],
  },
  {
    scene: 'full',
    room: 'Refine',
    name: 'interrupted run',
    shows: ['Interrupted at step 118', 'Resume', 'Loss, smoothed'],
  },
  {
    scene: 'full',
    room: 'Refine',
    name: 'new run',
    act: async (page) => {
      await press('New run')(page);
      for (const summary of await page.locator('.config-form summary').all()) {
        if (!(await summary.evaluate((element) => element.parentElement?.hasAttribute('open')))) {
          await summary.click();
        }
      }
      await page.getByLabel('Steps', { exact: true }).fill('0');
    },
    shows: ['At least 1', '1 setting is out of bounds.', /Most noise, up to 1000/],
  },
  {
    scene: 'full',
    room: 'Refine',
    name: 'failed run',
    act: press(/^Run 2/),
    shows: ['The run failed at step 12', /Lower the learning rate/],
  },
  {
    scene: 'full',
    room: 'Refine',
    name: 'checked run',
    act: async (page) => {
      await press(/^Run 4/)(page);
      await press('Check on WebGPU')(page);
    },
    shows: ['Did its eyesight improve?', 'The providers agree', '3.1e-5 (limit 1e-3)'],
  },

  { scene: 'empty', room: 'Compare', name: 'empty', shows: ['A comparison needs two sets of weights'] },
  { scene: 'full', room: 'Compare', name: 'ready', shows: ['Choose two weights and press Compare'] },
  {
    scene: 'stuck',
    room: 'Compare',
    name: 'scoring',
    act: press('Compare'),
    shows: ['Scoring the first weights', '54 of 135 pairs · 2 s left'],
  },
  {
    scene: 'full',
    room: 'Compare',
    name: 'result',
    act: async (page) => {
      await press('Compare')(page);
      await press(/^Pair 3,/)(page);
    },
    shows: ['+11.1 points', 'p = 0.004', 'Fixed 24', 'Statement B', 'not solved'],
  },

  { scene: 'empty', room: 'Evaluate', name: 'empty', shows: ['An evaluation needs a model'] },
  {
    scene: 'stuck',
    room: 'Evaluate',
    name: 'evaluating',
    act: press('Run the suite'),
    shows: [/^Evaluating acuity-clip, original|^Evaluating clip-vit/, '38 of 96 images · 2 s left'],
  },
  {
    scene: 'failing',
    room: 'Evaluate',
    name: 'error',
    act: press('Run the suite'),
    shows: ['The evaluation could not be made', /Add onnx\/text_model\.onnx/, '1 image left out'],
  },
  {
    scene: 'full',
    room: 'Evaluate',
    name: 'result',
    act: async (page) => {
      await page.getByLabel('Prompt templates').selectOption('Your own');
      await press('Run the suite')(page);
    },
    shows: ['Zero-shot guard', 'Your templates', /^Most often confused/, 'gain beyond chance'],
  },
  {
    scene: 'full',
    room: 'Evaluate',
    name: 'several checkpoints',
    act: async (page) => {
      const models = page.getByRole('group', { name: 'Models' }).getByRole('checkbox', { name: /^Run / });
      for (const model of await models.all()) await model.check();
      await press('Run the suite')(page);
    },
    shows: [
      'Do not choose by these scores alone',
      /^\d refined models were scored on this data/,
      /^\d models as runs of one recipe$/,
      'inside the noise',
      'Segmentation, mean IoU',
      'aeroplane',
      'In percent; the line of chance is what guessing scores.',
    ],
  },

  {
    scene: 'full',
    room: 'Evaluate',
    name: 'blind pairs',
    act: async (page) => {
      await press('Find pairs')(page);
      await page.getByLabel('Statement A of pair 1', { exact: true }).fill('a duck facing left');
      await page.getByLabel('Statement B of pair 1', { exact: true }).fill('a duck facing right');
      await press('Keep pair 1')(page);
      await press('Discard pair 2')(page);
    },
    shows: ['3 pairs to review, 1 kept, 1 discarded', 'alike 0.990, different 0.310'],
  },

  {
    scene: 'full',
    room: 'Evaluate',
    name: 'patches',
    act: async (page) => {
      await page.getByLabel('Beside').selectOption('Run 4, step 60');
      await press('Look at scene-0002.png')(page);
      const map = page.getByRole('button', { name: /^acuity-clip, original: Patch at row 5, column 5/ });
      await map.press('ArrowUp');
      await page.getByLabel('Phrase').fill('the blue side');
      await press('Show the phrase')(page);
      await page.getByLabel('Labels').fill('red half, blue half');
      await press('Segment')(page);
    },
    shows: ['red half 50%', /Most like the phrase: row 1, column 5/],
  },

  { scene: 'empty', room: 'Checkpoints', name: 'empty', shows: [/A run leaves one every so many steps/] },
  { scene: 'failing', room: 'Checkpoints', name: 'error', shows: ['The checkpoints could not be read'] },
  {
    scene: 'full',
    room: 'Checkpoints',
    name: 'files made',
    act: press('Download Run 4, step 60'),
    shows: ['68.8 MB in checkpoints', 'refined/model.safetensors', '3.43 MB'],
  },
  {
    scene: 'full',
    room: 'Checkpoints',
    name: 'asking before deleting',
    act: press('Delete Run 4, step 40'),
    shows: ['Delete Run 4, step 40?', 'Keep'],
  },
];

for (const { scene, room, name, act, shows } of states) {
  test(`${room ?? 'Start'}: ${name}`, async ({ acuity, page }) => {
    await enter(acuity, scene, room);
    await act?.(page);
    for (const text of shows) {
      const exact = typeof text === 'string';
      await expect(
        page.getByText(text, { exact }).or(page.getByRole('main').getByText(text)).first(),
      ).toBeVisible();
    }
    await expectAccessible(page);
  });
}

for (const room of ['Models', 'Images', 'Refine', 'Compare', 'Evaluate', 'Checkpoints'] as const) {
  test(`${room} fits a phone`, async ({ acuity, page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await enter(acuity, 'full', room);
    if (room === 'Compare') {
      await press('Compare')(page);
      await press(/^Pair 3,/)(page);
    }
    if (room === 'Evaluate') {
      await press('Run the suite')(page);
      await page.getByRole('table', { name: 'Differences' }).waitFor();
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    await expectAccessible(page);
  });
}

test('the Refine room plans memory and time before anything is loaded', async ({ acuity, page }) => {
  await enter(acuity, 'full', 'Refine');
  await press('New run')(page);
  const panel = page.getByRole('region', { name: 'Memory and time' });
  await expect(panel).toContainText('5.90 GB at the peak: within the limits that are known');
  await expect(panel).toContainText('2,000 ms a step');
  await panel.getByRole('textbox').fill('4');
  await expect(panel).toContainText('does not fit');
  await expect(panel.getByRole('row', { name: /LoRA, rank 16/ })).toContainText('3.10 GB');
  await panel.getByRole('button', { name: 'LoRA, rank 16' }).click();
  await expect(page.getByLabel('Weights that train')).toHaveValue('lora');
  await panel.getByRole('textbox').fill('8');
  await expect(panel).toContainText('at the peak: fits');
});
