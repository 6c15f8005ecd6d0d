import type { RefineConfig } from '../method/config.ts';
import type { CropRequest, CropSource } from './crops.ts';
import { Draws } from './draws.ts';

export interface LatentsAhead {
  config: RefineConfig;
  images: CropSource;
  /** First step that the run will take, from 0. */
  from: number;
  teacherSize: number;
  encoderSize: number;
  /** Makes a latent and keeps it. */
  encode(pixels: Uint8Array): Promise<unknown>;
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal | undefined;
}

/** More than these, 64 KiB each at Stable Diffusion's size, nobody wants on a disk. */
const mostLatents = 65_536;

/** Makes the latents of every crop that a run will show, before its training begins. */
export async function makeLatentsAhead(parts: LatentsAhead): Promise<void> {
  const { images, signal } = parts;
  const requests = cropsOf(parts);
  const crop = (request: CropRequest | undefined) => {
    const made = request && images.crop(request);
    // Whoever takes it hears of a failure.
    made?.catch(() => undefined);
    return made;
  };
  let ahead = crop(requests[0]);
  for (let i = 0; i < requests.length; i++) {
    signal?.throwIfAborted();
    parts.onProgress?.(i, requests.length);
    const pixels = (await ahead)!;
    ahead = crop(requests[i + 1]);
    await parts.encode(pixels.teacher);
  }
  parts.onProgress?.(requests.length, requests.length);
}

/** The crops of the coming steps, each once. */
function cropsOf({ config, images, from, teacherSize, encoderSize }: LatentsAhead): CropRequest[] {
  const { batchSize, accumulate, steps, cropScale } = config;
  const draws = new Draws(config, images.count);
  const requests = new Map<string, CropRequest>();
  for (let step = from; step < steps; step++) {
    for (let slot = 0; slot < batchSize * accumulate; slot++) {
      const image = draws.image(step, slot);
      const uniforms = [...draws.crop(step, slot)];
      const key = cropScale >= 1 ? String(image) : `${image} ${uniforms.join()}`;
      if (requests.has(key)) continue;
      requests.set(key, { image, scale: cropScale, uniforms, teacherSize, encoderSize });
      if (requests.size > mostLatents) {
        throw new Error(
          `This run shows more than ${mostLatents.toLocaleString('en')} different crops, too many to make all latents before it. Give each image a number of crops, or keep the autoencoder beside the training`,
        );
      }
    }
    // The images' own crops have all come once.
    const shown = (step + 1 - from) * batchSize * accumulate;
    const epochs = cropScale >= 1 ? 1 : (config.crops ?? 0);
    if (epochs > 0 && shown > (epochs + 1) * images.count) break;
  }
  return [...requests.values()];
}
