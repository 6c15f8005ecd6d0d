/**
 * Times the layers of a refinement, each written in several ways, on the WebGPU provider under Node on Dawn: which
 * kernel does a shape best? Prints a row of JSON for each way as it comes, then all as a table.
 *
 *   npm install --no-save webgpu          (Node 22 or later: earlier ones cannot hand it shared memory)
 *   npx esbuild bench/gpu/kernels.ts --bundle --platform=node --format=esm --outfile=kernels.mjs \
 *     --conditions=onnxruntime-web-use-extern-wasm
 *   node kernels.mjs node_modules/webgpu/index.js node_modules/onnxruntime-web/dist/ [--seconds 230] [--tiny]
 *
 * A graph holds several copies of a layer with inputs of their own, and runs follow one another without waiting, so
 * that the time between runs is shared. Errors are against the plain way in float32 on the same values, all of which
 * float16 holds exactly; weights that a way reads in another form are prepared once, as frozen ones would be.
 */
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { addInput, emptyGraph, GraphBuilder, nameOutput } from '../../src/autodiff/index.ts';
import { sizeOf } from '../../src/onnx/data-types.ts';
import { halfToNumber, numberToHalf } from '../../src/onnx/tensors.ts';
import { openDevice } from '../../src/runtime/device.ts';
import { graphSession } from '../../src/runtime/graph-session.ts';
import { openRuntime } from '../../src/runtime/runtime.ts';
import type { DeviceTensor } from '../../src/runtime/tensor.ts';
import { markdownTable } from '../table.ts';
import { openDawn } from './dawn.ts';
import { layers } from './kernel-graphs.ts';
import type { Layer, Way } from './layer.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '230' }, tiny: { type: 'boolean', default: false } },
});
const [bindings = '', ortFolder = ''] = positionals;
const until = performance.now() + 1000 * Number(options.seconds);

type Precision = 'float32' | 'float16';

interface Row {
  layer: string;
  batch: number;
  dtype: Precision;
  way: string;
  /** Of one layer, the least and the median over the measured rounds. */
  least_ms: number;
  ms: number;
  /** From the median and the plain way's operations. */
  tflops: number;
  /** Largest difference divided by the largest element. */
  max_rel_err: number;
  dispatches: number;
  rounds: number;
}

const adapter = await openDawn(bindings);
const ort = await import('onnxruntime-web/webgpu');
const folder = pathToFileURL(`${resolve(ortFolder)}/`).href;
const device = await openDevice();
const runtime = await openRuntime({
  ort: ort as never,
  provider: 'webgpu',
  device,
  wasmPaths: {
    mjs: new URL('ort-wasm-simd-threaded.asyncify.mjs', folder).href,
    wasm: new URL('ort-wasm-simd-threaded.asyncify.wasm', folder).href,
  },
});

/** Of no layer's length, so that rows do not repeat. */
const pool = Float32Array.from({ length: 1_048_573 }, () =>
  halfToNumber(numberToHalf(2 * Math.random() - 1)),
);

function valuesOf(shape: readonly number[], scale: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(sizeOf(shape));
  for (let at = 0; at < result.length; at += pool.length)
    result.set(pool.subarray(0, Math.min(pool.length, result.length - at)), at);
  return scale === 1 ? result : result.map((value) => value * scale);
}

function bytesOf(values: Float32Array<ArrayBuffer>, dtype: Precision): Uint8Array {
  const data = dtype === 'float32' ? values : Uint16Array.from(values, numberToHalf);
  return new Uint8Array(data.buffer);
}

async function floatsOf(tensor: DeviceTensor): Promise<Float32Array> {
  const { buffer } = await runtime.read(tensor);
  if (tensor.dtype === 'float32') return new Float32Array(buffer, 0, sizeOf(tensor.shape));
  return Float32Array.from(new Uint16Array(buffer, 0, sizeOf(tensor.shape)), halfToNumber);
}

function errorOf(found: Float32Array, expected: Float32Array): number {
  let [difference, scale] = [0, 0];
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(found[i]! - value);
    if (!Number.isFinite(off)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, off);
    scale = Math.max(scale, Math.abs(value));
  }
  return difference / scale;
}

