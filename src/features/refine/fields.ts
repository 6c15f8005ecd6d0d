import type { RefineConfig, TrainableConfig } from '../../method/config.ts';

/** A configuration as one level of fields, as the form shows it. */
export interface FlatConfig {
  fidelity: RefineConfig['fidelity'];
  condition: RefineConfig['condition'];
  partTokens: number;
  projection: 'learned' | 'text-inverse';
  directions: number;
  anchor: number;
  drawsPerImage: number;
  batchSize: number;
  accumulate: number;
  steps: number;
  'trainable.kind': 'all' | 'last-k' | 'lora';
  'trainable.blocks': number;
  'trainable.rank': number;
  'trainable.alpha': number;
  average: number;
  'optimizer.kind': RefineConfig['optimizer']['kind'];
  'optimizer.learningRate': number;
  'optimizer.momentum': number;
  'optimizer.beta2': number;
  'optimizer.epsilon': number;
  'optimizer.weightDecay': number;
  'optimizer.clipNorm': number;
  'optimizer.schedule': RefineConfig['optimizer']['schedule'];
  'optimizer.warmup': number;
  'timesteps.min': number;
  'timesteps.max': number;
  'timesteps.sampling': 'uniform' | 'logit-normal';
  'timesteps.mean': number;
  'timesteps.std': number;
  projectorWarmup: number;
  projectorLearningRate: number;
  cropScale: number;
  crops: number;
  autoencoder: 'beside' | 'before';
  precision: 'float32' | 'float16';
  innerValues: 'kept' | 'recomputed';
  drift: 'measured' | 'unmeasured';
  seed: number;
  checkpointEvery: number;
}

export type FieldName = keyof FlatConfig;

export function flatten(config: RefineConfig): FlatConfig {
  const { optimizer, timesteps, trainable = { kind: 'all' }, ...rest } = config;
  return {
    ...rest,
    'trainable.kind': trainable.kind,
    'trainable.blocks': trainable.kind === 'last-k' ? trainable.blocks : 2,
    'trainable.rank': trainable.kind === 'lora' ? trainable.rank : 16,
    'trainable.alpha': trainable.kind === 'lora' ? trainable.alpha : 16,
    average: rest.average ?? 0,
    'optimizer.kind': optimizer.kind,
    'optimizer.learningRate': optimizer.learningRate,
    'optimizer.momentum': optimizer.momentum,
    'optimizer.beta2': optimizer.beta2,
    'optimizer.epsilon': optimizer.epsilon,
    'optimizer.weightDecay': optimizer.weightDecay,
    'optimizer.clipNorm': optimizer.clipNorm,
    'optimizer.schedule': optimizer.schedule,
    'optimizer.warmup': optimizer.warmup,
    'timesteps.min': timesteps.min,
    'timesteps.max': timesteps.max,
    'timesteps.sampling': timesteps.sampling ?? 'uniform',
    'timesteps.mean': timesteps.mean ?? 0,
    'timesteps.std': timesteps.std ?? 1,
    projection: rest.projection ?? 'learned',
    directions: rest.directions ?? 24,
    anchor: rest.anchor ?? 0,
    crops: rest.crops ?? 0,
    autoencoder: rest.autoencoder ?? 'beside',
    precision: rest.precision ?? 'float32',
    innerValues: rest.innerValues ?? 'kept',
    drift: rest.drift ?? 'measured',
    projectorWarmup: rest.projectorWarmup ?? 0,
    projectorLearningRate: rest.projectorLearningRate ?? optimizer.learningRate,
  };
}

