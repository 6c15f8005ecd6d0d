/**
 * The configuration of a refinement: everything that, with the models and the images, decides the result.
 * It is written into every checkpoint, report and exported file.
 */

/** Which encoder tokens condition the teacher (DIVA, table "visual dense recap"; models/SD_with_OpenAICLIP.py). */
export type ConditionTokens = 'class' | 'class+part' | 'class+all';

/** `faithful` repeats the official code where it differs from the paper; `corrected` follows the paper. */
export type Fidelity = 'faithful' | 'corrected';

export interface OptimizerConfig {
  kind: 'sgd' | 'adamw';
  /** Peak learning rate. */
  learningRate: number;
  /** SGD momentum, or AdamW's beta1. */
  momentum: number;
  /** AdamW's beta2; unused by SGD. */
  beta2: number;
  epsilon: number;
  /** On weights of two or more axes: decoupled with AdamW, added to the gradient with SGD, as PyTorch has them. */
  weightDecay: number;
  /** Largest global L2 norm of the gradient; 0 means no clipping. */
  clipNorm: number;
  schedule: 'constant' | 'linear' | 'cosine';
  /** Share of the steps over which the learning rate rises from zero. */
  warmup: number;
}

/**
 * Which of the encoder's weights train; `visual_proj` always does. `blocks` counts from the end, and what comes after
 * the last block trains with it. LoRA puts two factors of `rank` beside every matrix of the blocks, scaled by
 * alpha / rank.
 */
export type TrainableConfig =
  | { kind: 'all' }
  | { kind: 'last-k'; blocks: number }
  | { kind: 'lora'; rank: number; alpha: number };

/** Timesteps are drawn from [min, max). Runs kept by earlier versions lack the rest and draw uniformly. */
interface TimestepConfig {
  min: number;
  max: number;
  sampling?: 'uniform' | 'logit-normal';
  /** Of the normal number whose sigmoid is the share of the range passed; unused when uniform. Absent means 0. */
  mean?: number;
  /** Its standard deviation. Absent means 1. */
  std?: number;
}

export interface RefineConfig {
  fidelity: Fidelity;
  condition: ConditionTokens;
  /** Patch tokens drawn with replacement for `class+part`, so that class + part fill the teacher's context. */
  partTokens: number;
  /**
   * How tokens reach the teacher: through a linear layer that the run trains (DIVA), or through a fixed map fitted on
   * the text tower before the run (text-inverse.ts; the class token alone). Absent means learned.
   */
  projection?: 'learned' | 'text-inverse';
  /** Principal directions that the fixed map matches; absent means 24. */
  directions?: number;
  /** Weight of keeping the pictures' similarities to one another as they were (anchor.ts); absent means 0. */
  anchor?: number;
  /** Noise draws for each image in a step (DIVA: 2). */
  drawsPerImage: number;
  /** Images in one pass of the training graph. */
  batchSize: number;
  /** Passes whose gradients are averaged before an optimiser step. */
  accumulate: number;
  /** Optimiser steps. */
  steps: number;
  optimizer: OptimizerConfig;
  /** Absent, as in runs kept by earlier versions: all weights. */
  trainable?: TrainableConfig;
  /**
   * Decay of the weights' exponential moving average, which scores and exports then use; absent or 0: none is kept.
   */
  average?: number;
  timesteps: TimestepConfig;
  /** First steps in which only the projection trains and the encoder stays frozen; absent means 0. */
  projectorWarmup?: number;
  /** Learning rate of those steps, constant; absent means the optimiser's peak. */
  projectorLearningRate?: number;
  /** Random resized crop: share of the area kept, at least. 1 takes the whole centre crop. */
  cropScale: number;
  /** Different crops of an image, in turn from epoch to epoch; 0 or absent: a new one each time. */
  crops?: number;
  /**
   * What products and everything between them are computed in; sums, the loss, the weights that train and the optimiser
   * are float32 in either case. Absent means float32.
   */
  precision?: 'float32' | 'float16';
  /**
   * What becomes of values that the backward needs: kept until then, or computed a second time where that lowers the
   * peak of memory. Absent means kept.
   */
  innerValues?: 'kept' | 'recomputed';
  /**
   * Whether the teacher's image autoencoder stays beside the training, or makes every latent before it and goes.
   * Absent means it stays.
   */
  autoencoder?: 'beside' | 'before';
  /** Whether the weights of the start are kept beside the run, to measure how far it has moved. Absent means measured. */
  drift?: 'measured' | 'unmeasured';
  /** Seed of every random stream of the run. */
  seed: number;
  /** A checkpoint is written after each so many steps, and at the end; 0: only at the end. */
  checkpointEvery: number;
}

