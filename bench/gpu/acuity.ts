/**
 * Times whole training steps of full-size models on onnxruntime's WebGPU provider, outside a browser, and prints a
 * line of JSON for each: milliseconds of every run, kernels included, gradients left on the device but for the sum of
 * their squares, which tells whether float16 finds what float32 does.
 *
 *   python -m tools.reference.full_size FOLDER vit-l-14:1 sd21-base:1
 *   npx tsx bench/gpu/acuity.ts FOLDER SCRATCH [PROVIDER [NAME[:BATCH]...]]
 *
 * SCRATCH takes a model at a time, up to 5 GB. Nothing may leave the provider.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { mulberry32 } from '../../src/evaluation/statistics.ts';
import { asModel } from '../../src/onnx/as-model.ts';
import { sizeOf } from '../../src/onnx/data-types.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { arrangeForRuntime } from '../../src/onnx/execution-order.ts';
import type { TypedGraph } from '../../src/onnx/model.ts';
import { type Part, streamParts } from '../../src/onnx/parts.ts';
import { type Precision, workloads } from './workloads.ts';

const runs = { warm: 3, timed: 10 };
const [folder = '', scratch = '', provider = 'webgpu', ...wanted] = process.argv.slice(2);

async function write(path: string, parts: readonly Part[]): Promise<void> {
  const file = await open(path, 'w');
  for await (const chunk of streamParts(parts)) await file.write(chunk);
  await file.close();
}

async function save(graph: TypedGraph, path: string): Promise<void> {
  const { parts, external } = encodeModel(asModel(graph), {
    externalThreshold: 0,
    externalName: 'model.data',
  });
  await write(join(path, 'model.onnx'), parts);
  for (const file of external ?? []) await write(join(path, file.name), file.parts);
}

/** The factor on the gradients on their way; float16 loses the small ones without. */
const lossScale: Readonly<Record<Precision, number>> = { f32: 1, f16: 2 ** 16 };

function feedOf(name: string, shape: readonly number[], precision: Precision): Tensor {
  const random = mulberry32(2);
  const tokens = shape.at(-1)!;
  const value = (at: number): number => {
    switch (name) {
      case 'loss_scale':
        return lossScale[precision];
      // Any whole number below 1000.
      case 'timestep':
        return 500;
      // Each row picks one token.
      case 'selection':
        return at % tokens === (37 * Math.floor(at / tokens)) % tokens ? 1 : 0;
      default:
        return random() - 0.5;
    }
  };
  return new Tensor(
    'float32',
    Float32Array.from({ length: sizeOf(shape) }, (_, at) => value(at)),
    shape,
  );
}

async function time(name: string, precision: Precision, batch: number): Promise<void> {
  const path = join(scratch, `${name}-${precision}-b${batch}`);
  mkdirSync(path, { recursive: true });
  try {
    const graph = arrangeForRuntime(await workloads[name]!({ folder, precision, batch }));
    await save(graph, path);
    const feeds: Record<string, Tensor> = {};
    for (const input of graph.inputs) {
      feeds[input.name] = feedOf(input.name, graph.types.get(input.name)!.shape, precision);
    }
    const begun = performance.now();
    const session = await InferenceSession.create(join(path, 'model.onnx'), {
      executionProviders: [provider],
      ...(provider === 'cpu' ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
    });
    const createdMs = performance.now() - begun;
    const ms: number[] = [];
    let squares = Number.NaN;
    for (let i = 0; i < runs.warm + runs.timed; i++) {
      const from = performance.now();
      const result = await session.run(feeds);
      squares = Number(result['squares']!.data[0]) / (feeds['loss_scale'] ? lossScale[precision] ** 2 : 1);
      if (i >= runs.warm) ms.push(performance.now() - from);
    }
    await session.release();
    console.log(
      JSON.stringify({ name, precision, batch, nodes: graph.nodes.length, squares, createdMs, ms }),
    );
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

for (const each of wanted.length > 0 ? wanted : Object.keys(workloads)) {
  const [name = '', size = '1'] = each.split(':');
  const batch = Number(size);
  for (const precision of ['f32', 'f16'] as const) {
    try {
      await time(name, precision, batch);
    } catch (error) {
      console.log(JSON.stringify({ name, precision, batch, problem: String(error).slice(0, 400) }));
    }
  }
}
