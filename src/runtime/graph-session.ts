import { asModel } from '../onnx/as-model.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { collect } from '../onnx/parts.ts';
import { RuntimeError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { Session, SessionOptions } from './session.ts';

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
      `Session "${options.name}" computes in float16 (first in "${half[0]}"), which this GPU does not offer (shader-f16): choose the float32 files of the model, or WebAssembly`,
    );
  }
  const encoded = encodeModel(asModel(graph));
  if (encoded.external?.length || encoded.size > sessionBytes) {
    throw new RuntimeError(
      `Session "${options.name}" would hold ${(encoded.size / 2 ** 30).toFixed(1)} GiB of weights inside its model: keep them as inputs`,
    );
  }
  return runtime.session(await collect(encoded.parts), options);
}
