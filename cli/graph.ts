import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { differentiableInputs, gradient } from '../src/autodiff/gradient.ts';
import { addLora } from '../src/autodiff/lora.ts';
import { mixedPrecision } from '../src/autodiff/mixed-precision.ts';
import { type RecomputeResult, recompute } from '../src/autodiff/recompute.ts';
import { writeParts } from '../src/data/node-files.ts';
import { asModel } from '../src/onnx/as-model.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { nameOutput } from '../src/onnx/graft.ts';
import type { Graph, TypedGraph } from '../src/onnx/model.ts';
import { specialise } from '../src/onnx/specialise.ts';
import { RandomStream } from '../src/runtime/random.ts';
import { type Command, RefusedError, UsageError } from './io.ts';
import { withModel } from './model-file.ts';
import { matcher, parseBytes, parsed, parseShape, wholeNumber } from './options.ts';

export const graphCommand: Command = {
  summary: 'write the training graph of a model: forward and backward as one ONNX file',
  usage: `acuity graph MODEL.onnx --loss OUTPUT --targets all|NAME,NAME --out TRAIN.onnx [OPTIONS]

  --loss OUTPUT        the value to differentiate: a scalar, unless --seed-gradient is given
  --targets LIST       inputs and initialisers whose gradients are wanted; "all" takes every differentiable one
  --out FILE           where to write; the model keeps its inputs and outputs and gains one output grad:NAME a target
  --batch N            size of the batch axis where the file leaves it open
  --shape NAME=1,3,8   sizes of an input, repeatable
  --seed-gradient      take the incoming gradient of a non-scalar OUTPUT as the input grad:OUTPUT
  --precision f32|f16  what norms, softmaxes and sums of a float16 model are computed in; f32 unless given
  --lora RANK          train low-rank factors of matrices instead of the matrices: initialisers NAME.lora_down and
                       NAME.lora_up are added, and "all" takes these alone
  --lora-weights NAME  the matrices to adapt, * for any characters, repeatable; every one that can be unless given
  --lora-alpha NUMBER  the low-rank product is scaled by NUMBER / RANK; NUMBER is the rank unless given
  --recompute-budget SIZE
                       bytes that inner values may take, such as 2GiB: what does not fit is computed again`,
  async run(args, io) {
    const options = parse(args);
    const out = resolve(io.directory, options.out);
    if (out === resolve(io.directory, options.model)) {
      throw new UsageError(
        `--out names the model itself: its weights are still read while ${options.out} is written`,
      );
    }
    await withModel(io, options.model, async (model) => {
      const started = performance.now();
      const typed = await specialise(model, {
        shapes: options.shapes,
        ...(options.batch === undefined ? {} : { batch: options.batch }),
        keep: [options.loss],
      });
      const built = trainingGraph(typed, model.graph, options);
      const seconds = (performance.now() - started) / 1000;
      const encoded = encodeModel(asModel(built.graph, model.metadata), {
        externalName: `${basename(options.out)}.data`,
      });
      try {
        for (const extra of encoded.external ?? [])
          await writeParts(resolve(dirname(out), extra.name), extra.parts);
        await writeParts(out, encoded.parts);
      } catch (error) {
        throw new RefusedError(
          `cannot write ${options.out}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      const { memory } = built;
      io.out(
        `${options.out}: ${built.targets.length} gradients, ${built.forward} forward and ${built.backward} backward nodes, ` +
          `${mebibytes(memory.peakBytes)} of inner values${memory.recomputedNodes > 0 ? `, ${memory.recomputedNodes} nodes run twice` : ''}\n`,
      );
      io.err(`acuity: wrote ${options.out} in ${seconds.toFixed(1)} s\n`);
    });
  },
};

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

interface Options {
  model: string;
  loss: string;
  targets: string;
  out: string;
  batch?: number;
  shapes: Record<string, number[]>;
  seed: boolean;
  precision: 'f32' | 'f16';
  lora?: { rank: number; alpha: number; patterns: readonly string[] };
  budget: number;
}

function parse(args: string[]): Options {
  const { values, positionals } = parsed(() => parseOptions(args));
  if (positionals.length !== 1) throw new UsageError(`${positionals.length} models named instead of one`);
  const need = (name: 'loss' | 'targets' | 'out'): string => {
    const value = values[name];
    if (!value) throw new UsageError(`--${name} is missing`);
    return value;
  };
  const { precision = 'f32', 'recompute-budget': budget } = values;
  if (precision !== 'f32' && precision !== 'f16') {
    throw new UsageError(`--precision takes f32 or f16, not "${precision}"`);
  }
  const lora = parseLora(values);
  return {
    model: positionals[0]!,
    loss: need('loss'),
    targets: need('targets'),
    out: need('out'),
    ...(values.batch === undefined ? {} : { batch: wholeNumber(values.batch, '--batch') }),
    shapes: Object.fromEntries((values.shape ?? []).map(parseShape)),
    seed: values['seed-gradient'] ?? false,
    precision,
    ...(lora && { lora }),
    budget: budget === undefined ? Number.POSITIVE_INFINITY : parseBytes(budget, '--recompute-budget'),
  };
}

function parseLora(values: ReturnType<typeof parseOptions>['values']): Options['lora'] {
  const { lora, 'lora-weights': patterns, 'lora-alpha': alpha } = values;
  if (lora === undefined) {
    if (patterns || alpha) throw new UsageError('--lora-weights and --lora-alpha need --lora RANK');
    return undefined;
  }
  const rank = wholeNumber(lora, '--lora');
  if (rank < 1) throw new UsageError('--lora takes a rank from 1');
  if (alpha !== undefined && !(Number(alpha) > 0)) {
    throw new UsageError(`--lora-alpha takes a positive number, not "${alpha}"`);
  }
  return { rank, alpha: alpha === undefined ? rank : Number(alpha), patterns: patterns ?? ['*'] };
}

function parseOptions(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      loss: { type: 'string' },
      targets: { type: 'string' },
      out: { type: 'string' },
      batch: { type: 'string' },
      shape: { type: 'string', multiple: true },
      'seed-gradient': { type: 'boolean' },
      precision: { type: 'string' },
      lora: { type: 'string' },
      'lora-weights': { type: 'string', multiple: true },
      'lora-alpha': { type: 'string' },
      'recompute-budget': { type: 'string' },
    },
  });
}

interface Built {
  graph: TypedGraph;
  targets: string[];
  forward: number;
  backward: number;
  memory: Omit<RecomputeResult, 'graph'>;
}

/** The targets that were asked for; "all" means inputs and initialisers of the file, not constants of its nodes. */
function targetsOf(typed: TypedGraph, file: Graph, { targets, loss }: Options): string[] {
  const own = new Set([...file.inputs.map(({ name }) => name), ...file.initializers.keys()]);
  if (targets === 'all') return differentiableInputs(typed, loss).filter((name) => own.has(name));
  const named = targets.split(',');
  const gone = named.find((name) => own.has(name) && !typed.types.has(name));
  if (gone === undefined) return named;
  throw new RefusedError(
    `"${loss}" does not depend on target "${gone}". Leave this target out, or choose a loss that uses it`,
  );
}

/** Adds the backward and declares `grad:<target>` outputs. */
function trainingGraph(typed: TypedGraph, file: Graph, options: Options): Built {
  const { graph: adapted, factors } = options.lora
    ? withLora(typed, options.lora)
    : { graph: typed, factors: undefined };
  const forward = options.precision === 'f32' ? mixedPrecision(adapted, [options.loss]) : adapted;
  const named = factors && options.targets === 'all' ? [] : targetsOf(forward, file, options);
  const targets = [...new Set([...named, ...(factors ?? [])])];
  if (targets.length === 0) {
    throw new RefusedError(
      `"${options.loss}" depends on no floating-point input or initialiser: nothing to differentiate`,
    );
  }
  const seed = options.seed ? { seed: `grad:${options.loss}` } : {};
  const { graph, gradients } = gradient(forward, { loss: options.loss, targets, ...seed });
  const b = new GraphBuilder(graph, 'grad/');
  for (const [target, value] of gradients) nameOutput(b, value, `grad:${target}`);
  const forwardNodes = forward.nodes.length;
  const { graph: planned, ...memory } = recompute(graph, { forwardNodes, budget: options.budget });
  if (!memory.fits) {
    throw new RefusedError(
      `inner values take ${mebibytes(memory.peakBytes)} at least, more than the ${mebibytes(options.budget)} of ` +
        '--recompute-budget. Take a smaller --batch or a larger budget',
    );
  }
  return {
    graph: planned,
    targets,
    forward: forwardNodes,
    backward: planned.nodes.length - forwardNodes,
    memory,
  };
}

/** Adapts the chosen matrices; factors start as small random numbers and noughts, the same for every run. */
function withLora(typed: TypedGraph, { rank, alpha, patterns }: NonNullable<Options['lora']>) {
  const matches = patterns.map(matcher);
  const weights = productWeights(typed, rank).filter((name) => matches.some((match) => match(name)));
  if (weights.length === 0) {
    throw new RefusedError(
      `no matrix of rank ${rank} or more that MatMul or Gemm multiplies by is called ${patterns.join(' or ')}`,
    );
  }
  const { graph, factors } = addLora(typed, {
    weights,
    rank,
    alpha,
    initial: (weight, count) =>
      new RandomStream(0, weight).normal({}, count).map((value) => value / Math.sqrt(count / rank)),
  });
  return { graph, factors: factors.flatMap(({ down, up }) => [down, up]) };
}

/** Initialisers that are the right operand of a product wherever they are read. */
function productWeights(typed: TypedGraph, rank: number): string[] {
  const products = new Set<string>();
  const others = new Set<string>();
  for (const { op, domain, inputs, attributes } of typed.nodes) {
    const transA = attributes['transA'];
    const product =
      domain === '' && (op === 'MatMul' || (op === 'Gemm' && !(transA?.type === 'int' && transA.value)));
    for (const [i, name] of inputs.entries()) (product && i === 1 ? products : others).add(name);
  }
  return [...typed.initializers.keys()].filter((name) => {
    const { shape } = typed.types.get(name)!;
    return shape.length === 2 && Math.min(...shape) >= rank && products.has(name) && !others.has(name);
  });
}
