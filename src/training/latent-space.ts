import { sha256 } from '../data/hash.ts';
import type { Normalisation } from '../data/preprocess.ts';
import type { TeacherFolder } from '../exchange/teacher-folder.ts';
import type { RefineConfig } from '../method/config.ts';
import { encodeModel } from '../onnx/encode.ts';
import { streamParts } from '../onnx/parts.ts';
import { digestOf } from '../storage/digest.ts';

/**
 * Names the latents that may stand for each other: of one autoencoder, whichever teacher it came with, from pixels
 * normalised alike. The name is SHA-256 over the autoencoder's nodes and weights and what is done around them, as 16
 * hexadecimal digits.
 */
export async function latentSpace(
  teacher: Pick<TeacherFolder, 'vaeEncoder' | 'scalingFactor' | 'latentChannels'>,
  { fidelity }: Pick<RefineConfig, 'fidelity'>,
  { rescale, mean, std }: Normalisation,
): Promise<string> {
  // The faithful way reaches the autoencoder's range by the encoder's statistics.
  const way = fidelity === 'faithful' ? { rescale, mean, std } : {};
  const { size, parts, external = [] } = encodeModel(teacher.vaeEncoder);
  const files = [await digestOf('sha256', size, streamParts(parts))];
  for (const file of external) files.push(await digestOf('sha256', file.size, streamParts(file.parts)));
  const text = JSON.stringify([files, teacher.scalingFactor, teacher.latentChannels, way]);
  return (await sha256(new TextEncoder().encode(text))).slice(0, 16);
}
