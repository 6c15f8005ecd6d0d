import { readdirSync, readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { asModel } from '../as-model.ts';
import { sizeOf } from '../data-types.ts';
import { readModel } from '../decode.ts';
import { encodeModel } from '../encode.ts';
import type { DataType, Model, TensorType, TypedGraph } from '../model.ts';
import { collect } from '../parts.ts';
import { bytesSource } from '../sources.ts';

const folder = new URL('../fixtures/specialise/', import.meta.url);

/** A model as PyTorch exported it; made by tools/reference/specialise_models.py. */
export interface ExportedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly model: Model;
  /** Input shapes that the types hold for. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Types by value name, as ONNX's own inference finds them. */
  readonly types: Readonly<Record<string, readonly [dtype: string, shape: readonly number[]]>>;
}

/** Names of the models, without their ending. */
export const exportedNames: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.slice(0, -'.onnx'.length));

export async function exportedModel(name: string): Promise<ExportedModel> {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder)));
  const { shapes, types } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
  return { name, bytes, model: await readModel(bytesSource(`${name}.onnx`, bytes)), shapes, types };
}

/** Input values: small positive integers, and floats between -1 and 1. */
export type Feeds = Readonly<Record<string, OrtTensor>>;

export function feedsFor(types: ReadonlyMap<string, TensorType>): Feeds {
  const entries = [...types].map(([name, { dtype, shape }], k): [string, OrtTensor] => {
    const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => (7 * i + 3 * k + 1) % 11);
    return [name, feed(dtype, shape, numbers)];
  });
  return Object.fromEntries(entries);
}

function feed(dtype: DataType, shape: readonly number[], numbers: readonly number[]): OrtTensor {
  switch (dtype) {
    case 'int64':
      return new OrtTensor('int64', BigInt64Array.from(numbers, BigInt), shape);
    case 'int32':
      return new OrtTensor('int32', Int32Array.from(numbers), shape);
    case 'float32':
      return new OrtTensor(
        'float32',
        Float32Array.from(numbers, (x) => Math.sin(3 * x + 1)),
        shape,
      );
    default:
      throw new TypeError(`Test models take no inputs of type ${dtype}`);
  }
}

/** Runs the bytes of a model in onnxruntime's CPU provider, its own optimiser switched off. */
export async function runFile(bytes: Uint8Array, feeds: Feeds): Promise<Record<string, Result>> {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const outputs = await session.run(feeds);
  const results = Object.entries(outputs).map(([name, { type, dims, data }]): [string, Result] => [
    name,
    { dtype: type, shape: [...dims], values: Array.from(data as ArrayLike<number | bigint>, Number) },
  ]);
  await session.release();
  return Object.fromEntries(results);
}

export interface Result {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Runs a model or typed graph by way of the file that the writer makes of it. */
export async function run(model: Model | TypedGraph, feeds: Feeds): Promise<Record<string, Result>> {
  const { parts } = encodeModel('types' in model ? asModel(model) : model);
  return runFile(await collect(parts), feeds);
}

/**
 * The largest difference between two runs, relative to the largest number of its output where that exceeds 1; infinite
 * where names, types or shapes differ.
 */
export function difference(a: Readonly<Record<string, Result>>, b: Readonly<Record<string, Result>>): number {
  const typesOf = (results: Readonly<Record<string, Result>>) =>
    JSON.stringify(Object.entries(results).map(([name, { dtype, shape }]) => [name, dtype, shape]));
  if (typesOf(a) !== typesOf(b)) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (const [name, { values }] of Object.entries(a)) {
    const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    for (const [i, x] of values.entries()) {
      largest = Math.max(largest, Math.abs(x - b[name]!.values[i]!) / scale);
    }
  }
  return largest;
}

/** How often each operator occurs. */
export function operatorCounts(graph: { nodes: readonly { op: string }[] }): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}