export function unflatten(flat: FlatConfig): RefineConfig {
  return {
    fidelity: flat.fidelity,
    condition: flat.condition,
    partTokens: flat.partTokens,
    projection: flat.projection,
    directions: flat.directions,
    anchor: flat.anchor,
    drawsPerImage: flat.drawsPerImage,
    batchSize: flat.batchSize,
    accumulate: flat.accumulate,
    steps: flat.steps,
    trainable: trainableOf(flat),
    average: flat.average,
    optimizer: {
      kind: flat['optimizer.kind'],
      learningRate: flat['optimizer.learningRate'],
      momentum: flat['optimizer.momentum'],
      beta2: flat['optimizer.beta2'],
      epsilon: flat['optimizer.epsilon'],
      weightDecay: flat['optimizer.weightDecay'],
      clipNorm: flat['optimizer.clipNorm'],
      schedule: flat['optimizer.schedule'],
      warmup: flat['optimizer.warmup'],
    },
    timesteps: {
      min: flat['timesteps.min'],
      max: flat['timesteps.max'],
      sampling: flat['timesteps.sampling'],
      mean: flat['timesteps.mean'],
      std: flat['timesteps.std'],
    },
    projectorWarmup: flat.projectorWarmup,
    projectorLearningRate: flat.projectorLearningRate,
    cropScale: flat.cropScale,
    crops: flat.crops,
    autoencoder: flat.autoencoder,
    precision: flat.precision,
    innerValues: flat.innerValues,
    drift: flat.drift,
    seed: flat.seed,
    checkpointEvery: flat.checkpointEvery,
  };
}

function trainableOf(flat: FlatConfig): TrainableConfig {
  switch (flat['trainable.kind']) {
    case 'all':
      return { kind: 'all' };
    case 'last-k':
      return { kind: 'last-k', blocks: flat['trainable.blocks'] };
    case 'lora':
      return { kind: 'lora', rank: flat['trainable.rank'], alpha: flat['trainable.alpha'] };
  }
}

interface FieldText {
  label: string;
  /** What it does, for someone who has not read the paper. */
  help: string;
}

export interface NumberField extends FieldText {
  kind: 'number';
  name: FieldName;
  unit?: string;
}

export interface ChoiceField extends FieldText {
  kind: 'choice';
  name: FieldName;
  options: readonly { value: string; label: string }[];
}

export type Field = NumberField | ChoiceField;

export interface FieldGroup {
  title: string;
  note: string;
  fields: readonly Field[];
}

