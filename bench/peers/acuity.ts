import * as ort from 'onnxruntime-web/webgpu';
import { openDevice } from '../../src/runtime/device.ts';
import { graphSession } from '../../src/runtime/graph-session.ts';
import { createOptimizer } from '../../src/runtime/optimizer.ts';
import { openRuntime } from '../../src/runtime/runtime.ts';
import type { DeviceTensor } from '../../src/runtime/tensor.ts';
import { measureThreads } from '../../src/runtime/threads.ts';
import { blockGraph } from './acuity-graph.ts';
import { adamw, type Block, type BlockValues } from './blocks.ts';
import type { Backend, Contestant } from './contestant.ts';

const filesOf = (folder: string) => ({
  mjs: new URL('ort-wasm-simd-threaded.asyncify.mjs', folder).href,
  wasm: new URL('ort-wasm-simd-threaded.asyncify.wasm', folder).href,
});

/**
 * Acuity's own runtime, optimiser and differentiation, as a refinement uses them.
 *
 * @param threads of WebAssembly; 0 as many as it measures to be best
 * @param folder address of onnxruntime-web's files
 */
export async function openAcuity(
  block: Block,
  values: BlockValues,
  backend: Backend,
  threads = 0,
  folder = new URL('/ort/', location.href).href,
): Promise<Contestant> {
  const device = backend === 'webgpu' ? await openDevice() : undefined;
  const measured =
    backend === 'wasm' && threads === 0 ? (await measureThreads({ wasmPaths: folder })).threads : threads;
  const runtime = await openRuntime({
    ort: ort as never,
    provider: backend,
    ...(device && { device }),
    threads: Math.max(1, measured),
    wasmPaths: filesOf(folder),
  });
  const { graph, gradients } = blockGraph(block);
  const session = await graphSession(runtime, graph, { name: block.name });
  const tensor = (shape: readonly number[], data: Float32Array<ArrayBuffer>): DeviceTensor =>
    runtime.upload({ dtype: 'float32', shape: [...shape] }, new Uint8Array(data.buffer));
  const parameters = Object.entries(block.weights).map(([name, shape]) => ({
    name,
    weight: tensor(shape, values.weights[name]!),
    decay: true,
  }));
  const optimizer = createOptimizer(runtime, parameters, {
    kind: 'adamw',
    momentum: adamw.beta1,
    beta2: adamw.beta2,
    epsilon: adamw.epsilon,
    weightDecay: adamw.decay,
    clipNorm: 0,
  });
  const feeds = new Map(parameters.map(({ name, weight }) => [name, weight]));
  feeds.set('input', tensor(block.shape, values.input));
  feeds.set('target', tensor(block.shape, values.target));
  const loss = runtime.allocate({ dtype: 'float32', shape: [] });
  const own = new Map(
    parameters.map(({ name, weight: { dtype, shape } }) => [name, runtime.allocate({ dtype, shape })]),
  );
  const fetches = new Map<string, DeviceTensor>([['loss', loss]]);
  for (const [name, output] of gradients) fetches.set(output, own.get(name)!);
  const floats = async (from: DeviceTensor) => new Float32Array((await runtime.read(from)).buffer);
  return {
    setting:
      backend === 'wasm'
        ? `wasm, ${runtime.threads} ${runtime.threads === 1 ? 'thread' : 'threads'}`
        : 'webgpu',
    gradients: async () => {
      await session.run(feeds, fetches);
      const read: Record<string, Float32Array> = {};
      for (const [name, gradient] of own) read[name] = await floats(gradient);
      return read;
    },
    step: async () => {
      await session.run(feeds, fetches);
      await optimizer.accumulate(own);
      await optimizer.step({ learningRate: adamw.rate });
      const value = (await floats(loss))[0]!;
      await device?.device.queue.onSubmittedWorkDone();
      return value;
    },
  };
}
