import { readModel } from '../decode.ts';
import { ModelError } from '../errors.ts';
import type { ByteSource, Model } from '../model.ts';
import { bytesSource } from '../sources.ts';
import { floatValue, modelWith, node, type WireField } from './wire.ts';

export const readBytes = (
  bytes: Uint8Array,
  external: ReadonlyMap<string, ByteSource> = new Map(),
): Promise<Model> => readModel(bytesSource('hostile.onnx', bytes), { external });

/** The error that a file is refused with. Throws where the file is accepted or the error is of another kind. */
export async function refusal(
  bytes: Uint8Array,
  external?: ReadonlyMap<string, ByteSource>,
): Promise<ModelError> {
  try {
    await readBytes(bytes, external);
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
  throw new Error('The file was accepted');
}

/** A file of x -> Relu -> y, with other fields in its graph. */
export const relu = (...more: WireField[]): Uint8Array =>
  modelWith([1, node('Relu', ['x'], ['y'])], [11, floatValue('x', 4)], [12, floatValue('y', 4)], ...more);
