import * as ort from 'onnxruntime-web/webgpu';
import type { GraphRequest, GraphResult } from './graphs-protocol.ts';

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = {
  mjs: new URL('/ort/ort-wasm-simd-threaded.asyncify.mjs', location.href).href,
  wasm: new URL('/ort/ort-wasm-simd-threaded.asyncify.wasm', location.href).href,
};
ort.env.logLevel = 'error';

/** Two overlapping calls hang the library for good: each waits for the one before. */
let last: Promise<unknown> = Promise.resolve();

window.runGraph = (request) => {
  const next = last.then(() => run(request));
  last = next;
  return next;
};

async function run(request: GraphRequest): Promise<GraphResult> {
  let session: ort.InferenceSession | undefined;
  try {
    session = await ort.InferenceSession.create(
      Uint8Array.from(atob(request.model), (c) => c.charCodeAt(0)),
      {
        executionProviders: ['webgpu'],
        // Any node without a GPU kernel becomes an error.
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      },
    );
    const feeds = Object.fromEntries(
      request.inputs.map(({ name, dtype, shape, values }) => [name, tensorOf(dtype, shape, values)]),
    );
    const results = await session.run(feeds);
    return {
      outputs: await Promise.all(
        request.outputs.map(async (name) =>
          Array.from((await results[name]!.getData()) as ArrayLike<number | bigint>, Number),
        ),
      ),
    };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  } finally {
    await session?.release();
  }
}

function tensorOf(
  dtype: GraphRequest['inputs'][number]['dtype'],
  shape: number[],
  values: number[],
): ort.Tensor {
  switch (dtype) {
    case 'float32':
      return new ort.Tensor('float32', Float32Array.from(values), shape);
    case 'int64':
      return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), shape);
    case 'int32':
      return new ort.Tensor('int32', Int32Array.from(values), shape);
    case 'bool':
      return new ort.Tensor('bool', Uint8Array.from(values), shape);
  }
}
