/**
 * Runs a block's training graph plainly and with ONNX Runtime's graph capture on the WebGPU provider, under Node 22 or
 * later on Dawn, from the same buffers with a new input each step: are all outputs right, and what does a run cost?
 * Inputs are buffers of our own, as in a refinement; outputs are left to the library, which alone captures them.
 *
 *   npm install --no-save webgpu
 *   npx esbuild bench/gpu/capture.ts --bundle --platform=node --format=esm --outfile=capture.mjs \
 *     --conditions=onnxruntime-web-use-extern-wasm
 *   node capture.mjs node_modules/webgpu/index.js node_modules/onnxruntime-web/dist/ [STEPS [NAME...]]
 */
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { asModel } from '../../src/onnx/as-model.ts';
import { sizeOf } from '../../src/onnx/data-types.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { collect } from '../../src/onnx/parts.ts';
import { openDevice } from '../../src/runtime/device.ts';
import { Readback } from '../../src/runtime/readback.ts';
import { bufferSizeOf } from '../../src/runtime/tensor.ts';
import { blockGraph } from '../peers/acuity-graph.ts';
import { type Block, blocks, largeBlocks, valuesOf } from '../peers/blocks.ts';
import { gradientError, median } from '../peers/report.ts';
import { openDawn } from './dawn.ts';

const [bindings = '', ortFolder = '', steps = '12', ...wanted] = process.argv.slice(2);

const adapter = await openDawn(bindings);
const ort = await import('onnxruntime-web/webgpu');
const folder = pathToFileURL(`${resolve(ortFolder)}/`).href;
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = {
  mjs: new URL('ort-wasm-simd-threaded.asyncify.mjs', folder).href,
  wasm: new URL('ort-wasm-simd-threaded.asyncify.wasm', folder).href,
};
const open = await openDevice();
const { device } = open;
const readback = new Readback(open);

const makeSession = (model: Uint8Array, enableGraphCapture: boolean) =>
  ort.InferenceSession.create(model, {
    executionProviders: [{ name: 'webgpu', device }],
    preferredOutputLocation: 'gpu-buffer',
    enableGraphCapture,
    logSeverityLevel: 4,
    extra: { session: { disable_cpu_ep_fallback: '1' } },
  });

function upload(values: Float32Array<ArrayBuffer>, shape: readonly number[]): Tensor {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: bufferSizeOf(values.byteLength), usage });
  device.queue.writeBuffer(buffer, 0, values);
  return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: [...shape] });
}

async function floatsOf(results: Readonly<Record<string, Tensor>>): Promise<Record<string, Float32Array>> {
  const read: Record<string, Float32Array> = {};
  for (const [name, { gpuBuffer, dims }] of Object.entries(results)) {
    const bytes = await readback.read(
      gpuBuffer as GPUBuffer,
      4 * sizeOf(dims),
      `Output "${name}" cannot be read`,
    );
    read[name] = new Float32Array(bytes.buffer, 0, sizeOf(dims));
  }
  return read;
}

async function compare(block: Block): Promise<object> {
  const { graph } = blockGraph(block);
  const model = await collect(encodeModel(asModel(graph)).parts);
  const { input, target, weights } = valuesOf(block);
  const feeds: Record<string, Tensor> = { input: upload(input, block.shape) };
  feeds['target'] = upload(target, block.shape);
  for (const [name, shape] of Object.entries(block.weights)) feeds[name] = upload(weights[name]!, shape);
  const ways: { session: InferenceSession; run: number[]; whole: number[] }[] = [];
  for (const captured of [false, true])
    ways.push({ session: await makeSession(model, captured), run: [], whole: [] });
  let worst = 0;
  for (let i = 0; i < Number(steps); i++) {
    const fresh = input.map(() => 2 * Math.random() - 1);
    device.queue.writeBuffer(feeds['input']!.gpuBuffer as GPUBuffer, 0, fresh);
    const outputs: Record<string, Float32Array>[] = [];
    for (const { session, run, whole } of ways) {
      await device.queue.onSubmittedWorkDone();
      const from = performance.now();
      const results = await session.run(feeds);
      const submitted = performance.now();
      await device.queue.onSubmittedWorkDone();
      // The first runs compile and capture.
      if (i > 1) run.push(submitted - from);
      if (i > 1) whole.push(performance.now() - from);
      outputs.push(await floatsOf(results));
      for (const tensor of Object.values(results)) tensor.dispose();
    }
    const [plain, captured] = outputs as [Record<string, Float32Array>, Record<string, Float32Array>];
    // A true gradient of zero, such as a key's bias has, is rounding whatever computes it.
    for (const [name, values] of Object.entries(plain))
      if (values.every((value) => Math.abs(value) < 1e-7)) delete plain[name];
    worst = Math.max(worst, gradientError(captured, plain));
  }
  for (const { session } of ways) await session.release();
  const [plain, captured] = ways.map(({ run, whole }) => ({ run: median(run), whole: median(whole) }));
  return { name: block.name, adapter, nodes: graph.nodes.length, plain, captured, max_rel_err: worst };
}

for (const block of [...Object.values(blocks), ...Object.values(largeBlocks)]) {
  if (wanted.length > 0 && !wanted.includes(block.name)) continue;
  try {
    process.stdout.write(`${JSON.stringify(await compare(block))}\n`);
  } catch (error) {
    process.stderr.write(`capture: ${block.name}: ${error instanceof Error ? error.message : error}\n`);
  }
}
process.exit(0);
