import * as z from 'zod/mini';
import type { HardwareReport } from '../../../workers/protocol.ts';
import { presets, type RefineConfig } from '../../method/config.ts';
import { formatQuantity } from '../shared/format.ts';
import { type FieldName, type FlatConfig, flatten, unflatten } from './fields.ts';

// zod otherwise probes `new Function`, which the content security policy reports as a violation.
z.config({ jitless: true });

/** A configuration being written: each field as text, so that any may be half-typed. */
export type Draft = Record<FieldName, string>;

export type DraftProblems = Partial<Record<FieldName, string>>;

/** What bounds the fields beside their own ranges; undefined while it is not known. */
export interface DraftContext {
  /** Images in the set. */
  images?: number | undefined;
  /** What a run would compute on. */
  hardware?: Pick<HardwareReport, 'provider' | 'adapter'> | undefined;
}

function whole(least: number, most: number) {
  return z
    .number('Give a number')
    .check(
      z.int('Give a whole number'),
      z.gte(least, `At least ${least}`),
      z.lte(most, `At most ${most.toLocaleString('en')}`),
    );
}

function between(least: number, most: number) {
  return z.number('Give a number').check(z.gte(least, `At least ${least}`), z.lte(most, `At most ${most}`));
}

const schema = z.object({
  fidelity: z.enum(['faithful', 'corrected']),
  condition: z.enum(['class', 'class+part', 'class+all']),
  partTokens: whole(1, 4096),
  projection: z.enum(['learned', 'text-inverse']),
  directions: whole(1, 512),
  anchor: between(0, 1000),
  drawsPerImage: whole(1, 64),
  batchSize: whole(1, 1024),
  accumulate: whole(1, 4096),
  steps: whole(1, 1_000_000),
  'trainable.kind': z.enum(['all', 'last-k', 'lora']),
  'trainable.blocks': whole(1, 256),
  'trainable.rank': whole(1, 1024),
  'trainable.alpha': z.number('Give a number').check(z.gt(0, 'Above 0'), z.lte(1024, 'At most 1024')),
  average: between(0, 0.99999),
  'optimizer.kind': z.enum(['sgd', 'adamw']),
  'optimizer.learningRate': z.number('Give a number').check(z.gt(0, 'Above 0'), z.lte(1, 'At most 1')),
  'optimizer.momentum': between(0, 0.9999),
  'optimizer.beta2': between(0, 0.999999),
  'optimizer.epsilon': z.number('Give a number').check(z.gt(0, 'Above 0'), z.lte(0.1, 'At most 0.1')),
  'optimizer.weightDecay': between(0, 10),
  'optimizer.clipNorm': between(0, 1e6),
  'optimizer.schedule': z.enum(['constant', 'linear', 'cosine']),
  'optimizer.warmup': between(0, 1),
  'timesteps.min': whole(0, 999),
  'timesteps.max': whole(1, 1000),
  'timesteps.sampling': z.enum(['uniform', 'logit-normal']),
  'timesteps.mean': between(-10, 10),
  'timesteps.std': z.number('Give a number').check(z.gt(0, 'Above 0'), z.lte(10, 'At most 10')),
  projectorWarmup: whole(0, 999_999),
  projectorLearningRate: z.number('Give a number').check(z.gt(0, 'Above 0'), z.lte(1, 'At most 1')),
  cropScale: z.number('Give a number').check(z.gte(0.05, 'At least 0.05'), z.lte(1, 'At most 1')),
  crops: whole(0, 1024),
  autoencoder: z.enum(['beside', 'before']),
  precision: z.enum(['float32', 'float16']),
  innerValues: z.enum(['kept', 'recomputed']),
  drift: z.enum(['measured', 'unmeasured']),
  seed: whole(0, 4_294_967_295),
  checkpointEvery: whole(0, 1_000_000),
}) satisfies z.ZodMiniType<FlatConfig>;

const example = flatten(presets.quick);

/** The draft that reads as `config`. */
export function draftOf(config: RefineConfig): Draft {
  return mapFields(flatten(config), (value) =>
    typeof value === 'number' && !Number.isInteger(value) ? formatQuantity(value, 15) : String(value),
  );
}

function mapFields<Fields extends Record<FieldName, string | number>, To>(
  fields: Fields,
  change: (value: Fields[FieldName], name: FieldName) => To,
) {
  const names = Object.keys(fields) as FieldName[];
  return Object.fromEntries(names.map((name) => [name, change(fields[name], name)])) as Record<FieldName, To>;
}

/** Text of number fields as numbers; what is no number becomes NaN, which the schema refuses. */
function read(draft: Draft): Record<FieldName, string | number> {
  return mapFields(draft, (text, name) => {
    if (typeof example[name] !== 'number') return text;
    return text.trim() === '' ? Number.NaN : Number(text);
  });
}

/** Reads a draft: the configuration, or what is wrong with which field. */
export function readDraft(
  draft: Draft,
  context: DraftContext = {},
): { config: RefineConfig } | { problems: DraftProblems } {
  const parsed = schema.safeParse(read(draft));
  if (!parsed.success) {
    const problems: DraftProblems = {};
    for (const issue of parsed.error.issues) {
      const name = issue.path[0] as FieldName;
      problems[name] ??= issue.message;
    }
    return { problems };
  }
  const problems = crossCheck(parsed.data, context);
  return Object.keys(problems).length > 0 ? { problems } : { config: unflatten(parsed.data) };
}

function crossCheck(flat: FlatConfig, { images, hardware }: DraftContext): DraftProblems {
  const problems: DraftProblems = {};
  if (flat['timesteps.min'] >= flat['timesteps.max']) {
    problems['timesteps.max'] = `Above ${flat['timesteps.min']}, where the range begins`;
  }
  if (flat.projectorWarmup >= flat.steps) {
    problems.projectorWarmup = `Below ${flat.steps}, the steps of the whole run`;
  }
  if (flat.projection === 'text-inverse' && flat.condition !== 'class') {
    problems.condition = 'The text-inverse map speaks for the class token alone';
  }
  if (images !== undefined && flat.batchSize > images) {
    problems.batchSize = `The image set holds only ${images}`;
  }
  if (hardware && flat.precision === 'float16') {
    if (hardware.provider !== 'webgpu') problems.precision = 'WebAssembly computes in float32';
    else if (!hardware.adapter?.f16) problems.precision = 'This GPU has no float16 (shader-f16)';
  }
  return problems;
}

/** Fields that have no effect under the draft's other choices. */
export function idleFields(draft: Draft): ReadonlySet<FieldName> {
  const names = new Set<FieldName>();
  if (draft.condition !== 'class+part') names.add('partTokens');
  if (Number(draft.cropScale) === 1) names.add('crops');
  if (draft['timesteps.sampling'] !== 'logit-normal') {
    names.add('timesteps.mean');
    names.add('timesteps.std');
  }
  if (draft.projection === 'text-inverse') names.add('projectorWarmup').add('projectorLearningRate');
  else names.add('directions');
  if (draft['trainable.kind'] !== 'last-k') names.add('trainable.blocks');
  if (draft['trainable.kind'] !== 'lora') {
    names.add('trainable.rank');
    names.add('trainable.alpha');
  }
  if (Number(draft.projectorWarmup) === 0) names.add('projectorLearningRate');
  if (draft['optimizer.kind'] === 'sgd') {
    names.add('optimizer.beta2');
    names.add('optimizer.epsilon');
  }
  return names;
}
