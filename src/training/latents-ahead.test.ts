import { expect, it } from 'vitest';
import { presets, type RefineConfig } from '../method/config.ts';
import type { CropSource } from './crops.ts';
import { Draws } from './draws.ts';
import { makeLatentsAhead } from './latents-ahead.ts';

const images: CropSource = {
  count: 5,
  async crop({ image, uniforms }) {
    const pixels = Uint8Array.from(new Uint8Array(Float32Array.of(image, ...uniforms).buffer));
    return { teacher: pixels, encoder: pixels };
  },
};

const config = (changes: Partial<RefineConfig>): RefineConfig => ({
  ...presets.quick,
  batchSize: 2,
  accumulate: 2,
  steps: 20,
  ...changes,
});

/** Pixels, as text, of the crops that the latents were made from. */
async function ahead(settings: RefineConfig, from = 0): Promise<string[]> {
  const made: string[] = [];
  const encode = async (pixels: Uint8Array) => void made.push(pixels.join());
  await makeLatentsAhead({ config: settings, images, from, teacherSize: 8, encoderSize: 8, encode });
  return made;
}

async function shown(settings: RefineConfig, from = 0): Promise<Set<string>> {
  const draws = new Draws(settings, images.count);
  const pixels = new Set<string>();
  for (let step = from; step < settings.steps; step++) {
    for (let slot = 0; slot < 4; slot++) {
      const uniforms = [...draws.crop(step, slot)];
      const request = {
        image: draws.image(step, slot),
        scale: 0.9,
        uniforms,
        teacherSize: 8,
        encoderSize: 8,
      };
      pixels.add((await images.crop(request)).teacher.join());
    }
  }
  return pixels;
}

it.each([
  [{}, 80],
  [{ crops: 3 }, 15],
  [{ crops: 1 }, 5],
])('makes the latent of every crop that the run will show, once: %j', async (changes, count) => {
  const settings = config(changes);
  const made = await ahead(settings);
  expect(made).toHaveLength(count);
  expect(new Set(made)).toEqual(await shown(settings));
  expect(new Set(await ahead(settings, 18))).toEqual(await shown(settings, 18));
});

it('makes one latent of a whole picture', async () => {
  expect(await ahead(config({ cropScale: 1 }))).toHaveLength(5);
});

it('refuses more crops than a disk should hold, and says what to do', async () => {
  await expect(ahead(config({ steps: 20_000 }))).rejects.toThrow(/65,536 different crops.*a number of crops/);
});

it('stops when it is asked to', async () => {
  const controller = new AbortController();
  controller.abort();
  const { signal } = controller;
  const encode = async () => expect.unreachable();
  const parts = { config: config({}), images, from: 0, teacherSize: 8, encoderSize: 8, encode, signal };
  await expect(makeLatentsAhead(parts)).rejects.toThrow(/abort/i);
});
