/**
 * Plans the memory of refining ViT-L/14 with SD 2.1 in several ways, from graphs without their weights, and writes the
 * table to standard output as docs/memory.md.
 *
 *   python -m tools.reference.full_size FOLDER vit-l-14 sd21-base sd-vae-encoder
 *   npx tsx bench/memory.ts FOLDER > docs/memory.md
 */
import { addLora } from '../src/autodiff/lora.ts';
import { buildTrainingGraph } from '../src/method/training-graph.ts';
import type { TypedGraph } from '../src/onnx/model.ts';
import {
  type CheaperChoice,
  planRefinement,
  type RefinementDesign,
  type RefinementPlan,
} from '../src/runtime/plan-refinement.ts';
import { inPrecision } from '../src/training/network.ts';
import { fullSizeGraph } from './full-size-graphs.ts';

const [folder = ''] = process.argv.slice(2);

/** What WebGPU promises of a storage buffer binding: attention is split to fit it. */
const promisedBinding = 128 * 2 ** 20;
/** The binding and buffer limit of common cards: 2 GiB less one word. */
const commonBinding = 2 ** 31 - 4;
const card = { maxBufferSize: commonBinding, maxStorageBufferBindingSize: commonBinding };
/** Share of an 8 GB card that a tab may take beside the desktop. */
const small = { ...card, total: 6.5e9 };

interface Way {
  label: string;
  precision: 'float32' | 'float16';
  train: 'all' | 'last 6 blocks' | 'LoRA r16';
  optimizer: 'sgd' | 'adamw';
  recompute: boolean;
  drift: boolean;
  batch: 1 | 8;
}

const graphs = new Map<string, TypedGraph>();

async function load(batch: number): Promise<void> {
  for (const name of [`vit-l-14-b${batch}`, `sd21-base-b${batch}`, 'sd-vae-encoder-b1'])
    graphs.set(name, await fullSizeGraph(folder, name));
}

/** Encoder and names of what trains. */
function trained(encoder: TypedGraph, train: Way['train']): { encoder: TypedGraph; trainable?: string[] } {
  if (train === 'all') return { encoder };
  if (train === 'last 6 blocks') {
    const last = /layers\.(1[89]|2[0-3])\.|post_layernorm|visual_projection/;
    return { encoder, trainable: [...encoder.initializers.keys()].filter((name) => last.test(name)) };
  }
  const matrices = [...encoder.initializers.keys()].filter((name) => /layers\.\d+\..*weight\.T$/.test(name));
  const adapted = addLora(encoder, {
    weights: matrices,
    rank: 16,
    alpha: 16,
    initial: (_, count) => new Float32Array(count),
  });
  return { encoder: adapted.graph, trainable: adapted.factors.flatMap(({ down, up }) => [down, up]) };
}

function designOf({ precision, train, optimizer, recompute, drift, batch }: Way): RefinementDesign {
  const pick = (name: string) => graphs.get(name)!;
  const training = buildTrainingGraph({
    ...inPrecision(
      { ...trained(pick(`vit-l-14-b${batch}`), train), teacher: pick(`sd21-base-b${batch}`) },
      precision,
    ),
    config: { condition: 'class+part', partTokens: 76 },
    prediction: 'epsilon',
    contextTokens: 77,
    weightsAsInputs: 'all',
    ...(recompute && { memoryBudget: 0, maxScoreBytes: promisedBinding }),
  });
  const projection = ['visual_proj.weight', 'visual_proj.bias'];
  return {
    graph: training.graph,
    weights: [...training.weights.keys(), ...projection.filter((name) => !training.weights.has(name))],
    trainable: [...training.gradients.keys()],
    gradients: [...training.gradients.values()],
    optimizer,
    drift,
    autoencoder: pick('sd-vae-encoder-b1'),
    // A thousand images of 4 x 64 x 64, float32.
    latents: 1000 * 4 * 64 * 64 * 4,
  };
}

