import { presets } from '../../src/method/config.ts';
import type {
  BenchmarkReport,
  BenchmarkSummary,
  CheckpointSummary,
  EncoderSummary,
  HardwareReport,
  ImageSetSummary,
  PairScore,
  RunSummary,
  StepRecord,
  TeacherSummary,
  WatchedPair,
  WeightsRef,
} from '../../workers/protocol.ts';

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export const hardware: HardwareReport = {
  provider: 'wasm',
  reason: 'The only WebGPU adapter is a software one, which is slower than WebAssembly on this processor.',
  adapter: {
    description: 'SwiftShader Device (Subzero)',
    vendor: 'google',
    architecture: 'swiftshader',
    software: true,
    f16: false,
  },
  wasmThreads: 2,
  crossOriginIsolated: true,
};

export const encoder: EncoderSummary = {
  id: 'acuity-clip',
  name: 'acuity-clip',
  family: 'CLIP ViT',
  parameters: 1_424_385,
  bytes: 5_746_523,
  imageSize: 64,
  patchSize: 8,
  patches: 64,
  width: 128,
  projection: 128,
  hasText: true,
  files: [
    { path: 'config.json', bytes: 1100 },
    { path: 'onnx/text_model.onnx', bytes: 2_273_692 },
    { path: 'onnx/vision_model.onnx', bytes: 3_432_708 },
    { path: 'preprocessor_config.json', bytes: 463 },
    { path: 'tokenizer.json', bytes: 18_279 },
  ],
};

export const blindEncoder: EncoderSummary = {
  ...encoder,
  id: 'vit-l-14-336',
  name: 'clip-vit-large-patch14-336',
  parameters: 303_966_208,
  bytes: 1_217_042_111,
  imageSize: 336,
  patchSize: 14,
  patches: 576,
  width: 1024,
  projection: 768,
  hasText: false,
  files: [{ path: 'onnx/vision_model.onnx', bytes: 1_217_041_011 }],
};

export const teacher: TeacherSummary = {
  id: 'acuity-diffusion',
  name: 'acuity-diffusion',
  family: 'Stable Diffusion',
  parameters: 2_231_112,
  bytes: 8_646_911,
  imageSize: 64,
  latent: { channels: 4, size: 16 },
  context: { tokens: 77, width: 128 },
  files: [
    { path: 'text_encoder/model.onnx', bytes: 2_195_008 },
    { path: 'unet/model.onnx', bytes: 5_991_936 },
    { path: 'vae_encoder/model.onnx', bytes: 435_811 },
  ],
};

export const imageSet: ImageSetSummary = {
  id: 'scenes',
  name: 'Demo scenes',
  count: 1200,
  bytes: 7_340_112,
  skipped: [],
  hash: '5f'.repeat(32),
};

export const holedSet: ImageSetSummary = {
  ...imageSet,
  id: 'holiday',
  name: 'holiday-2024',
  count: 318,
  bytes: 1_021_000_000,
  skipped: [
    { path: 'holiday-2024/raw/IMG_2210.CR3', reason: 'not a PNG, JPEG or WebP file' },
    { path: 'holiday-2024/IMG_2231.jpg', reason: 'the file ends in the middle of the picture' },
    { path: 'holiday-2024/notes.txt', reason: 'not a PNG, JPEG or WebP file' },
  ],
};

const patternNames = [
  'Orientation and Direction',
  'Presence of Specific Features',
  'State and Condition',
  'Quantity and Count',
  'Positional and Relational Context',
  'Color and Appearance',
  'Structural Characteristics',
  'Texts',
  'Viewpoint and Perspective',
];

export const benchmark: BenchmarkSummary = {
  id: 'demo-benchmark',
  name: 'Demo benchmark',
  pairs: 135,
  patterns: patternNames.map((name) => ({ name, pairs: 15 })),
  official: true,
  warnings: [],
};

export const warnedBenchmark: BenchmarkSummary = {
  ...benchmark,
  id: 'own-benchmark',
  name: 'own-pairs',
  pairs: 40,
  patterns: [
    { name: 'Counting', pairs: 22 },
    { name: 'Colour', pairs: 18 },
  ],
  official: false,
  warnings: ['Row 17: the image Counting/17.jpg is missing; its pair was left out'],
};

