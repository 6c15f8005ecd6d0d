import type { TeacherFolder } from '../exchange/teacher-folder.ts';
import type { RefineConfig } from '../method/config.ts';
import { blockInputs } from '../method/encoder-parts.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { specialise } from '../onnx/specialise.ts';
import { type GraphWork, workOf } from '../onnx/work.ts';
import {
  type CheaperChoice,
  type DeviceRoom,
  planRefinement,
  type RefinementDesign,
  type RefinementPlan,
} from '../runtime/plan-refinement.ts';
import type { RuntimeProvider } from '../runtime/session.ts';
import { besideBytes } from './beside.ts';
import { type NetworkParts, networkGraphs } from './network.ts';
import { buildWay, configOf, type TrainingWay, wayOf, withoutLosses } from './training-way.ts';

/** A run to be planned: models read but not loaded. */
export interface PlannedRun {
  parts: NetworkParts;
  vaeEncoder: TeacherFolder['vaeEncoder'];
  /** Edge of the autoencoder's square image, in pixels. */
  teacherSize: number;
  config: RefineConfig;
  provider: RuntimeProvider;
  /** Whether the provider computes in float16. */
  f16: boolean;
  room?: DeviceRoom;
  /** Whether a pair of pictures is followed through the run. */
  followed?: boolean;
}

export interface RunPlan {
  memory: RefinementPlan;
  /** The cheaper choices of the plan with the configurations that make them, least memory first. */
  choices: (RefinementPlan['choices'][number] & { config: RefineConfig })[];
  /** Work of one pass of the training graph. */
  pass: GraphWork;
  /** Work of making one latent. */
  latent: GraphWork;
}

/**
 * What a run will take, from its graphs alone. Cheaper ways are planned whether or not the first one fits when `always`
 * is set, so that the person may choose among them.
 */
export async function planRun(run: PlannedRun, always = false): Promise<RunPlan> {
  const { config, parts, provider } = run;
  const autoencoder = await latentGraph(run);
  const batches = new Map<number, Awaited<ReturnType<typeof networkGraphs>>>();
  const graphsAt = async (batchSize: number) => {
    const known = batches.get(batchSize) ?? (await networkGraphs(parts, { ...config, batchSize }));
    batches.set(batchSize, known);
    return known;
  };
  const designOf = async (way: TrainingWay): Promise<RefinementDesign> => {
    const built = buildWay(await graphsAt(way.batchSize), way, provider);
    const { graph, weights, trainable, gradients } = built;
    return {
      graph,
      weights,
      trainable,
      gradients,
      optimizer: way.optimizer,
      passes: configOf(config, way).accumulate * config.drawsPerImage,
      drift: way.drift,
      releaseAutoencoder: way.releaseAutoencoder,
      autoencoder,
      beside: await besideOf(run, way, built),
      provider,
    };
  };
  const way = wayOf(config);
  const design = await designOf(way);
  const { encoder } = await graphsAt(way.batchSize);
  const choices = cheaperWays(way, { f16: run.f16, blocks: blockInputs(encoder).length });
  const cheaper = choices.map(
    ({ choice, change }): CheaperChoice => ({ choice, design: () => designOf({ ...way, ...change }) }),
  );
  const memory = await planRefinement(design, run.room, cheaper, always);
  const configs = new Map(
    choices.map(({ choice, change }) => [choice, configOf(config, { ...way, ...change })]),
  );
  return {
    memory,
    choices: memory.choices.map((found) => ({ ...found, config: configs.get(found.choice)! })),
    pass: workOf(design.graph),
    latent: workOf(autoencoder),
  };
}

/** Sessions of a run that embed images beside its training (workers/engine/runs.ts, watched-pair.ts). */
async function besideOf(
  { config, parts: { vision, imageSize }, followed }: PlannedRun,
  way: TrainingWay,
  { graph, weights, trainable }: ReturnType<typeof buildWay>,
): Promise<number> {
  const inputs = new Set(weights);
  const wide = (name: string) =>
    inputs.has(`encoder/${name}`) &&
    graph.types.get(`encoder/${name}`)?.dtype === vision.graph.initializers.get(name)?.dtype;
  // The weights of the start are there for the drift, and the anchor reads them too.
  const atStart = (name: string) => wide(name) && (way.drift || !trainable.includes(`encoder/${name}`));
  // A matrix with low-rank factors is merged into a copy; vectors have none.
  const lora = typeof way.train === 'object' && 'rank' in way.train;
  const atPresent = (name: string) =>
    wide(name) && !(lora && (vision.graph.initializers.get(name)?.shape.length ?? 0) > 1);
  return (
    (config.anchor ? await besideBytes(vision, imageSize, way.batchSize, atStart) : 0) +
    (followed ? await besideBytes(vision, imageSize, 2, atPresent) : 0)
  );
}

async function latentGraph({ vaeEncoder, teacherSize }: PlannedRun): Promise<TypedGraph> {
  const input = vaeEncoder.graph.inputs[0]!.name;
  return specialise(vaeEncoder, { shapes: { [input]: [1, 3, teacherSize, teacherSize] } });
}

/** Single changes that take less, then those that go together well. */
function cheaperWays(
  way: TrainingWay,
  { f16, blocks }: { f16: boolean; blocks: number },
): { choice: string; change: Partial<TrainingWay> }[] {
  const last = Math.max(1, Math.floor(blocks / 4));
  const single = [
    { choice: 'float16', change: { precision: 'float16' }, open: f16 && way.precision === 'float32' },
    { choice: 'recompute inner values', change: { recompute: true }, open: !way.recompute },
    { choice: 'LoRA, rank 16', change: { train: { rank: 16 } }, open: way.train === 'all' },
    {
      choice: `train the last ${last} blocks`,
      change: { train: { blocks: last } },
      open: way.train === 'all' && last < blocks,
    },
    { choice: 'batch 1', change: { batchSize: 1 }, open: way.batchSize > 1 },
    { choice: 'SGD with momentum', change: { optimizer: 'sgd' }, open: way.optimizer === 'adamw' },
    { choice: 'leave the drift unmeasured', change: { drift: false }, open: way.drift },
    {
      choice: 'release the autoencoder before training',
      change: { releaseAutoencoder: true },
      open: !way.releaseAutoencoder,
    },
  ] satisfies { choice: string; change: Partial<TrainingWay>; open: boolean }[];
  const open = single.filter((each) => each.open);
  const lossless = withoutLosses(way);
  const together = [
    { choice: 'recompute, batch 1, autoencoder released', change: lossless },
    ...(f16
      ? [{ choice: 'the same in float16', change: { ...lossless, precision: 'float16' as const } }]
      : []),
    {
      choice: `the same${f16 ? ' in float16' : ''} with SGD, drift unmeasured`,
      change: {
        ...lossless,
        ...(f16 && { precision: 'float16' as const }),
        optimizer: 'sgd' as const,
        drift: false,
      },
    },
    {
      choice: `the same${f16 ? ' in float16' : ''} with LoRA, rank 16`,
      change: { ...lossless, ...(f16 && { precision: 'float16' as const }), train: { rank: 16 } },
    },
  ];
  return [...open, ...together];
}
