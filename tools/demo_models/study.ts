/**
 * What the shipped recipe does to the shipped models, by the app's own code under Node: several seeds, controls, scores
 * on the shipped 135 pairs, class zero-shot on the shipped class folders, and an interval over seeds and pairs.
 *
 *     npx tsx tools/demo_models/study.ts --out FILE [--seeds 5] [--control shuffled] [--set '{"steps":100}']
 *
 * Writes after every run, so that it may be stopped at any time.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { folderBlobs } from '../../cli/evaluation/folder-blobs.ts';
import { nodeDecoder } from '../../cli/node-decoder.ts';
import { createImageJobs } from '../../src/data/image-jobs.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { embedTexts, ImageEmbedder } from '../../src/evaluation/embed.ts';
import { scoreMmvp } from '../../src/evaluation/mmvp.ts';
import { readMmvpFolder } from '../../src/evaluation/mmvp-folder.ts';
import { mulberry32 } from '../../src/evaluation/statistics.ts';
import { readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { splitShared } from '../../src/exchange/split-shared.ts';
import { readTeacherFolder } from '../../src/exchange/teacher-folder.ts';
import { presets, type RefineConfig } from '../../src/method/config.ts';
import { type OrtModule, openRuntime } from '../../src/runtime/runtime.ts';
import { mmvpPrompt } from '../../src/text/prompts.ts';
import type { CropSource } from '../../src/training/crops.ts';
import { builtIn } from '../../src/training/testing/built-in.ts';
import type { LoadedEncoder, LoadedTeacher } from '../../workers/engine/models.ts';
import { prepareRun } from '../../workers/engine/runs.ts';

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    seeds: { type: 'string', default: '5' },
    control: { type: 'string', multiple: true, default: [] },
    set: { type: 'string', default: '{}' },
  },
});
const demo = new URL('../../public/demo/', import.meta.url).pathname;
const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu' });
const folder = await readEncoderFolder(await builtIn('acuity-clip'));
const encoder = { folder, vision: splitShared(folder.vision) } as LoadedEncoder;
const teacher = {
  folder: await readTeacherFolder(await builtIn('acuity-diffusion')),
  summary: { context: { tokens: 77, width: 128 } },
} as LoadedTeacher;
const jobs = createImageJobs(nodeDecoder);
const picturesOf = async (archive: string) =>
  (await folderBlobs(demo + archive)).filter(({ path }) => /\.(png|webp|jpe?g)$/.test(path));
const scenes = await picturesOf('images.zip');
const guard = await picturesOf('classes.zip');
const benchmark = await readMmvpFolder(await folderBlobs(`${demo}benchmark.zip`));
const rows = benchmark.rows.slice(0, benchmark.images.length);

const statements = await embedTexts(
  runtime,
  folder,
  rows.map((row) => mmvpPrompt(row.statement)),
);
const kinds = guard.map(({ path }) => path.split('/').at(-2)!);
const classes = [...new Set(kinds)].sort();
const prompts = classes.map((kind) => `a photo of a ${kind}`);
const heads = await embedTexts(runtime, folder, prompts);

async function pixelsOf(files: readonly NamedBlob[], mode: 'photo' | 'reference'): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (const { path, blob } of files) {
    const image = await jobs.prepare(blob, mode, folder.preprocessing);
    if (!image.ok) throw new Error(`${path}: ${image.reason}`);
    all.push(image.value.data);
  }
  return all;
}
const pairPixels = await pixelsOf(benchmark.images, 'reference');
const guardPixels = await pixelsOf(guard, 'photo');

async function embed(pixels: readonly Float32Array[], replaced: ReadonlyMap<string, Uint8Array>) {
  const { imageSize } = folder;
  const embedder = await ImageEmbedder.open(runtime, encoder.vision, { imageSize, batch: 16, replaced });
  const out = new Float32Array(pixels.length * embedder.width);
  for (let at = 0; at < pixels.length; at += 16) {
    const part = pixels.slice(at, at + 16);
    const joined = new Float32Array(part.length * part[0]!.length);
    for (const [i, values] of part.entries()) joined.set(values, i * values.length);
    out.set(await embedder.embed(joined), at * embedder.width);
  }
  await embedder.release();
  return out;
}

async function measure(replaced: ReadonlyMap<string, Uint8Array> = new Map()) {
  const mmvp = scoreMmvp(await embed(pairPixels, replaced), statements, rows, folder.logitScale);
  const images = await embed(guardPixels, replaced);
  const width = images.length / guard.length;
  const lengths = classes.map((_, c) => Math.hypot(...heads.subarray(c * width, (c + 1) * width)));
  let right = 0;
  for (let i = 0; i < guard.length; i++) {
    const cosines = classes.map((_, c) => {
      let dot = 0;
      for (let k = 0; k < width; k++) dot += images[i * width + k]! * heads[c * width + k]!;
      return dot / lengths[c]!;
    });
    if (classes[cosines.indexOf(Math.max(...cosines))] === kinds[i]) right++;
  }
  return { mmvp, zeroShot: (100 * right) / guard.length };
}

function crops(control: string): CropSource {
  const blob = (i: number) => scenes[i]!.blob;
  return {
    count: scenes.length,
    async crop({ image, scale, uniforms, teacherSize, encoderSize }) {
      const job = { scale, uniforms, teacherSize, encoderSize };
      const own = await jobs.crop(blob(image), 'photo', job);
      const other = (image + Math.floor(scenes.length / 2)) % scenes.length;
      const shown = control === 'shuffled' ? await jobs.crop(blob(other), 'photo', job) : own;
      if (!own.ok || !shown.ok) throw new Error(`scene ${image} cannot be read`);
      return { encoder: own.value.encoder, teacher: shown.value.teacher };
    },
  };
}

const round = (value: number) => Math.round(100 * value) / 100;
type Measured = Awaited<ReturnType<typeof measure>>;
const score = ({ mmvp }: Measured) => ({
  total: round(mmvp.total),
  patterns: Object.fromEntries(mmvp.patterns.map(({ name, score }) => [name, round(score)])),
});

/** 95% interval of the mean change of the total, resampling seeds, and pairs within patterns. */
function interval(before: Measured, after: readonly Measured[]): [number, number] {
  const random = mulberry32(1);
  const pick = (n: number) => Math.floor(random() * n);
  const groups = new Map<string, number[]>();
  for (const [i, { pattern }] of before.mmvp.pairs.entries())
    groups.set(pattern, [...(groups.get(pattern) ?? []), i]);
  const change = (run: number, pair: number) =>
    Number(after[run]!.mmvp.pairs[pair]!.correct) - Number(before.mmvp.pairs[pair]!.correct);
  const means: number[] = [];
  for (let resample = 0; resample < 10_000; resample++) {
    const runs = after.map(() => pick(after.length));
    let sum = 0;
    for (const group of groups.values()) {
      let changed = 0;
      for (let i = 0; i < group.length; i++) {
        const pair = group[pick(group.length)]!;
        for (const run of runs) changed += change(run, pair);
      }
      sum += changed / (group.length * runs.length);
    }
    means.push((100 * sum) / groups.size);
  }
  means.sort((a, b) => a - b);
  return [round(means[250]!), round(means[9749]!)];
}

