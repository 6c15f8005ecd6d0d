import { parseArgs } from 'node:util';
import { differentiableInputs, gradient } from '../src/autodiff/gradient.ts';
import { mixedPrecision } from '../src/autodiff/mixed-precision.ts';
import { recompute } from '../src/autodiff/recompute.ts';
import { rules } from '../src/autodiff/rules/index.ts';
import { webgpuObstacle } from '../src/autodiff/webgpu-operators.ts';
import { presets } from '../src/method/config.ts';
import { promoteTokens } from '../src/method/tokens.ts';
import { isFloat, sizeOf } from '../src/onnx/data-types.ts';
import { ModelError } from '../src/onnx/errors.ts';
import { arrangeForRuntime, runtimePeak } from '../src/onnx/execution-order.ts';
import { bytesOfType, liveness } from '../src/onnx/liveness.ts';
import type { Model, TensorType, TypedGraph } from '../src/onnx/model.ts';
import { simplify } from '../src/onnx/passes/simplify.ts';
import { specialise } from '../src/onnx/specialise.ts';
import { inspectPlan } from './inspect-plan.ts';
import { type Command, UsageError } from './io.ts';
import { withModel } from './model-file.ts';
import { parsed, parseShape, wholeNumber } from './options.ts';

/** Options that change a preset's settings in a plan. */
const planChanges = {
  precision: { type: 'string' },
  recompute: { type: 'boolean' },
  train: { type: 'string' },
  optimizer: { type: 'string' },
  'no-drift': { type: 'boolean' },
  'release-autoencoder': { type: 'boolean' },
} as const;

export const inspectCommand: Command = {
  summary: 'tell what a model is, what it takes to train it, and what stands against that',
  usage: `acuity inspect MODEL.onnx [OPTIONS]
       acuity inspect ENCODER --plan TEACHER [OPTIONS]   what refining would take, from the models' folders

  --batch N            size of the batch axis where the file leaves it open; 1 unless given
  --shape NAME=1,3,8   sizes of an input, repeatable
  --json               print the report as JSON
  --plan TEACHER       plan the memory of refining the encoder with this teacher; both are folders
  --preset NAME        settings of the plan: ${Object.keys(presets).join(', ')}; diva unless given
  --memory SIZE        memory of the device, such as 6.5GB: what does not fit names the cheaper ways
  --cpu                plan for WebAssembly instead of WebGPU
  --precision NAME     compute in float32 or float16
  --recompute          compute inner values a second time where that takes less
  --train WHAT         all weights, the last blocks (last-6) or low-rank factors (lora-16)
  --optimizer NAME     sgd or adamw
  --no-drift           keep no weights of the start
  --release-autoencoder   make every latent before training`,
  async run(args, io) {
    const { values, positionals } = parsed(() =>
      parseArgs({
        args,
        allowPositionals: true,
        options: {
          batch: { type: 'string' },
          shape: { type: 'string', multiple: true },
          json: { type: 'boolean' },
          plan: { type: 'string' },
          preset: { type: 'string' },
          memory: { type: 'string' },
          cpu: { type: 'boolean' },
          ...planChanges,
        },
      }),
    );
    if (positionals.length !== 1) throw new UsageError(`${positionals.length} models named instead of one`);
    const [file] = positionals as [string];
    if (values.plan !== undefined) {
      io.out(await inspectPlan(io, file, { ...values, plan: values.plan }));
      return;
    }
    const alone = ['preset', 'memory', 'cpu', ...(Object.keys(planChanges) as (keyof typeof planChanges)[])];
    const stray = alone.find((name) => values[name as keyof typeof values] !== undefined);
    if (stray) throw new UsageError(`--${stray} needs --plan`);
    const sizes = {
      batch: values.batch === undefined ? 1 : wholeNumber(values.batch, '--batch'),
      shapes: Object.fromEntries((values.shape ?? []).map(parseShape)),
    };
    const report = await withModel(io, file, async (model) => {
      const typed = await specialise(model, sizes);
      return reportOn(file, model, typed);
    });
    io.out(values.json ? `${JSON.stringify(report, null, 2)}\n` : inWords(report));
  },
};