/** The named starting points that the Refine room offers. */
export const presets = {
  /** DIVA's published setting for OpenAI encoders, at a batch that a tab can hold. */
  diva: {
    fidelity: 'corrected',
    condition: 'class+part',
    partTokens: 76,
    projection: 'learned',
    directions: 24,
    anchor: 0,
    drawsPerImage: 2,
    batchSize: 4,
    accumulate: 1,
    steps: 200,
    trainable: { kind: 'all' },
    average: 0,
    optimizer: {
      kind: 'sgd',
      learningRate: 1e-4,
      momentum: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      schedule: 'cosine',
      warmup: 0.005,
    },
    timesteps: { min: 0, max: 1000, sampling: 'uniform', mean: 0, std: 1 },
    projectorWarmup: 0,
    projectorLearningRate: 1e-4,
    cropScale: 0.9,
    crops: 0,
    precision: 'float32',
    innerValues: 'kept',
    autoencoder: 'beside',
    drift: 'measured',
    seed: 42,
    checkpointEvery: 50,
  },
  /** Small and quick: for the built-in models. */
  quick: {
    fidelity: 'corrected',
    condition: 'class+part',
    partTokens: 76,
    projection: 'learned',
    directions: 24,
    anchor: 0,
    drawsPerImage: 1,
    batchSize: 8,
    accumulate: 1,
    steps: 60,
    trainable: { kind: 'all' },
    average: 0,
    optimizer: {
      kind: 'adamw',
      learningRate: 1e-5,
      momentum: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      schedule: 'cosine',
      warmup: 0.1,
    },
    timesteps: { min: 0, max: 1000, sampling: 'uniform', mean: 0, std: 1 },
    projectorWarmup: 0,
    projectorLearningRate: 1e-4,
    cropScale: 0.9,
    crops: 0,
    precision: 'float32',
    innerValues: 'kept',
    autoencoder: 'beside',
    drift: 'measured',
    seed: 42,
    checkpointEvery: 20,
  },
  /**
   * After GenHancer (arXiv 2503.19480): class token alone, projection first, logit-normal timesteps. The teacher and the
   * share of the weights that train stay as they are here.
   */
  genhancer: {
    fidelity: 'corrected',
    condition: 'class',
    partTokens: 76,
    projection: 'learned',
    directions: 24,
    anchor: 0,
    drawsPerImage: 1,
    batchSize: 8,
    accumulate: 1,
    steps: 200,
    trainable: { kind: 'all' },
    average: 0,
    optimizer: {
      kind: 'adamw',
      learningRate: 1e-5,
      momentum: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      schedule: 'cosine',
      warmup: 0.05,
    },
    timesteps: { min: 0, max: 1000, sampling: 'logit-normal', mean: 0, std: 1 },
    projectorWarmup: 100,
    projectorLearningRate: 1e-3,
    cropScale: 0.9,
    crops: 0,
    precision: 'float32',
    innerValues: 'kept',
    autoencoder: 'beside',
    drift: 'measured',
    seed: 42,
    checkpointEvery: 50,
  },
  /**
   * For encoders whose text tower the teacher shares or nearly so: the class token through a fixed map into the
   * teacher's language, whole pictures, and an anchor against losing what the encoder knows
   * (docs/demo-results.md).
   */
  textInverse: {
    fidelity: 'corrected',
    condition: 'class',
    partTokens: 76,
    projection: 'text-inverse',
    directions: 24,
    anchor: 1,
    drawsPerImage: 1,
    batchSize: 32,
    accumulate: 1,
    steps: 100,
    trainable: { kind: 'all' },
    average: 0,
    optimizer: {
      kind: 'adamw',
      learningRate: 1e-4,
      momentum: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      schedule: 'linear',
      warmup: 0.05,
    },
    timesteps: { min: 0, max: 1000, sampling: 'uniform', mean: 0, std: 1 },
    projectorWarmup: 0,
    projectorLearningRate: 1e-4,
    cropScale: 1,
    crops: 0,
    precision: 'float32',
    innerValues: 'kept',
    autoencoder: 'beside',
    drift: 'measured',
    seed: 1,
    checkpointEvery: 0,
  },
} as const satisfies Record<string, RefineConfig>;

export type PresetName = keyof typeof presets;