const recipe: RefineConfig = {
  ...presets.textInverse,
  ...(JSON.parse(options.set) as Partial<RefineConfig>),
};
const before = await measure();
process.stdout.write(`before ${before.mmvp.total.toFixed(2)}, zero-shot ${before.zeroShot.toFixed(2)}\n`);
const record: Record<string, unknown> & { seeds: unknown[]; controls: unknown[] } = {
  seeds: [],
  controls: [],
};
const done: Measured[] = [];
for (const control of ['', ...options.control]) {
  for (let seed = 1; seed <= Number(options.seeds); seed++) {
    const started = performance.now();
    const parts = { encoder, teacher, images: crops(control), config: { ...recipe, seed } };
    const { refinement, release } = await prepareRun(runtime, runtime, parts);
    const refining = performance.now();
    while (refinement.step < recipe.steps) await refinement.next();
    const refined = ((performance.now() - refining) / 1000).toFixed(0);
    const after = await measure(await refinement.weights());
    await release();
    const flips = before.mmvp.pairs.map((pair, i) => [pair.correct, after.mmvp.pairs[i]!.correct] as const);
    const fixed = flips.filter(([was, is]) => !was && is).length;
    const broken = flips.filter(([was, is]) => was && !is).length;
    const entry = {
      seed,
      before: score(before),
      after: score(after),
      zeroShot: { before: round(before.zeroShot), after: round(after.zeroShot) },
      hidden: { fixed, broken },
    };
    if (control) record.controls.push({ control, ...entry });
    else {
      record.seeds.push(entry);
      done.push(after);
      const [low, high] = interval(before, done);
      const kept = done.every(({ zeroShot }) => zeroShot >= before.zeroShot - 1);
      record['claim'] = low > 0 && kept && done.length >= 5 ? 'gain' : 'null';
      record['interval'] = [low, high];
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    process.stdout.write(
      `${control || 'recipe'} seed ${seed}: ${after.mmvp.total.toFixed(2)}, +${fixed} -${broken}, zero-shot ${after.zeroShot.toFixed(2)}, ${seconds} s, of which refining ${refined} s\n`,
    );
    if (options.out) writeFileSync(options.out, `${JSON.stringify(record, null, 1)}\n`);
  }
}
