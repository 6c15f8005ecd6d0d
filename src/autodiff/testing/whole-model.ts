import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { sizeOf } from '../../onnx/data-types.ts';
import { readModel } from '../../onnx/decode.ts';
import type { ByteSource, Model, TypedGraph } from '../../onnx/model.ts';
import { bytesSource } from '../../onnx/sources.ts';
import { specialise } from '../../onnx/specialise.ts';
import { gradient } from '../gradient.ts';
import { webgpuObstacle } from '../webgpu-operators.ts';
import { CpuSession } from './cpu-session.ts';
import { randomFrom } from './random.ts';

/** Numbers that both sides draw: centre + spread (2 u - 1) with u from a seed, rounded to float32. */
interface Drawn {
  shape: number[];
  seed: number;
  centre: number;
  spread: number;
}

/** One architecture with PyTorch's gradients, as `tools/reference/whole_models.py` writes it. */
export interface Reference {
  /** Drawn, or integers given outright. */
  inputs: Record<string, Drawn | { shape: number[]; values: number[] }>;
  output: { name: string; norm: number };
  /** The incoming gradient of the output. */
  cotangent: Drawn;
  /** Parameters and statistics by their PyTorch names. */
  weights: Record<string, Drawn>;
  /** Norm of each gradient; its stored sample is every `step`-th element. */
  gradients: Record<string, { norm: number; step: number; count: number }>;
  /** Exported files; `missing` parameters do not appear in a file because its exporter folded them into others. */
  files: Record<string, { missing: string[] }>;
}

const root = new URL('../fixtures/models/', import.meta.url);

export function referenceOf(name: string): Reference {
  return JSON.parse(readFileSync(new URL(`${name}/reference.json`, root), 'utf8'));
}

export interface WholeModelCheck {
  /** How many gradients were compared. */
  compared: number;
  /** Of all sampled elements of all gradients as one vector: |g - reference| / |reference|. */
  relativeError: number;
  cosine: number;
  /** The gradient that is furthest off, relative to its own norm or to a thousandth of the largest gradient's. */
  worst: { name: string; error: number };
  /** Error of the norm of the output. */
  outputError: number;
  forwardNodes: number;
  backwardNodes: number;
  /** Why nodes of the forward or backward pass would leave the GPU, each reason once. */
  obstacles: string[];
}

/**
 * Differentiates an exported file with respect to every parameter and input, runs it, and compares with PyTorch.
 *
 * @param prepare passes to apply before differentiating; they must keep the named values
 * @param finish passes to apply to the whole, whose outputs are the model's first and the gradients; they are given
 * the number of forward nodes and must keep the outputs
 */
export async function checkWholeModel(
  name: string,
  file: string,
  prepare: (graph: TypedGraph, keep: readonly string[]) => TypedGraph = (graph) => graph,
  finish: (graph: TypedGraph, forwardNodes: number) => TypedGraph = (graph) => graph,
): Promise<WholeModelCheck> {
  const reference = referenceOf(name);
  const weights = weightFiles(reference);
  const source = bytesSource(file, gunzipSync(readFileSync(new URL(`${name}/${file}.onnx.gz`, root))));
  const parameters = parametersOf(await readModel(source, { external: weights, inlineBytes: 0 }));
  const model = await readModel(source, { external: weights });
  const shapes = Object.fromEntries(
    Object.entries(reference.inputs).map(([input, { shape }]) => [input, shape]),
  );
  const graph = prepare(await specialise(model, { shapes }), [reference.output.name]);

  const inputs = Object.keys(reference.inputs).filter((input) => input in reference.gradients);
  const initializers = [...parameters].filter(
    ([initializer, { parameter }]) => parameter in reference.gradients && graph.initializers.has(initializer),
  );
  const targets = [...initializers.map(([initializer]) => initializer), ...inputs];
  const result = gradient(graph, { loss: reference.output.name, targets, seed: 'cotangent' });
  const outputs = [reference.output.name, ...targets.map((target) => result.gradients.get(target)!)];
  const whole = finish(withOutputs(result.graph, outputs), graph.nodes.length);
  const values = await run(whole, outputs, feedsOf(graph, reference));

  const found = new Map<string, number[]>();
  for (const [i, [initializer, { parameter, transposed }]] of initializers.entries()) {
    const shape = graph.types.get(initializer)!.shape;
    const own = transposed ? transpose(values[i + 1]!, shape) : values[i + 1]!;
    const others = found.get(parameter);
    found.set(parameter, others ? others.map((value, k) => value + own[k]!) : own);
  }
  for (const [i, input] of inputs.entries()) found.set(input, values[initializers.length + i + 1]!);

  const reasons = whole.nodes.map((node) => webgpuObstacle(node, whole.types));
  return {
    ...compare(name, reference, file, found),
    outputError: Math.abs(norm(values[0]!) / reference.output.norm - 1),
    forwardNodes: graph.nodes.length,
    backwardNodes: result.graph.nodes.length - graph.nodes.length,
    obstacles: [...new Set(reasons.filter((reason) => reason !== undefined))],
  };
}