interface NamedValue extends TensorType {
  name: string;
}

/** What `acuity inspect` tells of a model; sizes in bytes. */
interface Report {
  file: string;
  producer: string;
  opset: number;
  family: string;
  inputs: NamedValue[];
  outputs: NamedValue[];
  /** The value that holds the class and patch tokens, where they are found. */
  tokens: NamedValue | null;
  operators: { op: string; count: number; rule: boolean; webgpu: boolean }[];
  parameters: { tensors: number; elements: number; bytes: number };
  memory: {
    weights: number;
    /** Inner values of the forward pass alone. */
    forward: number;
    /** Inner values of forward and backward; with everything recomputed that helps; null without gradients. */
    training: number | null;
    recomputed: number | null;
    largestValue: { name: string; bytes: number };
  };
  /** Why the model cannot be differentiated or would leave the GPU; empty when nothing is in the way. */
  refusals: string[];
}

function reportOn(file: string, model: Model, typed: TypedGraph): Report {
  const graph = mixedPrecision(simplify(typed));
  const refusals = obstacles(graph);
  const training = planTraining(graph, refusals);
  const weights = [...graph.initializers.keys()].map((name) => graph.types.get(name)!);
  const floats = weights.filter(({ dtype }) => isFloat(dtype));
  const { largestValue, largestBytes } = liveness(graph);
  const tokens = tokensOf(typed);
  return {
    file,
    producer: [model.producer.name, model.producer.version].filter(Boolean).join(' '),
    opset: model.opsets.get('') ?? 0,
    family: familyOf(typed, tokens !== null),
    inputs: valuesOf(typed, typed.inputs),
    outputs: valuesOf(typed, typed.outputs),
    tokens,
    operators: operatorsOf(graph),
    parameters: {
      tensors: floats.length,
      elements: floats.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      bytes: floats.reduce((sum, type) => sum + bytesOfType(type), 0),
    },
    memory: {
      weights: weights.reduce((sum, type) => sum + bytesOfType(type), 0),
      forward: runtimePeak(arrangeForRuntime(graph)),
      ...training,
      largestValue: { name: largestValue, bytes: largestBytes },
    },
    refusals,
  };
}

const valuesOf = (graph: TypedGraph, names: readonly { name: string }[]): NamedValue[] =>
  names.map(({ name }) => ({ name, ...graph.types.get(name)! }));

function tokensOf(graph: TypedGraph): NamedValue | null {
  if (graph.inputs.length !== 1) return null;
  try {
    const promoted = promoteTokens(graph);
    return { name: promoted.hidden, ...graph.types.get(promoted.hidden)! };
  } catch (error) {
    if (error instanceof ModelError) return null;
    throw error;
  }
}

/** Told by the shapes of inputs and outputs, and by whether a class token is picked. */
function familyOf(graph: TypedGraph, hasTokens: boolean): string {
  const inputs = valuesOf(graph, graph.inputs);
  const images = inputs.filter(({ dtype, shape }) => isFloat(dtype) && shape.length === 4);
  const contexts = inputs.filter(({ dtype, shape }) => isFloat(dtype) && shape.length === 3);
  const outputs = valuesOf(graph, graph.outputs);
  const [image] = images;
  const ranks = outputs.map(({ shape }) => shape.length);
  if (image && contexts.length > 0 && ranks.includes(4)) return 'denoiser with a text context';
  if (image && inputs.length > 1 && ranks.includes(4)) return 'denoiser';
  if (image && inputs.length === 1 && ranks.length === 1 && ranks[0] === 4) {
    const [, channels, height] = outputs[0]!.shape as [number, number, number];
    if (image.shape[1] === 3 && height < image.shape[2]!) return 'image encoder to latents';
    if (channels === 3 && height > image.shape[2]!) return 'image decoder from latents';
    return 'image to image';
  }
  if (image && inputs.length > 1) return 'image and text encoder';
  if (image) return hasTokens ? 'vision transformer with a class token' : 'vision encoder';
  if (inputs.length > 0 && inputs.every(({ dtype }) => !isFloat(dtype))) return 'text encoder';
  return 'unknown';
}

