import { addLora } from '../autodiff/lora.ts';
import type { RefineConfig } from '../method/config.ts';
import { blockMatrices, weightsOfLastBlocks } from '../method/encoder-parts.ts';
import { buildTrainingGraph, type TrainingGraphRequest } from '../method/training-graph.ts';
import { inHalves } from '../onnx/in-halves.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { simplify } from '../onnx/passes/simplify.ts';
import type { RuntimeProvider } from '../runtime/session.ts';
import { projections } from './stages.ts';

/** What of a run decides how much memory it takes. */
export interface TrainingWay {
  precision: 'float32' | 'float16';
  /** Whether inner values are computed twice where that lowers the peak. */
  recompute: boolean;
  train: 'all' | { blocks: number } | { rank: number };
  optimizer: 'sgd' | 'adamw';
  batchSize: number;
  /** Whether the weights of the start are kept, against which the drift is measured. */
  drift: boolean;
  releaseAutoencoder: boolean;
}

/** The way that a run with this configuration goes. */
export function wayOf(config: RefineConfig): TrainingWay {
  return {
    precision: 'float32',
    recompute: false,
    train: 'all',
    optimizer: config.optimizer.kind,
    batchSize: config.batchSize,
    drift: true,
    releaseAutoencoder: false,
  };
}

/** Changes of a way that leave what is computed as it is, apart from rounding and the order of the images. */
export const withoutLosses = (way: TrainingWay): TrainingWay => ({
  ...way,
  recompute: true,
  batchSize: 1,
  releaseAutoencoder: true,
});

/** What WebGPU promises of a storage buffer binding, bytes: attention scores are split to fit it. */
const promisedBinding = 128 * 2 ** 20;

/** The training graph of a way, with the names of what it reads, trains and writes. Weights are not touched. */
export function buildWay(
  request: Omit<TrainingGraphRequest, 'weightsAsInputs'>,
  way: TrainingWay,
  provider: RuntimeProvider,
): { graph: TypedGraph; weights: string[]; trainable: string[]; gradients: string[] } {
  const half = way.precision === 'float16';
  const typed = (graph: TypedGraph) => (half ? simplify(inHalves(graph)) : graph);
  const built = buildTrainingGraph({
    ...request,
    ...trained(typed(request.encoder), way.train),
    teacher: typed(request.teacher),
    weightsAsInputs: provider === 'webgpu' ? 'all' : 'trainable',
    ...(way.recompute && { memoryBudget: 0, maxScoreBytes: promisedBinding }),
  });
  return {
    graph: built.graph,
    weights: [...built.weights.keys(), ...projections.filter((name) => !built.weights.has(name))],
    trainable: [...built.gradients.keys()],
    gradients: [...built.gradients.values()],
  };
}

function trained(
  encoder: TypedGraph,
  train: TrainingWay['train'],
): Pick<TrainingGraphRequest, 'encoder' | 'trainable'> {
  if (train === 'all') return { encoder };
  if ('blocks' in train) return { encoder, trainable: weightsOfLastBlocks(encoder, train.blocks) };
  const adapted = addLora(encoder, {
    weights: blockMatrices(encoder),
    rank: train.rank,
    alpha: train.rank,
    initial: (_, count) => new Float32Array(count),
  });
  return { encoder: adapted.graph, trainable: adapted.factors.flatMap(({ down, up }) => [down, up]) };
}