/** A gradient may be handed on unchanged to several targets: the file lists each value once. */
function withOutputs(graph: TypedGraph, names: readonly string[]): TypedGraph {
  const outputs = [...new Set(names)].map((name) => {
    const { dtype, shape } = graph.types.get(name)!;
    return { name, dtype, shape: [...shape] };
  });
  return { ...graph, outputs };
}

async function run(
  graph: TypedGraph,
  outputs: readonly string[],
  feeds: readonly number[][],
): Promise<number[][]> {
  const session = await CpuSession.open(graph);
  try {
    const values = await session.run(feeds);
    return outputs.map((name) => values[graph.outputs.findIndex((output) => output.name === name)]!);
  } finally {
    await session.release();
  }
}

function feedsOf(graph: TypedGraph, reference: Reference): number[][] {
  const feeds = graph.inputs.map(({ name }) => {
    const input = reference.inputs[name]!;
    return 'values' in input ? input.values : [...draw(input)];
  });
  return [...feeds, [...draw(reference.cotangent)]];
}

function draw({ shape, seed, centre, spread }: Drawn): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length: sizeOf(shape) }, () => centre + spread * (2 * random() - 1));
}

/** One file a parameter, and one of its transpose: what the external data of the fixtures refers to. */
function weightFiles({ weights }: Reference): Map<string, ByteSource> {
  const files = new Map<string, ByteSource>();
  for (const [name, drawn] of Object.entries(weights)) {
    const values = draw(drawn);
    files.set(name, bytesSource(name, new Uint8Array(values.buffer)));
    if (drawn.shape.length !== 2) continue;
    const turned = Float32Array.from(transpose([...values], drawn.shape));
    files.set(`${name}.T`, bytesSource(`${name}.T`, new Uint8Array(turned.buffer)));
  }
  return files;
}

/** Which parameter each initialiser holds, told by the file it refers to. */
function parametersOf(model: Model): Map<string, { parameter: string; transposed: boolean }> {
  const parameters = new Map<string, { parameter: string; transposed: boolean }>();
  for (const [name, { data }] of model.graph.initializers) {
    if (data.kind !== 'range') continue;
    const transposed = data.source.name.endsWith('.T');
    const parameter = transposed ? data.source.name.slice(0, -2) : data.source.name;
    parameters.set(name, { parameter, transposed });
  }
  return parameters;
}

function transpose(values: readonly number[], shape: readonly number[]): number[] {
  const [rows, columns] = shape as [number, number];
  return Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

function compare(
  name: string,
  reference: Reference,
  file: string,
  found: ReadonlyMap<string, readonly number[]>,
): Pick<WholeModelCheck, 'compared' | 'relativeError' | 'cosine' | 'worst'> {
  const bytes = readFileSync(new URL(`${name}/gradients.f32`, root));
  const stored = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const missing = new Set(reference.files[file]!.missing);
  const largest = Math.max(...Object.values(reference.gradients).map((entry) => entry.norm));
  let [offset, compared, squares, own, wanted, product] = [0, 0, 0, 0, 0, 0];
  let worst = { name: '', error: 0 };
  for (const [key, { norm: whole, step, count }] of Object.entries(reference.gradients)) {
    const expected = stored.subarray(offset, offset + count);
    offset += count;
    if (missing.has(key)) continue;
    const gradient = found.get(key);
    if (!gradient) throw new Error(`${name} ${file}: no gradient of ${key}`);
    const sample = gradient.filter((_, i) => i % step === 0);
    if (sample.length !== count) throw new Error(`${name} ${file}: the gradient of ${key} has another size`);
    compared++;
    let difference = (norm(gradient) - whole) ** 2;
    for (const [i, value] of sample.entries()) {
      difference += (value - expected[i]!) ** 2;
      own += value * value;
      wanted += expected[i]! ** 2;
      product += value * expected[i]!;
    }
    squares += difference;
    const error = Math.sqrt(difference) / Math.max(whole, largest / 1000);
    if (error > worst.error || Number.isNaN(error)) worst = { name: key, error };
  }
  return {
    compared,
    relativeError: Math.sqrt(squares / wanted),
    cosine: product / Math.sqrt(own * wanted),
    worst,
  };
}
