import { runtimePeak } from '../onnx/execution-order.ts';
import { bytesOfType } from '../onnx/liveness.ts';
import type { DataType, TypedGraph } from '../onnx/model.ts';
import { largestValue, type MemoryPlan, type PlanRequest, planMemory } from './plan.ts';
import { bufferSizeOf } from './tensor.ts';

/** One way of refining: what will be loaded, and how it trains. */
export interface RefinementDesign extends PlanRequest {
  /** The training graph, weights as inputs. */
  graph: TypedGraph;
  /** The image encoder of the autoencoder, its weights as initialisers or inputs. */
  autoencoder?: TypedGraph;
  /** Whether it goes before training begins, because every latent is kept. Default true. */
  releaseAutoencoder?: boolean;
  /** Clean latents kept where the runtime computes, bytes. Default 0. */
  latents?: number;
  /** What embeds images beside the training, bytes. Default 0. */
  beside?: number;
}

/** What the device can hold, bytes, as far as it is known. */
export interface DeviceRoom {
  maxBufferSize?: number;
  maxStorageBufferBindingSize?: number;
  /** WebGPU does not tell the memory of the card: known only where the person names it. */
  total?: number;
}

/** Another way of refining, made only when it is asked for. */
export interface CheaperChoice {
  /** What the person would choose, such as "recompute inner values". */
  choice: string;
  design(): RefinementDesign | Promise<RefinementDesign>;
}

export interface RefinementPlan extends MemoryPlan {
  /** Bytes of the weights that the graph reads, by element type. */
  weightsByType: Partial<Record<DataType, number>>;
  latents: number;
  /** Sessions that embed images beside the training: the anchor's, the followed pair's. */
  beside: number;
  /** Largest sum at each stage. The autoencoder works before training, or beside it when it is not released. */
  stages: { latents: number; training: number };
  /** The larger of the stages. */
  peak: number;
  /** What does not fit, in sentences with the sizes; empty when all of it does. */
  obstacles: string[];
  /** The cheaper choices, least memory first; empty when the plan fits. */
  choices: { choice: string; peak: number; fits: boolean }[];
}

/**
 * What a refinement will take at its peak, against the device, before anything is loaded. When it does not fit, each
 * of the choices is planned too.
 *
 * @param always plans the choices also when it fits
 */
export async function planRefinement(
  design: RefinementDesign,
  room: DeviceRoom = {},
  cheaper: readonly CheaperChoice[] = [],
  always = false,
): Promise<RefinementPlan> {
  const plan = planOne(design, room);
  if (plan.obstacles.length === 0 && !always) return plan;
  const choices: RefinementPlan['choices'] = [];
  for (const { choice, design: make } of cheaper) {
    const other = planOne(await make(), room);
    choices.push({ choice, peak: other.peak, fits: other.obstacles.length === 0 });
  }
  return { ...plan, choices: choices.sort((a, b) => a.peak - b.peak) };
}

function planOne(design: RefinementDesign, room: DeviceRoom): RefinementPlan {
  const { graph, autoencoder, latents = 0, beside = 0 } = design;
  const memory = planMemory(graph, design);
  const weightsByType: RefinementPlan['weightsByType'] = {};
  for (const name of design.weights) {
    const type = graph.types.get(name);
    if (!type) continue;
    weightsByType[type.dtype] = (weightsByType[type.dtype] ?? 0) + bufferSizeOf(bytesOfType(type));
  }
  const encoding = autoencoder ? runtimePeak(autoencoder) + outsideBytes(autoencoder) : 0;
  const released = design.releaseAutoencoder ?? true;
  const stages = {
    latents: encoding === 0 ? 0 : encoding + latents,
    training: memory.total + latents + beside + (released ? 0 : encoding),
  };
  const peak = Math.max(stages.latents, stages.training);
  const largest = [memory.largest, ...(autoencoder ? [largestValue(autoencoder)] : [])];
  const obstacles = largest.flatMap((value) => tooLarge(value, room));
  if (room.total !== undefined && peak > room.total) {
    const stage = peak === stages.training ? 'Training' : 'Making the latents';
    obstacles.push(`${stage} takes ${size(peak)} at its peak, and ${size(room.total)} are there`);
  }
  return { ...memory, weightsByType, latents, beside, stages, peak, obstacles, choices: [] };
}

/** Bytes of inputs, weights and outputs. */
function outsideBytes(graph: TypedGraph): number {
  const names = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.outputs.map(({ name }) => name),
  ]);
  return [...names].reduce((sum, name) => {
    const type = graph.types.get(name);
    return type ? sum + bufferSizeOf(bytesOfType(type)) : sum;
  }, 0);
}

function tooLarge({ name, bytes }: MemoryPlan['largest'], room: DeviceRoom): string[] {
  const limit = Math.min(
    room.maxBufferSize ?? Number.POSITIVE_INFINITY,
    room.maxStorageBufferBindingSize ?? Number.POSITIVE_INFINITY,
  );
  return bytes > limit ? [`"${name}" takes ${size(bytes)}, and this GPU binds ${size(limit)} at once`] : [];
}

function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
