/** One point of cost-growth.ts: reads it from standard input, refines, prints what it took. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import * as ort from 'onnxruntime-web';
import { readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { readTeacherFolder } from '../../src/exchange/teacher-folder.ts';
import { presets, type RefineConfig } from '../../src/method/config.ts';
import { selectTrainable } from '../../src/method/trainable.ts';
import { buildTrainingGraph } from '../../src/method/training-graph.ts';
import { runtimePeak } from '../../src/onnx/execution-order.ts';
import { planMemory } from '../../src/runtime/plan.ts';
import { type OrtModule, openRuntime } from '../../src/runtime/runtime.ts';
import { loraFactor } from '../../src/training/draws.ts';
import { networkGraphs } from '../../src/training/network.ts';
import { Refinement } from '../../src/training/refine.ts';
import { builtIn } from '../../src/training/testing/built-in.ts';
import type { GrowthPoint, GrowthReply } from './cost-growth.ts';

const { point, steps } = JSON.parse(readFileSync(0, 'utf8')) as { point: GrowthPoint; steps: number };
const config: RefineConfig = {
  ...presets.quick,
  batchSize: point.batchSize,
  trainable: point.trainable,
  steps: steps + 1,
};
const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
const teacher = {
  ...(await readTeacherFolder(await builtIn('acuity-diffusion'))),
  latentSize: point.latentSize,
};
const { vision, imageSize, preprocessing } = encoder;
const graphs = await networkGraphs(
  { vision, imageSize, teacher, contextTokens: 77, contextWidth: 128 },
  config,
);
const { factors: _, ...selected } = selectTrainable(graphs.encoder, point.trainable, (weight, inputs, rank) =>
  loraFactor(config.seed, weight, inputs, rank),
);
const build = (memoryBudget: number) =>
  buildTrainingGraph({ ...graphs, ...selected, weightsAsInputs: 'trainable', memoryBudget });
const whole = build(Number.POSITIVE_INFINITY);
const network = point.budget < 1 ? build(point.budget * runtimePeak(whole.graph)) : whole;
const trainable = [...network.gradients.keys()];
const plan = planMemory(network.graph, {
  weights: [...network.weights.keys()],
  trainable,
  gradients: [...network.gradients.values()],
  optimizer: config.optimizer.kind,
  provider: 'wasm',
});

/** Kilobytes of the kernel's accounting, as bytes. */
const status = (kind: 'VmHWM' | 'VmRSS'): number =>
  1024 * Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]);

const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'wasm' });
globalThis.gc?.();
const before = status('VmRSS');
const [channels, edge] = [teacher.latentChannels, point.latentSize];
const pattern = (size: number) => Uint8Array.from({ length: size }, (_, i) => (7 * i + (i >> 6)) % 256);
const refinement = await Refinement.open({
  runtime,
  network,
  config,
  images: {
    count: 16,
    crop: async ({ teacherSize, encoderSize }) => ({
      teacher: pattern(3 * teacherSize ** 2),
      encoder: pattern(3 * encoderSize ** 2),
    }),
  },
  // The autoencoder is not what grows here.
  encodeLatent: async () => Float32Array.from({ length: channels * edge ** 2 }, (_, i) => Math.sin(i)),
  latentShape: [channels, edge, edge],
  teacherSize: edge * teacher.downsampling,
  encoder: { size: imageSize, normalisation: preprocessing },
  schedule: teacher.schedule,
  prompt: new Float32Array(77 * 128).fill(0.01),
});
let { loss } = await refinement.next();
const milliseconds: number[] = [];
for (let step = 0; step < steps; step++) {
  const record = await refinement.next();
  milliseconds.push(record.ms);
  loss = record.loss;
}
const reply: GrowthReply = {
  milliseconds,
  imageSize: edge * teacher.downsampling,
  used: status('VmHWM') - before,
  planned: plan.total,
  loss,
};
process.stdout.write(JSON.stringify(reply));
