/**
 * A long refinement in miniature: the built-in models refined for 2,000 steps on WebAssembly. Prints JSON; exits 1
 * unless memory stays flat within 2% and the time of a step within 10%.
 *
 *   npx tsx --expose-gc bench/soak.ts [STEPS]
 *
 * Compared are the medians of the second tenth of the run (the first warms up) and of the last.
 */
import process from 'node:process';
import * as ort from 'onnxruntime-web';
import { readEncoderFolder } from '../src/exchange/encoder-folder.ts';
import { readTeacherFolder } from '../src/exchange/teacher-folder.ts';
import { presets, type RefineConfig } from '../src/method/config.ts';
import { type OrtModule, openRuntime } from '../src/runtime/runtime.ts';
import type { CropSource } from '../src/training/crops.ts';
import { LatentEncoder } from '../src/training/latents.ts';
import { buildNetwork } from '../src/training/network.ts';
import { Refinement } from '../src/training/refine.ts';
import { builtIn } from '../src/training/testing/built-in.ts';
import { median } from './peers/report.ts';

const steps = Number(process.argv[2] ?? 2000);
if (!Number.isInteger(steps) || steps < 20) {
  process.stderr.write('usage: npx tsx --expose-gc bench/soak.ts [STEPS, at least 20]\n');
  process.exit(64);
}

const config: RefineConfig = {
  ...presets.quick,
  fidelity: 'faithful',
  batchSize: 1,
  accumulate: 1,
  drawsPerImage: 1,
  steps,
};

/** Colour gradients, other ones for each image and draw. */
const images: CropSource = {
  count: 16,
  async crop({ image, uniforms, teacherSize, encoderSize }) {
    const paint = (size: number) =>
      Uint8Array.from({ length: 3 * size * size }, (_, i) => {
        const x = Math.floor(i / 3) % size;
        return (40 * image + 80 * (i % 3) + (120 * x) / size + 20 * uniforms[0]!) % 256;
      });
    return { teacher: paint(teacherSize), encoder: paint(encoderSize) };
  },
};

async function open(): Promise<Refinement> {
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'wasm' });
  const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
  const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const { preprocessing, imageSize, vision } = encoder;
  const parts = { vision, imageSize, teacher, contextTokens: 77, contextWidth: 128 };
  const network = await buildNetwork(parts, config, 'trainable');
  const latents = await LatentEncoder.open(runtime, teacher, { fidelity: config.fidelity, preprocessing });
  return Refinement.open({
    runtime,
    network,
    config,
    images,
    encodeLatent: (pixels) => latents.encode(pixels),
    latentShape: latents.shape,
    teacherSize: latents.imageSize,
    encoder: { size: imageSize, normalisation: preprocessing },
    schedule: teacher.schedule,
    prompt: new Float32Array(77 * 128).fill(0.01),
  });
}

/** Memory of the whole process after what can be freed is, bytes. */
function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

const refinement = await open();
const tenth = Math.floor(steps / 10);
const milliseconds: number[] = [];
const bytes: number[] = [];
let loss = Number.NaN;
for (let step = 0; step < steps; step++) {
  const from = performance.now();
  ({ loss } = await refinement.next());
  milliseconds.push(performance.now() - from);
  bytes.push(step % 5 === 0 ? memory() : bytes.at(-1)!);
  if (step % tenth === tenth - 1) process.stderr.write(`soak: ${step + 1} of ${steps} steps\n`);
}
await refinement.release();

const early = (values: readonly number[]) => median(values.slice(tenth, 2 * tenth));
const late = (values: readonly number[]) => median(values.slice(-tenth));
const change = (values: readonly number[]) => Number((late(values) / early(values) - 1).toFixed(4));
const result = {
  steps,
  loss,
  memory_mb: { early: Math.round(early(bytes) / 1e6), late: Math.round(late(bytes) / 1e6) },
  memory_change: change(bytes),
  step_ms: { early: early(milliseconds), late: late(milliseconds) },
  step_change: change(milliseconds),
  flat: Math.abs(change(bytes)) <= 0.02 && Math.abs(change(milliseconds)) <= 0.1,
};
process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
process.exit(Number.isFinite(loss) && result.flat ? 0 : 1);
