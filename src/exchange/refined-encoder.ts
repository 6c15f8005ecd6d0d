import { type EncodedModel, encodeModel } from '../onnx/encode.ts';
import type { Model } from '../onnx/model.ts';
import { patchTensors } from '../onnx/patch-tensors.ts';
import { replaceTensors } from '../onnx/replace-tensors.ts';
import type { EncoderFolder } from './encoder-folder.ts';

/**
 * The encoder's ONNX file with other values in some of its weights: the file that came, with bytes overwritten, and
 * written anew only where shared initialisers had to be parted.
 *
 * @param vision the folder's tower, or what `splitShared` made of it
 * @param replaced little-endian bytes of the same type and shape, by initialiser name
 * @throws ModelError that names the weight and the file, for a weight that the file does not have
 */
export async function refinedEncoder(
  vision: Model,
  folder: Pick<EncoderFolder, 'vision' | 'visionSource' | 'external'>,
  replaced: ReadonlyMap<string, Uint8Array>,
): Promise<EncodedModel> {
  const { visionSource, external } = folder;
  if (vision === folder.vision) return patchTensors(visionSource, vision, replaced, { external });
  return encodeModel(replaceTensors(vision, replaced, visionSource.name));
}