const keyOf = ({ domain, op }: { domain: string; op: string }) => (domain === '' ? op : `${domain}::${op}`);

function operatorsOf(graph: TypedGraph): Report['operators'] {
  const found = new Map<string, Report['operators'][number]>();
  for (const node of graph.nodes) {
    const op = keyOf(node);
    const entry = found.get(op) ?? { op, count: 0, rule: Object.hasOwn(rules, op), webgpu: true };
    entry.count++;
    if (webgpuObstacle(node, graph.types) !== undefined) entry.webgpu = false;
    found.set(op, entry);
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1));
}

/** Each reason once, with the first node that gives it. */
function obstacles(graph: TypedGraph): string[] {
  const reasons = new Map<string, string>();
  for (const node of graph.nodes) {
    const reason = webgpuObstacle(node, graph.types);
    if (reason !== undefined && !reasons.has(reason)) reasons.set(reason, node.name);
  }
  return [...reasons].map(([reason, node]) => `would leave the GPU: ${reason} (node "${node}")`);
}

/** Differentiates the first floating-point output with respect to everything; notes a refusal. */
function planTraining(
  graph: TypedGraph,
  refusals: string[],
): Pick<Report['memory'], 'training' | 'recomputed'> {
  const loss = graph.outputs.find(({ name }) => isFloat(graph.types.get(name)!.dtype))?.name;
  const targets = loss === undefined ? [] : differentiableInputs(graph, loss);
  if (loss === undefined || targets.length === 0) {
    refusals.push('cannot be differentiated: no output depends on a floating-point input or weight');
    return { training: null, recomputed: null };
  }
  try {
    const { graph: whole, gradients } = gradient(graph, { loss, targets, seed: `grad:${loss}` });
    const outputs = [loss, ...new Set(gradients.values())].map((name) => {
      const { dtype, shape } = whole.types.get(name)!;
      return { name, dtype, shape: [...shape] };
    });
    const request = { forwardNodes: graph.nodes.length, maxSegments: 16 };
    const trained = { ...whole, outputs };
    return {
      training: recompute(trained, { ...request, budget: Number.POSITIVE_INFINITY }).peakBytes,
      recomputed: recompute(trained, { ...request, budget: 0 }).peakBytes,
    };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    refusals.push(`cannot be differentiated: ${error.message}`);
    return { training: null, recomputed: null };
  }
}

function inWords(report: Report): string {
  const value = ({ name, dtype, shape }: NamedValue) => `${name} ${dtype} [${shape.join(', ')}]`;
  const size = (bytes: number | null) => (bytes === null ? '-' : `${(bytes / 2 ** 20).toFixed(1)} MiB`);
  const { parameters, memory } = report;
  const mark = (operator: Report['operators'][number]) =>
    [operator.rule ? '' : 'no rule', operator.webgpu ? '' : 'not on the GPU'].filter(Boolean).join(', ');
  const lines = [
    `${report.file}: ${report.family}, opset ${report.opset}, by ${report.producer || 'an unnamed exporter'}`,
    ...report.inputs.map((input) => `  input      ${value(input)}`),
    ...report.outputs.map((output) => `  output     ${value(output)}`),
    `  tokens     ${report.tokens ? value(report.tokens) : 'none found'}`,
    `  parameters ${parameters.elements.toLocaleString('en')} in ${parameters.tensors} tensors, ${size(parameters.bytes)}`,
    `  memory     weights ${size(memory.weights)}, inner values: forward ${size(memory.forward)}, training ` +
      `${size(memory.training)}, recomputing ${size(memory.recomputed)}`,
    `  largest    ${memory.largestValue.name} ${size(memory.largestValue.bytes)}`,
    '  operators',
    ...report.operators.map((operator) =>
      `  ${String(operator.count).padStart(7)}  ${operator.op.padEnd(24)} ${mark(operator)}`.trimEnd(),
    ),
    ...report.refusals.map((refusal) => `  refused    ${refusal}`),
  ];
  return `${lines.join('\n')}\n`;
}
