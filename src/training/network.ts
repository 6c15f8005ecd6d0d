import { halfPrecision } from '../autodiff/half-precision.ts';
import type { TeacherFolder } from '../exchange/teacher-folder.ts';
import { conditionRows } from '../method/condition.ts';
import type { RefineConfig } from '../method/config.ts';
import { promoteTokens } from '../method/tokens.ts';
import { selectTrainable } from '../method/trainable.ts';
import {
  buildTrainingGraph,
  type TrainingGraph,
  type TrainingGraphRequest,
  teacherInputs,
} from '../method/training-graph.ts';
import { isWeight } from '../onnx/lift-weights.ts';
import type { Model, TypedGraph } from '../onnx/model.ts';
import { retypeInput } from '../onnx/passes/retype-input.ts';
import { simplify } from '../onnx/passes/simplify.ts';
import { specialise } from '../onnx/specialise.ts';
import { loraFactor } from './draws.ts';

/** What the training graph is made from. */
export interface NetworkParts {
  /** The vision tower, with every weight an initialiser of its own. */
  vision: Model;
  /** Edge of the encoder's square input, in pixels. */
  imageSize: number;
  teacher: Pick<TeacherFolder, 'unet' | 'latentChannels' | 'latentSize' | 'schedule'>;
  /** Tokens of the prompt's text context. */
  contextTokens: number;
  contextWidth: number;
}

type NetworkConfig = Pick<
  RefineConfig,
  'batchSize' | 'condition' | 'partTokens' | 'projection' | 'anchor' | 'innerValues' | 'precision'
>;

/**
 * Everything is computed again that lowers the peak, and attention scores are split to what WebGPU promises of a
 * storage buffer binding, 128 MiB.
 */
export const leastMemory = { memoryBudget: 0, maxScoreBytes: 128 * 2 ** 20 } as const;

const memoryOf = ({ innerValues }: NetworkConfig) => (innerValues === 'recomputed' ? leastMemory : {});

/**
 * Builds the training graph of a run's first stage, in which the projection trains alone: the backward ends where the
 * encoder's tokens begin.
 */
export async function buildProjectionNetwork(
  parts: NetworkParts,
  config: NetworkConfig & Pick<RefineConfig, 'trainable' | 'seed'>,
  weightsAsInputs: 'all' | 'trainable',
): Promise<TrainingGraph> {
  const graphs = await networkGraphs(parts, config);
  // Its weights are those of the whole network, which they serve in turn.
  const { trainable } = selected(graphs.encoder, config);
  const typed = inPrecision({ ...graphs, ...(trainable ? { trainable } : {}) }, config.precision);
  return buildTrainingGraph({ ...typed, ...memoryOf(config), trainable: [], weightsAsInputs });
}

/** Builds the whole training graph at a run's batch size. Weights stay where they are. */
export async function buildNetwork(
  parts: NetworkParts,
  config: NetworkConfig & Pick<RefineConfig, 'trainable' | 'seed'>,
  weightsAsInputs: 'all' | 'trainable',
): Promise<TrainingGraph> {
  const graphs = await networkGraphs(parts, config);
  const { encoder, trainable } = selected(graphs.encoder, config);
  const request = { ...graphs, encoder, ...(trainable ? { trainable } : {}) };
  return buildTrainingGraph({
    ...inPrecision(request, config.precision),
    ...memoryOf(config),
    weightsAsInputs,
  });
}

const selected = (encoder: TypedGraph, { trainable, seed }: Pick<RefineConfig, 'trainable' | 'seed'>) =>
  selectTrainable(encoder, trainable ?? { kind: 'all' }, (weight, inputs, rank) =>
    loraFactor(seed, weight, inputs, rank),
  );

/** The request in the precision of a run. In float16 the weights that train stay float32, the masters of the run. */
export function inPrecision<Request extends Pick<TrainingGraphRequest, 'encoder' | 'teacher' | 'trainable'>>(
  request: Request,
  precision: RefineConfig['precision'],
): Request {
  if (precision !== 'float16') return request;
  const { encoder, teacher, trainable } = request;
  const weights = [...encoder.initializers].filter(([, tensor]) => isWeight(tensor)).map(([name]) => name);
  const masters = new Set(trainable ?? weights);
  return { ...request, encoder: halfPrecision(encoder, masters), teacher: halfPrecision(teacher) };
}

/** Encoder and teacher at a run's sizes, in the forms that differentiate cheaply. */
export async function networkGraphs(
  parts: NetworkParts,
  config: NetworkConfig,
): Promise<Omit<TrainingGraphRequest, 'weightsAsInputs'>> {
  const batch = config.batchSize;
  const encoder = await visionGraph(parts.vision, batch, parts.imageSize);
  const { latentChannels, latentSize } = parts.teacher;
  const promoted = promoteTokens(encoder);
  const rows = conditionRows(config, promoted.graph.types.get(promoted.tokens)!.shape[1]!);
  // The class token alone is broadcast over the prompt's tokens.
  const contextRows = rows === 1 ? parts.contextTokens : rows;
  const inputs = parts.teacher.unet.graph.inputs;
  const shapes: Record<string, number[]> = {};
  for (const { name, shape } of inputs) {
    if (shape?.length === 4) shapes[name] = [batch, latentChannels, latentSize, latentSize];
    else if (shape?.length === 3) shapes[name] = [batch, contextRows, parts.contextWidth];
    else if (shape?.length === 1) shapes[name] = [typeof shape[0] === 'number' ? shape[0] : batch];
  }
  const denoiser = await specialise(parts.teacher.unet, { shapes });
  const { timestep } = teacherInputs(denoiser);
  return {
    encoder,
    teacher: simplify(retypeInput(denoiser, timestep.name, 'float32')),
    config,
    prediction: parts.teacher.schedule.prediction,
    contextTokens: parts.contextTokens,
  };
}

/** The vision tower at a batch size, in the forms that differentiate cheaply. */
export async function visionGraph(vision: Model, batch: number, imageSize: number) {
  const [input] = vision.graph.inputs;
  return simplify(await specialise(vision, { shapes: { [input!.name]: [batch, 3, imageSize, imageSize] } }));
}
