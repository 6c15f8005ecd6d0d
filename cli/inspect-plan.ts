import { basename, resolve } from 'node:path';
import { readEncoderFolder } from '../src/exchange/encoder-folder.ts';
import { ModelFolder } from '../src/exchange/folder.ts';
import { splitShared } from '../src/exchange/split-shared.ts';
import { readTeacherFolder } from '../src/exchange/teacher-folder.ts';
import { contextShape } from '../src/exchange/text-context.ts';
import { type PresetName, presets, type RefineConfig, type TrainableConfig } from '../src/method/config.ts';
import { blobSource } from '../src/onnx/sources.ts';
import { planRun, type RunPlan } from '../src/training/run-plan.ts';
import { folderBlobs } from './evaluation/folder-blobs.ts';
import { type CommandIo, RefusedError, UsageError } from './io.ts';
import { messageOf, oneOf, parseBytes, wholeNumber } from './options.ts';

interface PlanOptions {
  plan: string;
  preset?: string | undefined;
  memory?: string | undefined;
  batch?: string | undefined;
  precision?: string | undefined;
  recompute?: boolean | undefined;
  'release-autoencoder'?: boolean | undefined;
  'no-drift'?: boolean | undefined;
  optimizer?: string | undefined;
  train?: string | undefined;
  cpu?: boolean | undefined;
  json?: boolean | undefined;
}

/** What refining an encoder with a teacher would take, as text or JSON. Weights are not read. */
export async function inspectPlan(io: CommandIo, encoderPath: string, options: PlanOptions): Promise<string> {
  const preset = options.preset ?? 'diva';
  if (!Object.hasOwn(presets, preset)) {
    throw new UsageError(`--preset is one of ${Object.keys(presets).join(', ')}, not "${preset}"`);
  }
  const total = options.memory === undefined ? undefined : parseBytes(options.memory, '--memory');
  const config = changed(presets[preset as PresetName], options);
  const { batchSize } = config;
  const encoder = await readEncoderFolder(await folderOf(io, encoderPath));
  const teacher = await readTeacherFolder(await folderOf(io, options.plan));
  const context = await contextShape(teacher);
  const plan = await planRun({
    parts: {
      vision: splitShared(encoder.vision),
      imageSize: encoder.imageSize,
      teacher,
      contextTokens: context.tokens,
      contextWidth: context.width,
    },
    vaeEncoder: teacher.vaeEncoder,
    teacherSize: teacher.latentSize * teacher.downsampling,
    config,
    provider: options.cpu ? 'wasm' : 'webgpu',
    f16: !options.cpu,
    ...(total === undefined ? {} : { room: { total } }),
  });
  if (options.json) return `${JSON.stringify({ preset, batchSize, ...plan }, null, 2)}\n`;
  return inWords(`${encoder.name} with ${teacher.name}, preset ${preset}, batch ${batchSize}`, plan, total);
}

/** The preset with what the options change of it. */
function changed(preset: RefineConfig, options: PlanOptions): RefineConfig {
  const { batch, precision, optimizer, train } = options;
  return {
    ...preset,
    ...(batch !== undefined && { batchSize: wholeNumber(batch, '--batch') }),
    ...(precision !== undefined && {
      precision: oneOf(['float32', 'float16'] as const, precision, '--precision'),
    }),
    ...(options.recompute && { innerValues: 'recomputed' as const }),
    ...(options['release-autoencoder'] && { autoencoder: 'before' as const }),
    ...(options['no-drift'] && { drift: 'unmeasured' as const }),
    ...(optimizer !== undefined && {
      optimizer: { ...preset.optimizer, kind: oneOf(['sgd', 'adamw'] as const, optimizer, '--optimizer') },
    }),
    ...(train !== undefined && { trainable: trainableOf(train) }),
  };
}

function trainableOf(text: string): TrainableConfig {
  const [, kind, number = ''] = /^(all|last|lora)(?:-(\d+))?$/.exec(text) ?? [];
  const size = Number(number);
  if (kind === 'all' && number === '') return { kind };
  if (kind === 'last' && size > 0) return { kind: 'last-k', blocks: size };
  if (kind === 'lora' && size > 0) return { kind, rank: size, alpha: size };
  throw new UsageError(`--train is all, last-6 (blocks) or lora-16 (rank), not "${text}"`);
}

async function folderOf(io: CommandIo, path: string): Promise<ModelFolder> {
  const full = resolve(io.directory, path);
  const files = await folderBlobs(full).catch((error: unknown) => {
    throw new RefusedError(`cannot read the folder ${path}: ${messageOf(error)}`);
  });
  return new ModelFolder(
    basename(full),
    new Map(files.map(({ path: name, blob }) => [name, blobSource(name, blob)])),
  );
}

function inWords(title: string, { memory, pass }: RunPlan, total: number | undefined): string {
  const row = (name: string, bytes: number, note = '') =>
    `  ${name.padEnd(44)} ${(bytes / 1e6).toFixed(1).padStart(10)} MB${note}`;
  const verdict = memory.obstacles.length > 0 ? 'does not fit' : total === undefined ? '' : 'fits';
  const lines = [
    title,
    row('weights', memory.weights + memory.constants),
    row('float32 masters', memory.masters),
    row('gradients', memory.gradients),
    row('optimiser state', memory.moments),
    row('weights of the start, for the drift', memory.reference),
    row('inner values', memory.activations),
    row('inputs of a step, copies', memory.feeds + memory.copies),
    row('latents', memory.latents),
    row('encoder beside the training', memory.beside),
    row(
      'autoencoder beside the training',
      memory.stages.training - memory.total - memory.latents - memory.beside,
    ),
    row('peak', memory.peak, verdict && `: ${verdict}`),
    row(`largest value, ${memory.largest.name}`, memory.largest.bytes),
    `  ${((pass.products + pass.convolutions) / 1e12).toFixed(3)} TFLOP a pass in ${pass.nodes} nodes`,
    ...memory.obstacles.map((obstacle) => `  ${obstacle}`),
    ...memory.choices.map(({ choice, peak, fits }) => row(choice, peak, fits ? ': fits' : ': does not fit')),
  ];
  return `${lines.join('\n')}\n`;
}
