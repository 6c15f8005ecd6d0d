import { gradient } from '../autodiff/gradient.ts';
import { mixedPrecision } from '../autodiff/mixed-precision.ts';
import { type RecomputeResult, recompute } from '../autodiff/recompute.ts';
import { splitAttention } from '../autodiff/split-attention.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { codeOf, isFloat } from '../onnx/data-types.ts';
import { UnsupportedModelError } from '../onnx/errors.ts';
import { addInput, addOutput, emptyGraph, graft, nameOutput, rename } from '../onnx/graft.ts';
import { isWeight, liftWeights } from '../onnx/lift-weights.ts';
import type { DataType, Tensor, TypedGraph } from '../onnx/model.ts';
import { buildAnchor } from './anchor.ts';
import { buildCondition, conditionRows } from './condition.ts';
import type { RefineConfig } from './config.ts';
import { blocksOfWeights } from './encoder-parts.ts';
import { promoteTokens } from './tokens.ts';

export interface TrainingGraphRequest {
  /** The vision graph at the training batch size; one float input [batch, 3, H, W]. */
  encoder: TypedGraph;
  /**
   * The denoiser at the training batch size: inputs sample [batch, C, h, w], timestep, context
   * [batch, L, width]; one output of the sample's shape.
   */
  teacher: TypedGraph;
  config: Pick<RefineConfig, 'condition' | 'partTokens' | 'projection' | 'anchor'>;
  /** What the teacher predicts (see {@link NoiseSchedule}). */
  prediction: 'epsilon' | 'v_prediction' | 'sample';
  /** Tokens of the prompt's text context. */
  contextTokens: number;
  /** Names of the encoder's initialisers to train; default: every floating-point one on the way to the tokens. */
  trainable?: readonly string[];
  /** `all`: the teacher's weights are inputs as well, for GPU buffers; `trainable`: they stay inside the model. */
  weightsAsInputs: 'all' | 'trainable';
  /** Bytes that inner values may take at once; what does not fit is computed twice. Default: no limit. */
  memoryBudget?: number;
  /** Bytes of the largest attention scores allowed: the adapter's binding limit. Default: no limit. */
  maxScoreBytes?: number;
}

export interface TrainingGraph {
  graph: TypedGraph;
  /**
   * Encoder weights that train, by their name in the encoder's file; in the graph `encoder/<name>`. With LoRA
   * `<name>.lora_down` [inputs, rank] and `<name>.lora_up` [rank, outputs].
   */
  trainable: string[];
  /** Every weight that is an input: graph input name to where its elements are. `visual_proj.*` are not among them. */
  weights: Map<string, Tensor>;
  /** Graph inputs of one step: what the loop feeds, with their types. */
  feeds: {
    pixels: string;
    latents: string;
    noise: string;
    signalScale: string;
    noiseScale: string;
    timestep: string;
    selection: string;
    prompt: string;
    /** Scalar that multiplies the gradient (not the reported loss): weights of draws, or a loss scale for f16. */
    lossScale: string;
    /** Original embeddings of the images; undefined without an anchor. */
    anchor: string | undefined;
  };
  /** Elements of the timestep input: one for the whole batch, or one for each image. */
  timestepShape: readonly number[];
  rows: number;
  tokens: number;
  contextWidth: number;
  tokenWidth: number;
  /** For every trained weight, a learned `visual_proj.weight` and `.bias` included, the output holding its gradient. */
  gradients: Map<string, string>;
  /** The transformer block of each encoder weight, by its name in the graph; 0 is before the first. */
  blockOf: Map<string, number>;
  forwardNodes: number;
  /** Including the forward nodes that run again. */
  backwardNodes: number;
  /** What the memory budget cost, and whether it is met. */
  memory: Omit<RecomputeResult, 'graph'>;
}

export const lossOutput = 'loss';
/** The anchor's own loss, unweighted; the output is there when the run has an anchor. */
export const anchorOutput = 'anchor_loss';