const base: Way = {
  label: 'SGD with momentum',
  precision: 'float16',
  train: 'all',
  optimizer: 'sgd',
  recompute: true,
  drift: false,
  batch: 1,
};
const ways: Way[] = [
  base,
  { ...base, label: 'LoRA, rank 16, AdamW', train: 'LoRA r16', optimizer: 'adamw' },
  { ...base, label: 'last 6 blocks, AdamW', train: 'last 6 blocks', optimizer: 'adamw' },
  { ...base, label: 'AdamW', optimizer: 'adamw' },
  { ...base, label: 'AdamW, drift measured', optimizer: 'adamw', drift: true },
  { ...base, label: 'SGD with momentum, drift measured', drift: true },
  { ...base, label: 'SGD with momentum, nothing recomputed', recompute: false },
  { ...base, label: 'SGD with momentum, batch 8', batch: 8 },
  { ...base, label: 'SGD with momentum, float32', precision: 'float32' },
  {
    ...base,
    label: 'AdamW, float32, nothing recomputed',
    precision: 'float32',
    optimizer: 'adamw',
    recompute: false,
  },
];

const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);
const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;

function rowOf(label: string, plan: RefinementPlan): string {
  return row(
    label,
    ...[
      plan.weightsByType.float16 ?? 0,
      plan.weightsByType.float32 ?? 0,
      plan.masters,
      plan.gradients,
      plan.moments,
      plan.reference,
      plan.activations,
      plan.stages.latents,
      plan.peak,
    ].map(gigabytes),
    (plan.largest.bytes / 2 ** 20).toFixed(0),
  );
}

for (const batch of [1, 8]) await load(batch);
const table: string[] = [];
for (const way of ways) table.push(rowOf(way.label, await planRefinement(designOf(way), card)));

const full: Way = { ...base, precision: 'float32', optimizer: 'adamw', recompute: false, drift: true };
const choice = (name: string, change: Partial<Way>): CheaperChoice => ({
  choice: name,
  design: () => designOf({ ...full, ...change }),
});
const refused = await planRefinement(designOf(full), small, [
  choice('float16', { precision: 'float16' }),
  choice('recompute', { recompute: true }),
  choice('LoRA, rank 16', { train: 'LoRA r16' }),
  choice('last 6 blocks', { train: 'last 6 blocks' }),
  choice('float16 and recompute', { precision: 'float16', recompute: true }),
  choice('float16, recompute, SGD, drift not measured', base),
  choice('float16, recompute, LoRA', { precision: 'float16', recompute: true, train: 'LoRA r16' }),
]);

console.log(`# Planned memory: ViT-L/14 refined with SD 2.1

Written by \`bench/memory.ts\` from graphs with the real configurations, weights left out. These are plans, made before
anything is loaded, not measurements: sums of what the run allocates, and the peak of inner values in the order in
which the runtime runs the graph. GB are 10^9 bytes. "float16" computes in float16 but for norms, softmaxes and the
loss; what trains is float32, with its gradients and moments. Unless said otherwise: batch 1, attention split at
128 MiB, everything recomputed that lowers the peak, the drift not measured, 1,000 latents kept (0.07 GB). The
autoencoder works before training, in float32, and is released; "latents" is the peak of that stage. Each way is a
setting of the Refine room.

${row('way', 'weights f16', 'weights f32', 'masters', 'gradients', 'moments', 'drift', 'inner values', 'latents stage', 'peak', 'largest value, MiB')}
${row(...new Array(11).fill('---'))}
${table.join('\n')}

## What does not fit names the cheaper choices

AdamW on all weights in float32, drift measured, nothing recomputed, planned against 6.5 GB:

${refused.obstacles.map((line) => `> ${line}`).join('\n')}

${row('choice', 'peak GB', 'fits')}
${row('---', '---', '---')}
${refused.choices.map(({ choice: name, peak, fits }) => row(name, gigabytes(peak), fits ? 'yes' : 'no')).join('\n')}`);