/** The form, group by group. */
export const fieldGroups: readonly FieldGroup[] = [
  {
    title: 'Length and batch',
    note: 'How much work the run does, and how much of it at a time.',
    fields: [
      {
        kind: 'number',
        name: 'steps',
        label: 'Steps',
        help: 'Times the encoder’s weights are changed.',
      },
      {
        kind: 'number',
        name: 'batchSize',
        label: 'Images a pass',
        help: 'Images that go through the graph together. Memory grows with it.',
      },
      {
        kind: 'number',
        name: 'accumulate',
        label: 'Passes a step',
        help: 'Passes whose gradients are averaged before a step: a larger batch without more memory.',
      },
      {
        kind: 'number',
        name: 'drawsPerImage',
        label: 'Noise draws an image',
        help: 'Each draw has its own noise and timestep. DIVA uses 2.',
      },
      {
        kind: 'number',
        name: 'checkpointEvery',
        label: 'Checkpoint every',
        help: 'Steps between checkpoints. 0 writes one at the end only.',
        unit: 'steps',
      },
    ],
  },
  {
    title: 'Visual condition',
    note: 'What the teacher is shown of the encoder’s tokens, and therefore what the feedback can improve.',
    fields: [
      {
        kind: 'choice',
        name: 'condition',
        label: 'Tokens shown to the teacher',
        help: 'DIVA found the class token with some patch tokens best for OpenAI’s CLIP.',
        options: [
          { value: 'class', label: 'Class token alone' },
          { value: 'class+part', label: 'Class and drawn patch tokens' },
          { value: 'class+all', label: 'Class and all patch tokens' },
        ],
      },
      {
        kind: 'number',
        name: 'partTokens',
        label: 'Patch tokens drawn',
        help: 'Drawn with replacement for each pass. DIVA: 76, so that 77 fill the teacher’s context.',
      },
      {
        kind: 'choice',
        name: 'projection',
        label: 'Way to the teacher',
        help: 'A layer that the run trains, as DIVA does, or a map into the teacher’s language that is fitted on sentences before the run and stays fixed.',
        options: [
          { value: 'learned', label: 'Learned layer' },
          { value: 'text-inverse', label: 'Fixed text-inverse map' },
        ],
      },
      {
        kind: 'number',
        name: 'directions',
        label: 'Directions matched',
        help: 'Text-inverse only: leading directions of the sentences in which images take their mean and spread.',
      },
      {
        kind: 'choice',
        name: 'fidelity',
        label: 'Where code and paper differ',
        help: 'Repeat the official code exactly, or do what the paper says.',
        options: [
          { value: 'corrected', label: 'Follow the paper' },
          { value: 'faithful', label: 'Repeat the code' },
        ],
      },
      {
        kind: 'number',
        name: 'cropScale',
        label: 'Smallest crop',
        help: 'Share of the area that a random crop keeps at least. 1 turns cropping off.',
      },
      {
        kind: 'number',
        name: 'crops',
        label: 'Crops of an image',
        help: '0 draws a new one each time. Otherwise the image’s crops take turns, and once each was shown the autoencoder has no more work.',
      },
    ],
  },
  {
    title: 'What trains',
    note: 'Fewer trained weights need less memory for gradients and optimiser state.',
    fields: [
      {
        kind: 'choice',
        name: 'trainable.kind',
        label: 'Weights that train',
        help: 'DIVA trains all. The layer between encoder and teacher always trains.',
        options: [
          { value: 'all', label: 'All weights' },
          { value: 'last-k', label: 'The last blocks' },
          { value: 'lora', label: 'Low-rank factors (LoRA)' },
        ],
      },
      {
        kind: 'number',
        name: 'trainable.blocks',
        label: 'Blocks from the end',
        help: 'What comes after the last block trains too.',
      },
      {
        kind: 'number',
        name: 'trainable.rank',
        label: 'LoRA rank',
        help: 'Width of the two factors beside each matrix of the blocks. They are merged into it on export.',
      },
      {
        kind: 'number',
        name: 'trainable.alpha',
        label: 'LoRA alpha',
        help: 'The factors’ product is scaled by alpha / rank.',
      },
      {
        kind: 'number',
        name: 'average',
        label: 'Moving average',
        help: 'Share of the averaged weights that each step keeps, such as 0.99. Scores and exports then use the average. 0 keeps none.',
      },
    ],
  },
  {
    title: 'Memory',
    note: 'Less memory for more time, or for fewer readings.',
    fields: [
      {
        kind: 'choice',
        name: 'precision',
        label: 'Compute in',
        help: 'float16 halves the weights that stay and most inner values. Trained weights, sums and the optimiser stay float32.',
        options: [
          { value: 'float32', label: 'float32' },
          { value: 'float16', label: 'float16, over float32 weights' },
        ],
      },
      {
        kind: 'choice',
        name: 'innerValues',
        label: 'Inner values',
        help: 'The backward needs values of the forward. Computing them a second time takes longer and holds fewer at once.',
        options: [
          { value: 'kept', label: 'Keep until the backward' },
          { value: 'recomputed', label: 'Compute again where it helps' },
        ],
      },
      {
        kind: 'choice',
        name: 'autoencoder',
        label: 'Image autoencoder',
        help: 'Makes the teacher’s latents: step by step beside the training, or all of them before it, and then its memory is free.',
        options: [
          { value: 'beside', label: 'Beside the training' },
          { value: 'before', label: 'Before the training, then released' },
        ],
      },
      {
        kind: 'choice',
        name: 'drift',
        label: 'Distance from the start',
        help: 'Measuring how far the weights have moved keeps a copy of those of the start.',
        options: [
          { value: 'measured', label: 'Measure' },
          { value: 'unmeasured', label: 'Do not measure' },
        ],
      },
    ],
  },
  {
    title: 'Optimiser',
    note: 'How a gradient becomes a change of the weights.',
    fields: [
      {
        kind: 'choice',
        name: 'optimizer.kind',
        label: 'Rule',
        help: 'DIVA trains with SGD. AdamW moves faster in few steps.',
        options: [
          { value: 'sgd', label: 'SGD with momentum' },
          { value: 'adamw', label: 'AdamW' },
        ],
      },
      {
        kind: 'number',
        name: 'optimizer.learningRate',
        label: 'Learning rate',
        help: 'Its peak, after the warm-up. Too high a rate costs zero-shot accuracy.',
      },
      {
        kind: 'choice',
        name: 'optimizer.schedule',
        label: 'Schedule',
        help: 'How the rate falls after the warm-up.',
        options: [
          { value: 'cosine', label: 'Cosine to zero' },
          { value: 'linear', label: 'Linear to zero' },
          { value: 'constant', label: 'Constant' },
        ],
      },
      {
        kind: 'number',
        name: 'optimizer.warmup',
        label: 'Warm-up',
        help: 'Share of the steps over which the rate rises from zero.',
      },
      {
        kind: 'number',
        name: 'projectorWarmup',
        label: 'Projection first',
        help: 'First steps that train only the layer between encoder and teacher. The encoder stays as it is meanwhile.',
        unit: 'steps',
      },
      {
        kind: 'number',
        name: 'projectorLearningRate',
        label: 'Rate of these steps',
        help: 'Constant. May be higher: a new layer has nothing to lose.',
      },
      {
        kind: 'number',
        name: 'optimizer.clipNorm',
        label: 'Clip gradient norm at',
        help: 'Longer gradients are scaled down to this norm. 0 turns clipping off.',
      },
      {
        kind: 'number',
        name: 'optimizer.momentum',
        label: 'Momentum (beta 1)',
        help: 'Share of the last direction that is kept.',
      },
      {
        kind: 'number',
        name: 'optimizer.beta2',
        label: 'Beta 2',
        help: 'AdamW only: memory of the squared gradients.',
      },
      {
        kind: 'number',
        name: 'optimizer.epsilon',
        label: 'Epsilon',
        help: 'AdamW only: keeps the division away from zero.',
      },
      {
        kind: 'number',
        name: 'anchor',
        label: 'Anchor',
        help: 'Weight of keeping the pictures’ similarities to one another as they were, which protects zero-shot. 0 lets go.',
      },
      {
        kind: 'number',
        name: 'optimizer.weightDecay',
        label: 'Weight decay',
        help: 'Decoupled, on matrices only. DIVA: 0.',
      },
    ],
  },
  {
    title: 'Randomness',
    note: 'One seed gives the same run on the same hardware, step by step.',
    fields: [
      {
        kind: 'number',
        name: 'seed',
        label: 'Seed',
        help: 'Of every crop, token, noise and timestep draw. Repeat a run with several seeds before believing it.',
      },
      {
        kind: 'choice',
        name: 'timesteps.sampling',
        label: 'Timestep sampling',
        help: 'DIVA draws them evenly. GenHancer prefers the middle of the range.',
        options: [
          { value: 'uniform', label: 'Uniform' },
          { value: 'logit-normal', label: 'Logit-normal' },
        ],
      },
      {
        kind: 'number',
        name: 'timesteps.mean',
        label: 'Logit-normal mean',
        help: 'Above 0 favours noisy timesteps, below 0 clean ones.',
      },
      {
        kind: 'number',
        name: 'timesteps.std',
        label: 'Logit-normal deviation',
        help: 'Smaller keeps timesteps closer together.',
      },
      {
        kind: 'number',
        name: 'timesteps.min',
        label: 'Timesteps from',
        help: 'Least noise, 0 to 999.',
      },
      {
        kind: 'number',
        name: 'timesteps.max',
        label: 'Timesteps below',
        help: 'Most noise, up to 1000. DIVA draws from the whole range.',
      },
    ],
  },
];

/** Labels by field name. */
export const fieldLabels: Readonly<Record<string, string>> = Object.fromEntries(
  fieldGroups.flatMap(({ fields }) => fields.map(({ name, label }) => [name, label])),
);