const statements: readonly [string, string][] = [
  ['a duck facing left', 'a duck facing right'],
  ['a cup with a spoon', 'a cup without a spoon'],
  ['an open box', 'a closed box'],
  ['two red apples', 'three red apples'],
  ['a ball left of a cube', 'a ball right of a cube'],
  ['a green car', 'a blue car'],
  ['a tall tower', 'a wide tower'],
  ['a sign that says STOP', 'a sign that says SHOP'],
  ['a chair from the front', 'a chair from behind'],
];

const solvedBefore = [2, 5, 8, 4, 3, 11, 6, 3, 4];
const solvedAfter = [7, 6, 9, 8, 5, 12, 6, 2, 6];

/** A report whose scores follow the lists above, with similarities to match. */
export function report(weights: WeightsRef, refined: boolean): BenchmarkReport {
  const random = numbers(refined ? 11 : 7);
  const pairs: PairScore[] = patternNames.flatMap((pattern, group) =>
    Array.from({ length: 15 }, (_, at) => {
      const solved = refined ? solvedAfter[group]! : solvedBefore[group]!;
      // Shift by one so that some pairs that were right become wrong.
      const correct = refined ? (at + 14) % 15 < solved : at < solved;
      return {
        index: group * 15 + at,
        pattern,
        images: [
          `images/${pattern}/${group * 30 + at * 2 + 1}.png`,
          `images/${pattern}/${group * 30 + at * 2 + 2}.png`,
        ],
        statements: statements[group]!,
        similarities: similarities(random, correct),
        correct,
      };
    }),
  );
  const patterns = patternNames.map((name) => {
    const correct = pairs.filter((pair) => pair.pattern === name && pair.correct).length;
    return { name, correct, pairs: 15, score: (100 * correct) / 15 };
  });
  return {
    benchmark: benchmark.id,
    weights,
    total: patterns.reduce((sum, { score }) => sum + score, 0) / patterns.length,
    patterns,
    pairs,
    mode: 'reference',
    seconds: 4.2,
  };
}

function similarities(random: () => number, correct: boolean): PairScore['similarities'] {
  const base = () => 0.24 + 0.05 * random();
  const lead = () => 0.002 + 0.02 * random();
  const [first, second] = [base(), base()];
  const second0 = correct ? second - lead() : second + lead();
  return [
    [first + lead(), first],
    [second0, second],
  ];
}

/** A pair to follow, as the engine knows it before the first step. */
export function watched(owner: string, index: number): WatchedPair {
  const { images, statements } = report({ kind: 'original', encoder: encoder.id }, false).pairs[index]!;
  return { benchmark: owner, index, images, statements, points: [watchedPoint(0, 1)] };
}

/** Both statements lean to picture B at first and to their own pictures in the end. */
export function watchedPoint(step: number, last: number): WatchedPair['points'][number] {
  const share = step / last;
  const wave = 0.003 * Math.sin(step / 3);
  return {
    step,
    similarities: [
      [0.25 + 0.024 * share + wave, 0.262],
      [0.248 - 0.004 * share, 0.256 + 0.01 * share + wave],
    ],
  };
}

export function step(number: number, seed = 3): StepRecord {
  const random = numbers(seed * 1000 + number);
  const noise = () => random() + random() + random() - 1.5;
  return {
    step: number,
    loss: 0.118 + 0.055 * Math.exp(-number / 22) + 0.011 * noise(),
    gradientNorm: 0.42 + 0.5 * Math.exp(-number / 15) + 0.08 * noise(),
    learningRate: 1e-5,
    drift: 0.021 * number ** 0.72,
    ms: number === 1 ? 2410 : 612 + 45 * noise(),
  };
}

export function run(id: string, change: Partial<RunSummary> & { step: number }): RunSummary {
  return {
    id,
    name: id,
    state: 'finished',
    config: presets.quick,
    encoder: encoder.id,
    teacher: teacher.id,
    imageSet: imageSet.id,
    provider: 'wasm',
    createdAt: '2026-11-23T16:20:00Z',
    steps: Array.from({ length: change.step }, (_, index) => step(index + 1)),
    ...change,
  };
}

export function checkpoint(of: string, number: number): CheckpointSummary {
  return {
    id: `${of}-${number}`,
    run: of,
    step: number,
    bytes: 17_204_880,
    createdAt: '2026-11-23T16:21:30Z',
    loss: step(number).loss,
    encoder: encoder.id,
    scores: [],
  };
}
