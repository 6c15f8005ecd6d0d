import { presets, type RefineConfig, type TrainableConfig } from '../method/config.ts';
import { selectTrainable } from '../method/trainable.ts';
import { buildTrainingGraph, type TrainingGraphRequest } from '../method/training-graph.ts';
import type { TypedGraph } from '../onnx/model.ts';
import type { RuntimeProvider } from '../runtime/session.ts';
import { inPrecision, leastMemory } from './network.ts';
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
    precision: config.precision ?? 'float32',
    recompute: config.innerValues === 'recomputed',
    train: trainOf(config.trainable ?? { kind: 'all' }),
    optimizer: config.optimizer.kind,
    batchSize: config.batchSize,
    drift: config.drift !== 'unmeasured',
    releaseAutoencoder: config.autoencoder === 'before',
  };
}

/**
 * The configuration of a run that goes another way. A smaller batch is made up for by more passes a step; SGD in
 * AdamW's place takes the learning rate of DIVA's.
 */
export function configOf(config: RefineConfig, way: TrainingWay): RefineConfig {
  const { optimizer, batchSize, accumulate } = config;
  return {
    ...config,
    precision: way.precision,
    innerValues: way.recompute ? 'recomputed' : 'kept',
    drift: way.drift ? 'measured' : 'unmeasured',
    autoencoder: way.releaseAutoencoder ? 'before' : 'beside',
    batchSize: way.batchSize,
    accumulate: Math.max(1, Math.round((accumulate * batchSize) / way.batchSize)),
    optimizer:
      way.optimizer === optimizer.kind
        ? optimizer
        : { ...optimizer, kind: way.optimizer, learningRate: presets.diva.optimizer.learningRate },
    trainable:
      JSON.stringify(way.train) === JSON.stringify(wayOf(config).train)
        ? (config.trainable ?? { kind: 'all' })
        : shareOf(way.train),
  };
}

/** Changes of a way that leave what is computed as it is, apart from rounding and the order of the images. */
export const withoutLosses = (way: TrainingWay): TrainingWay => ({
  ...way,
  recompute: true,
  batchSize: 1,
  releaseAutoencoder: true,
});

/** The training graph of a way, with the names of what it reads, trains and writes. Weights are not touched. */
export function buildWay(
  request: Omit<TrainingGraphRequest, 'weightsAsInputs'>,
  way: TrainingWay,
  provider: RuntimeProvider,
): { graph: TypedGraph; weights: string[]; trainable: string[]; gradients: string[] } {
  const built = buildTrainingGraph({
    ...inPrecision({ ...request, ...trained(request.encoder, way.train) }, way.precision),
    weightsAsInputs: provider === 'webgpu' ? 'all' : 'trainable',
    ...(way.recompute && leastMemory),
  });
  return {
    graph: built.graph,
    weights: [...built.weights.keys(), ...projections.filter((name) => !built.weights.has(name))],
    trainable: [...built.gradients.keys()],
    gradients: [...built.gradients.values()],
  };
}

/** Elements do not matter to a plan. */
function trained(
  encoder: TypedGraph,
  train: TrainingWay['train'],
): Pick<TrainingGraphRequest, 'encoder' | 'trainable'> {
  const zeros = (_: string, inputs: number, rank: number) => new Float32Array(inputs * rank);
  const { factors: _, ...selected } = selectTrainable(encoder, shareOf(train), zeros);
  return selected;
}

function shareOf(train: TrainingWay['train']): TrainableConfig {
  if (train === 'all') return { kind: 'all' };
  if ('blocks' in train) return { kind: 'last-k', blocks: train.blocks };
  return { kind: 'lora', rank: train.rank, alpha: train.rank };
}

function trainOf(share: TrainableConfig): TrainingWay['train'] {
  if (share.kind === 'all') return 'all';
  return share.kind === 'last-k' ? { blocks: share.blocks } : { rank: share.rank };
}
