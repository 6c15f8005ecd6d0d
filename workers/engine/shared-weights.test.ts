import * as ort from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { ImageEmbedder } from '../../src/evaluation/embed.ts';
import { readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { readTeacherFolder } from '../../src/exchange/teacher-folder.ts';
import { presets, type RefineConfig } from '../../src/method/config.ts';
import { RandomStream } from '../../src/runtime/random.ts';
import { type OrtModule, openRuntime } from '../../src/runtime/runtime.ts';
import type { CropSource } from '../../src/training/crops.ts';
import { factorsOf, mergedWeights } from '../../src/training/merged.ts';
import { builtIn } from '../../src/training/testing/built-in.ts';
import { prepareRun } from './runs.ts';

const images: CropSource = {
  count: 2,
  crop: async ({ image, teacherSize, encoderSize }) => {
    const paint = (size: number) =>
      Uint8Array.from({ length: 3 * size * size }, (_, i) => (60 * image + 7 * i) % 256);
    return { teacher: paint(teacherSize), encoder: paint(encoderSize) };
  },
};

const config: RefineConfig = {
  ...presets.quick,
  batchSize: 2,
  steps: 2,
  anchor: 0.1,
  optimizer: { ...presets.diva.optimizer, learningRate: 0.1, schedule: 'constant', warmup: 0 },
};

const shares = {
  'all weights': {},
  'their average': { average: 0.5 },
  'the last block': { trainable: { kind: 'last-k', blocks: 1 } },
  'low-rank factors': { trainable: { kind: 'lora', rank: 4, alpha: 8 } },
} satisfies Record<string, Partial<RefineConfig>>;

it.each(Object.entries(shares))(
  'sessions beside a run read the weights that it trains: %s',
  async (_, change) => {
    const settings: RefineConfig = { ...config, ...change };
    const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'wasm' });
    const folder = await readEncoderFolder(await builtIn('acuity-clip'));
    const { vision, imageSize } = folder;
    const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
    const parts = {
      encoder: { folder, vision },
      teacher: { folder: teacher, summary: { context: { tokens: 77, width: 128 } } },
      images,
      config: settings,
    } as unknown as Parameters<typeof prepareRun>[2];
    const prepared = await prepareRun(runtime, runtime, parts);
    const { refinement } = prepared;
    const adapted = new Set((await factorsOf(vision, imageSize, settings)).map(({ weight }) => weight));
    const open = (shared?: Parameters<typeof ImageEmbedder.open>[2]['shared']) =>
      ImageEmbedder.open(runtime, vision, { imageSize, batch: 2, ...(shared ? { shared } : {}) });
    const alone = await open();
    const now = await open((name) => (adapted.has(name) ? undefined : refinement.encoderWeight(name, 'now')));
    const before = await open((name) => refinement.encoderWeight(name, 'start'));
    const pixels = new RandomStream(1, 'pixels').normal({ step: 0 }, 2 * 3 * imageSize ** 2);
    const original = await alone.embed(pixels);
    await refinement.next();
    await refinement.next();
    // A copy of everything that changed, as a checkpoint would bring it.
    const merged = await mergedWeights(vision, imageSize, settings, await refinement.weights());
    alone.replace(merged);
    now.replace(new Map([...merged].filter(([name]) => adapted.has(name))));
    const refined = await alone.embed(pixels);
    expect(refined).not.toEqual(original);
    expect(await now.embed(pixels)).toEqual(refined);
    expect(await before.embed(pixels)).toEqual(original);
    // Nothing that trains is held twice.
    expect(now.ownWeights.filter((name) => refinement.trainable.includes(name))).toEqual([]);
    for (const embedder of [alone, now, before]) await embedder.release();
    await prepared.release();
  },
);