/**
 * One DIVA training pass as a single ONNX graph (diva.md, "One training step"):
 * encoder, token selection, projection, sum with the prompt, the frozen denoiser on
 * x_t = sqrt(abar_t) z + sqrt(1 - abar_t) e, mean squared error against what it should predict, and the gradient of
 * that loss with respect to every encoder weight and the projection, unless a fixed map stands in its place. With an
 * anchor the gradient is that of the loss plus the anchor's share (see {@link buildAnchor}).
 *
 * Inputs (float32 unless the files are otherwise): `pixels` [B, 3, H, W] normalised for the encoder, `latents` and
 * `noise` [B, C, h, w], `signal_scale` and `noise_scale` [B, 1, 1, 1], `timestep`, `selection` [B, rows, tokens],
 * `prompt` [1, L, width], `loss_scale` (scalar, times the gradient), and weights. Outputs: `loss` (scalar) and `grad:<weight>` for each trained weight.
 */
export function buildTrainingGraph(request: TrainingGraphRequest): TrainingGraph {
  const promoted = promoteTokens(request.encoder);
  const graph = emptyGraph('acuity_training', request.encoder.opset);
  const b = new GraphBuilder(graph);

  const imageInput = onlyInput(request.encoder);
  const pixels = addInput(b, 'pixels', imageInput.dtype, imageInput.shape);
  const encoderNames = graft(b, promoted.graph, 'encoder/', { [imageInput.name]: pixels });
  const tokens = encoderNames.get(promoted.tokens)!;
  const [batch, tokenCount, tokenWidth] = b.shape(tokens) as [number, number, number];

  const roles = teacherInputs(request.teacher);
  const contextWidth = roles.context.shape[2]!;
  const rows = conditionRows(request.config, tokenCount);
  const context = buildCondition(b, tokens, {
    batch,
    tokens: tokenCount,
    rows,
    contextTokens: request.contextTokens,
    contextWidth,
  });

  const latentShape = roles.sample.shape;
  const dtype = roles.sample.dtype;
  const latents = addInput(b, 'latents', dtype, latentShape);
  const noise = addInput(b, 'noise', dtype, latentShape);
  const signalScale = addInput(b, 'signal_scale', dtype, [batch, 1, 1, 1]);
  const noiseScale = addInput(b, 'noise_scale', dtype, [batch, 1, 1, 1]);
  const timestep = addInput(b, 'timestep', roles.timestep.dtype, roles.timestep.shape);
  b.scope = 'noising/';
  const noised = b.op('Add', [b.op('Mul', [latents, signalScale]), b.op('Mul', [noise, noiseScale])]);
  const teacherNames = graft(b, request.teacher, 'teacher/', {
    [roles.sample.name]: noised,
    [roles.timestep.name]: timestep,
    [roles.context.name]: context,
  });
  const predicted = teacherNames.get(request.teacher.outputs[0]!.name)!;

  b.scope = 'loss/';
  const target = predictionTarget(b, request.prediction, { latents, noise, signalScale, noiseScale });
  const difference = b.op('Sub', [predicted, target]);
  const error = wide(b, difference);
  const loss = b.op('ReduceMean', [b.op('Mul', [error, error]), b.ints([0, 1, 2, 3])], { keepdims: 0 });
  const { anchor: anchorWeight = 0 } = request.config;
  const pooled = encoderNames.get(promoted.pooled)!;
  const anchorLoss = anchorWeight > 0 ? buildAnchor(b, wide(b, pooled)) : undefined;
  const total = anchorLoss
    ? b.op('Add', [loss, b.op('Mul', [anchorLoss, b.scalar(anchorWeight, 'float32')])])
    : loss;
  const inner = [tokens, loss, total, ...(anchorLoss ? [pooled, anchorLoss] : [])];
  const mixed = mixedPrecision(graph, inner);
  const forward = splitAttention(mixed, request.maxScoreBytes ?? Number.POSITIVE_INFINITY, inner).graph;
  const forwardNodes = forward.nodes.length;

  const candidates = request.trainable ?? floatWeights(request.encoder);
  const reaching = weightsReaching(
    forward,
    tokens,
    candidates.map((name) => `encoder/${name}`),
  );
  const trainable = candidates.filter((name) => reaching.has(`encoder/${name}`));
  const projection =
    request.config.projection === 'text-inverse' ? [] : ['visual_proj.weight', 'visual_proj.bias'];
  const targets = [...trainable.map((name) => `encoder/${name}`), ...projection];
  const result = gradient(forward, { loss: total, targets, seed: 'loss_scale' });

  const targeted = new Set(targets);
  const weights = liftWeights(
    result.graph,
    (name, tensor) =>
      targeted.has(name) ||
      (request.weightsAsInputs === 'all' && /^(encoder|teacher)\//.test(name) && isWeight(tensor)),
  );
  rename(result.graph, loss, lossOutput);
  const out = new GraphBuilder(result.graph);
  addOutput(out, lossOutput);
  if (anchorLoss) nameOutput(out, anchorLoss, anchorOutput);
  const gradients = new Map<string, string>();
  for (const [name, value] of result.gradients) {
    const output = `grad:${name}`;
    nameOutput(out, value, output);
    gradients.set(name, output);
  }
  const budget = request.memoryBudget ?? Number.POSITIVE_INFINITY;
  const { graph: planned, ...memory } = recompute(result.graph, { forwardNodes, budget });
  return {
    graph: planned,
    trainable,
    weights,
    feeds: {
      pixels,
      latents,
      noise,
      signalScale,
      noiseScale,
      timestep,
      selection: 'selection',
      prompt: 'prompt',
      lossScale: 'loss_scale',
      anchor: anchorLoss ? 'anchor' : undefined,
    },
    timestepShape: roles.timestep.shape,
    rows,
    tokens: tokenCount,
    contextWidth,
    tokenWidth,
    gradients,
    blockOf: new Map(
      [...blocksOfWeights(request.encoder)].map(([name, block]) => [`encoder/${name}`, block]),
    ),
    forwardNodes,
    backwardNodes: planned.nodes.length - forwardNodes,
    memory,
  };
}

interface NamedType {
  name: string;
  dtype: DataType;
  shape: readonly number[];
}

function inputsOf(graph: TypedGraph): NamedType[] {
  return graph.inputs.map(({ name }) => ({ name, ...graph.types.get(name)! }));
}

function onlyInput(graph: TypedGraph): NamedType {
  const images = inputsOf(graph).filter((input) => isFloat(input.dtype) && input.shape.length === 4);
  if (images.length === 1 && graph.inputs.length === 1) return images[0]!;
  throw new UnsupportedModelError(
    `The vision graph takes ${graph.inputs.map((input) => input.name).join(', ') || 'nothing'} instead of one image batch`,
    {},
    'Choose the split vision export (vision_model.onnx), not the joint model',
  );
}

/** Which input of a denoiser is which, by rank and type: exporters agree on neither names nor order. */
export function teacherInputs(graph: TypedGraph): {
  sample: NamedType;
  timestep: NamedType;
  context: NamedType;
} {
  const inputs = inputsOf(graph);
  const sample = inputs.find((input) => isFloat(input.dtype) && input.shape.length === 4);
  const context = inputs.find((input) => isFloat(input.dtype) && input.shape.length === 3);
  const timestep = inputs.find((input) => input.shape.length <= 1);
  if (sample && context && timestep && inputs.length === 3 && graph.outputs.length === 1) {
    return { sample, timestep, context };
  }
  throw new UnsupportedModelError(
    `The denoiser takes ${inputs.map((i) => `${i.name} [${i.shape.join(', ')}]`).join(', ')}`,
    {},
    'Choose a UNet with inputs sample, timestep and encoder_hidden_states (Stable Diffusion 1.x or 2.x)',
  );
}

/** A value in float32: lengths and means lose too much in float16. */
function wide(b: GraphBuilder, value: string): string {
  return b.dtype(value) === 'float16' ? b.op('Cast', [value], { to: codeOf('float32') }) : value;
}

/** What the denoiser should have said: e, the velocity sqrt(abar) e - sqrt(1 - abar) z, or z. */
function predictionTarget(
  b: GraphBuilder,
  prediction: TrainingGraphRequest['prediction'],
  v: { latents: string; noise: string; signalScale: string; noiseScale: string },
): string {
  switch (prediction) {
    case 'epsilon':
      return v.noise;
    case 'sample':
      return v.latents;
    case 'v_prediction':
      return b.op('Sub', [b.op('Mul', [v.noise, v.signalScale]), b.op('Mul', [v.latents, v.noiseScale])]);
  }
}

/** Floating-point initialisers with more than one element: parameters, not constants of the arithmetic. */
function floatWeights(graph: TypedGraph): string[] {
  return [...graph.initializers].filter(([, tensor]) => isWeight(tensor)).map(([name]) => name);
}

/** Those of the named values on which `value` depends. */
function weightsReaching(graph: TypedGraph, value: string, names: readonly string[]): Set<string> {
  const needed = new Set([value]);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (node.outputs.some((output) => needed.has(output))) for (const input of node.inputs) needed.add(input);
  }
  return new Set(names.filter((name) => needed.has(name)));
}
