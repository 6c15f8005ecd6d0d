import type { AdapterReport } from '../../src/runtime/device.ts';
import { type KernelRates, secondsOf } from '../../src/runtime/kernel-rates.ts';
import { planRun as planGraphs, type RunPlan } from '../../src/training/run-plan.ts';
import type { PlanReport, PlanRequest, ProviderName, RunSummary } from '../protocol.ts';
import type { LoadedEncoder, LoadedTeacher } from './models.ts';

export interface PlanParts {
  encoder: LoadedEncoder;
  teacher: LoadedTeacher;
  request: PlanRequest;
  provider: ProviderName;
  adapter: AdapterReport | null;
  /** Runs kept here, newest first. */
  runs: readonly RunSummary[];
  /** Null where nothing may be measured now. */
  rates(): Promise<KernelRates | null>;
}

/** What a run would take, told before any weight is loaded. */
export async function planReport(parts: PlanParts): Promise<PlanReport> {
  const { encoder, teacher, request, provider, adapter } = parts;
  const gpu = provider === 'webgpu' ? adapter : null;
  const room = {
    ...(gpu && {
      maxBufferSize: gpu.limits.maxBufferSize,
      maxStorageBufferBindingSize: gpu.limits.maxStorageBufferBindingSize,
    }),
    ...(request.total !== null && { total: request.total }),
  };
  const plan = await planGraphs({
    parts: {
      vision: encoder.vision,
      imageSize: encoder.folder.imageSize,
      teacher: teacher.folder,
      contextTokens: teacher.summary.context.tokens,
      contextWidth: teacher.summary.context.width,
    },
    vaeEncoder: teacher.folder.vaeEncoder,
    teacherSize: teacher.summary.imageSize,
    config: request.config,
    provider,
    f16: gpu?.f16 ?? false,
    room,
    followed: request.watch ?? false,
  });
  const { memory } = plan;
  return {
    provider,
    parts: partsOf(memory),
    peak: memory.peak,
    largest: memory.largest,
    limits: {
      buffer: room.maxBufferSize ?? null,
      binding: room.maxStorageBufferBindingSize ?? null,
      total: request.total,
    },
    obstacles: memory.obstacles,
    choices: plan.choices,
    time: await timeOf(plan, parts),
  };
}

function partsOf(memory: RunPlan['memory']): PlanReport['parts'] {
  const all: PlanReport['parts'] = [
    { name: 'weights', bytes: memory.weights + memory.constants },
    { name: 'masters', bytes: memory.masters },
    { name: 'gradients', bytes: memory.gradients },
    { name: 'optimiser state', bytes: memory.moments },
    { name: 'weights of the start', bytes: memory.reference },
    { name: 'inner values', bytes: memory.activations },
    { name: 'inputs of a step', bytes: memory.feeds + memory.copies },
    { name: 'latents', bytes: memory.latents },
    { name: 'encoder beside the training', bytes: memory.beside },
    { name: 'autoencoder', bytes: memory.stages.training - memory.total - memory.latents - memory.beside },
  ];
  return all.filter(({ bytes }) => bytes > 0);
}

/** From an earlier run of the same models where there is one; else from rates measured on this machine. */
async function timeOf(
  plan: RunPlan,
  { request, provider, runs, rates }: PlanParts,
): Promise<PlanReport['time']> {
  const { config } = request;
  const earlier = runs.find(
    (run) =>
      run.encoder === request.encoder &&
      run.teacher === request.teacher &&
      run.provider === provider &&
      run.config.batchSize === config.batchSize &&
      run.steps.length >= 3,
  );
  if (earlier) {
    const sorted = earlier.steps.map(({ ms }) => ms).sort((a, b) => a - b);
    const ratio = passesOf(config) / passesOf(earlier.config);
    const step = (ratio * sorted[Math.floor(sorted.length / 2)]!) / 1000;
    return { step, run: step * config.steps, from: 'run' };
  }
  const measured = await rates();
  if (!measured) return null;
  const images = config.batchSize * config.accumulate;
  const step = passesOf(config) * secondsOf(plan.pass, measured) + images * secondsOf(plan.latent, measured);
  return { step, run: step * config.steps, from: 'kernels' };
}

const passesOf = (config: PlanRequest['config']): number => config.accumulate * config.drawsPerImage;
