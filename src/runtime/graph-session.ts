import { asModel } from '../onnx/as-model.ts';
import { encodeModel } from '../onnx/encode.ts';
import { bytesOfType } from '../onnx/liveness.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { collect } from '../onnx/parts.ts';
import { RuntimeError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { Session, SessionOptions } from './session.ts';
import { bufferSizeOf, describeType } from './tensor.ts';

/** The wasm heap holds the model while a session is made; larger models must lift their weights to inputs. */
const sessionBytes = 1.5 * 2 ** 30;

/** Makes a session from a typed graph. Weights still inside the graph travel with the model. */
export async function graphSession(
  runtime: Runtime,
  graph: TypedGraph,
  options: SessionOptions,
): Promise<Session> {
  const device = runtime.device?.device;
  const half = [...graph.types].find(([, { dtype }]) => dtype === 'float16');
  if (device && half && !device.features.has('shader-f16')) {
    throw new RuntimeError(
      `Session "${options.name}" computes in float16 (first in "${half[0]}"), which this GPU does not offer (shader-f16): let the run compute in float32, choose the float32 files of the model, or WebAssembly`,
    );
  }
  if (device) checkBindings(device, graph, options.name);
  const encoded = encodeModel(asModel(graph));
  if (encoded.external?.length || encoded.size > sessionBytes) {
    throw new RuntimeError(
      `Session "${options.name}" would hold ${(encoded.size / 2 ** 30).toFixed(1)} GiB of weights inside its model: keep them as inputs`,
    );
  }
  return runtime.session(await collect(encoded.parts), options);
}

/**
 * Of a value beyond the binding limit ONNX Runtime binds parts, and some of its kernels (seen with 1.30 in attention)
 * then compute wrong numbers without a word.
 */
function checkBindings({ limits }: GPUDevice, { types }: TypedGraph, session: string): void {
  const limit = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  for (const [name, type] of types) {
    const bytes = bufferSizeOf(bytesOfType(type));
    if (bytes <= limit) continue;
    throw new RuntimeError(
      `Session "${session}" computes "${name}" (${describeType(type)}), which takes ${megabytes(bytes)} at once, and this GPU binds ${megabytes(limit)}: take a smaller batch, float16 models or recomputation, which splits attention; or WebAssembly`,
    );
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
