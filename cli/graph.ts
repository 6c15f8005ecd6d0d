import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { differentiableInputs, gradient } from '../src/autodiff/gradient.ts';
import { openFile, siblings, writeParts } from '../src/data/node-files.ts';
import { asModel } from '../src/onnx/as-model.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { readModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { nameOutput } from '../src/onnx/graft.ts';
import type { TypedGraph } from '../src/onnx/model.ts';
import { specialise } from '../src/onnx/specialise.ts';
import { type Command, RefusedError, UsageError } from './io.ts';

export const graphCommand: Command = {
  summary: 'write the training graph of a model: forward and backward as one ONNX file',
  usage: `acuity graph MODEL.onnx --loss OUTPUT --targets all|NAME,NAME --out TRAIN.onnx [OPTIONS]

  --loss OUTPUT        the value to differentiate: a scalar, unless --seed-gradient is given
  --targets LIST       inputs and initialisers whose gradients are wanted; "all" takes every differentiable one
  --out FILE           where to write; the model keeps its inputs and outputs and gains one output grad:NAME a target
  --batch N            size of the batch axis where the file leaves it open
  --shape NAME=1,3,8   sizes of an input, repeatable
  --seed-gradient      take the incoming gradient of a non-scalar OUTPUT as the input grad:OUTPUT`,
  async run(args, io) {
    const options = parse(args);
    const path = resolve(io.directory, options.model);
    const source = await openFile(path).catch((error: unknown) => {
      throw new RefusedError(
        `cannot read ${options.model}: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    try {
      const model = await readModel(source, { external: await siblings(dirname(path), basename(path)) });
      const started = performance.now();
      const typed = await specialise(model, {
        shapes: options.shapes,
        ...(options.batch === undefined ? {} : { batch: options.batch }),
        keep: [options.loss],
      });
      const built = trainingGraph(typed, options);
      const seconds = (performance.now() - started) / 1000;
      const encoded = encodeModel(asModel(built.graph, model.metadata), {
        externalName: `${basename(options.out)}.data`,
      });
      const out = resolve(io.directory, options.out);
      await writeParts(out, encoded.parts);
      for (const extra of encoded.external ?? [])
        await writeParts(resolve(dirname(out), extra.name), extra.parts);
      io.out(
        `${options.out}: ${built.targets.length} gradients, ${built.forward} forward and ${built.backward} backward nodes\n`,
      );
      io.err(`acuity: wrote ${options.out} in ${seconds.toFixed(1)} s\n`);
    } finally {
      await source.close();
    }
  },
};

interface Options {
  model: string;
  loss: string;
  targets: string;
  out: string;
  batch?: number;
  shapes: Record<string, number[]>;
  seed: boolean;
}

function parse(args: string[]): Options {
  let parsed: ReturnType<typeof parseOptions>;
  try {
    parsed = parseOptions(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (positionals.length !== 1) throw new UsageError(`${positionals.length} models named instead of one`);
  const need = (name: 'loss' | 'targets' | 'out'): string => {
    const value = values[name];
    if (!value) throw new UsageError(`--${name} is missing`);
    return value;
  };
  return {
    model: positionals[0]!,
    loss: need('loss'),
    targets: need('targets'),
    out: need('out'),
    ...(values.batch === undefined ? {} : { batch: wholeNumber(values.batch, '--batch') }),
    shapes: Object.fromEntries((values.shape ?? []).map(parseShape)),
    seed: values['seed-gradient'] ?? false,
  };
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
    },
  });
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${option} takes a whole number, not "${text}"`);
  return Number(text);
}

/** `NAME=1,3,224,224`; the name may itself hold an equals sign. `NAME=` is a scalar. */
function parseShape(text: string): [string, number[]] {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw new UsageError(`--shape takes NAME=1,3,224,224, not "${text}"`);
  const sizes = text.slice(at + 1);
  return [
    text.slice(0, at),
    sizes === '' ? [] : sizes.split(',').map((size) => wholeNumber(size, '--shape')),
  ];
}

/** Adds the backward and declares `grad:<target>` outputs. */
function trainingGraph(typed: TypedGraph, options: Options) {
  const targets =
    options.targets === 'all'
      ? differentiableInputs(typed, options.loss)
      : [...new Set(options.targets.split(','))];
  if (targets.length === 0) {
    throw new RefusedError(
      `"${options.loss}" depends on no floating-point input or initialiser: nothing to differentiate`,
    );
  }
  const seed = options.seed ? { seed: `grad:${options.loss}` } : {};
  const { graph, gradients } = gradient(typed, { loss: options.loss, targets, ...seed });
  const b = new GraphBuilder(graph, 'grad/');
  for (const [target, value] of gradients) nameOutput(b, value, `grad:${target}`);
  return { graph, targets, forward: typed.nodes.length, backward: graph.nodes.length - typed.nodes.length };
}