/** Enough for runs not to be all overhead, and no more memory than some hundred megabytes. */
function copiesOf({ flops, inputs }: Layer): number {
  const bytes = 4 * Object.values(inputs).reduce((sum, shape) => sum + sizeOf(shape), 0);
  return Math.max(1, Math.min(8, Math.floor(2e10 / flops), Math.floor(5e8 / bytes)));
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Values of a layer's inputs: kernels are scaled as trained ones are, so that float16 does not overflow. */
function inputsOf({ inputs }: Layer): Map<string, Float32Array<ArrayBuffer>> {
  const scaleOf = (name: string, shape: readonly number[]) =>
    name === 'w' ? 2 ** -Math.round(Math.log2(Math.sqrt(sizeOf(shape) / shape.at(0)!))) : 1;
  return new Map(
    Object.entries(inputs).map(([name, shape]) => [name, valuesOf(shape, scaleOf(name, shape))]),
  );
}

async function time(
  layer: Layer,
  way: Way,
  dtype: Precision,
  values: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Promise<Omit<Row, 'max_rel_err'> & { output: Float32Array }> {
  const copies = copiesOf(layer);
  const b = new GraphBuilder(emptyGraph('layer', 21));
  const feeds = new Map<string, DeviceTensor>();
  const prepared = new Map(
    Object.entries(layer.inputs).map(([name, shape]) => {
      const other = way.prepared?.[name];
      const data = other ? other.of(values.get(name)!) : values.get(name)!;
      return [name, { shape: other?.shape ?? shape, bytes: bytesOf(data, dtype) }];
    }),
  );
  for (let copy = 0; copy < copies; copy++) {
    const names: Record<string, string> = {};
    for (const [name, { shape, bytes }] of prepared) {
      names[name] = `${name}${copy}`;
      addInput(b, names[name], dtype, shape);
      feeds.set(names[name], runtime.upload({ dtype, shape: [...shape] }, bytes));
    }
    nameOutput(b, way.build(b, names), `y${copy}`);
  }
  const fetches = new Map<string, DeviceTensor>();
  for (const { name } of b.graph.outputs) fetches.set(name, runtime.allocate(b.graph.types.get(name)!));
  try {
    const session = await graphSession(runtime, b.graph, {
      name: `${layer.name}, ${way.name}`,
      ...(way.layout && { layout: way.layout }),
    });
    const finish = () => device.device.queue.onSubmittedWorkDone();
    const { counts } = await device.count(() => session.run(feeds, fetches));
    const output = await floatsOf(fetches.get('y0')!);
    // As many runs in a round as take some 50 ms.
    let runs = 1;
    const rounds: number[] = [];
    for (const begun = performance.now(); rounds.length < 20; ) {
      const from = performance.now();
      for (let i = 0; i < runs; i++) await session.run(feeds, fetches);
      await finish();
      const ms = performance.now() - from;
      if (runs === 1 && ms < 25) runs = Math.ceil(50 / ms);
      else rounds.push(ms / runs / copies);
      if (rounds.length >= 3 && performance.now() - begun > 500) break;
    }
    await session.release();
    const ms = median(rounds);
    return {
      layer: layer.name,
      batch: layer.batch,
      dtype,
      way: way.name,
      least_ms: Math.min(...rounds),
      ms,
      tflops: layer.flops / ms / 1e9,
      dispatches: counts.dispatches / copies,
      rounds: rounds.length,
      output,
    };
  } finally {
    for (const tensor of [...feeds.values(), ...fetches.values()]) runtime.release(tensor);
  }
}

const rows: Row[] = [];
const precisions: Precision[] = device.adapter.f16 ? ['float32', 'float16'] : ['float32'];
const left: string[] = [];
for (const layer of layers(options.tiny)) {
  const values = inputsOf(layer);
  let expected: Float32Array | undefined;
  for (const dtype of precisions) {
    for (const way of layer.ways) {
      const what = `batch ${layer.batch}, ${dtype}, ${layer.name}, ${way.name}`;
      if (performance.now() > until) {
        left.push(what);
        continue;
      }
      try {
        const { output, ...row } = await time(layer, way, dtype, values);
        if (way === layer.ways[0]) expected ??= output;
        rows.push({ ...row, max_rel_err: expected ? errorOf(output, expected) : Number.POSITIVE_INFINITY });
        process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
      } catch (error) {
        process.stderr.write(
          `kernels: ${what}: cannot (${error instanceof Error ? error.message : error})\n`,
        );
      }
    }
  }
}
for (const what of left) process.stderr.write(`kernels: ${what}: no time left\n`);

const head = ['layer', 'batch', 'dtype', 'way', 'ms (least)', 'TFLOP/s', 'dispatches', 'max rel. error'];
const cells = rows.map((row) => [
  row.layer,
  row.batch,
  row.dtype,
  row.way,
  `${row.ms.toPrecision(3)} (${row.least_ms.toPrecision(3)})`,
  row.tflops.toPrecision(3),
  row.dispatches,
  row.max_rel_err.toExponential(0),
]);
process.stdout.write(`\n${adapter}\n\n${markdownTable(head, cells)}\n`);
process.exit(0);
