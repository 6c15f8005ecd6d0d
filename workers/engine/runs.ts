import { ImageEmbedder } from '../../src/evaluation/embed.ts';
import type { RefineConfig } from '../../src/method/config.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { RowCache } from '../../src/storage/row-cache.ts';
import { emptyPrompt } from '../../src/text/prompts.ts';
import type { CropSource } from '../../src/training/crops.ts';
import { LatentCache } from '../../src/training/latent-cache.ts';
import { latentSpace } from '../../src/training/latent-space.ts';
import { LatentEncoder } from '../../src/training/latents.ts';
import { makeLatentsAhead } from '../../src/training/latents-ahead.ts';
import { buildNetwork, buildProjectionNetwork } from '../../src/training/network.ts';
import { Refinement, type RefinementState } from '../../src/training/refine.ts';
import { type LoadedEncoder, type LoadedTeacher, promptContext } from './models.ts';
import { textInverse } from './text-inverse.ts';

export interface PreparedRun {
  refinement: Refinement;
  release(): Promise<void>;
}

export interface RunParts {
  encoder: LoadedEncoder;
  teacher: LoadedTeacher;
  images: CropSource;
  config: RefineConfig;
  /** Latents that earlier runs made. */
  latents?: RowCache;
}

/**
 * Makes everything that a run needs on a runtime: prompt, autoencoder, training graph, weights, optimiser.
 *
 * @param cpu runs the text encoder, whatever the run itself uses
 * @param from the first step that it will take, from 0
 */
export async function prepareRun(
  runtime: Runtime,
  cpu: Runtime,
  { encoder, teacher, images, config, latents: kept }: RunParts,
  onProgress?: (done: number, total: number, label?: string) => void,
  signal?: AbortSignal,
  from = 0,
): Promise<PreparedRun> {
  const promptText = emptyPrompt(config.fidelity);
  const prompt = await promptContext(cpu, teacher.folder, promptText);
  const projection =
    config.projection === 'text-inverse'
      ? await textInverse(
          runtime,
          cpu,
          { encoder, teacher, images, config, prompt: promptText },
          (label, done, total) => onProgress?.(done, total, label),
        )
      : undefined;
  signal?.throwIfAborted();
  const { preprocessing, imageSize } = encoder.folder;
  const parts = {
    vision: encoder.vision,
    imageSize,
    teacher: teacher.folder,
    contextTokens: teacher.summary.context.tokens,
    contextWidth: teacher.summary.context.width,
  };
  // On the processor frozen weights stay inside the model, where its kernels may lay them out as they like.
  const inputs = runtime.provider === 'webgpu' ? 'all' : 'trainable';
  const network = await buildNetwork(parts, config, inputs);
  const projectionNetwork =
    (config.projectorWarmup ?? 0) > 0 && !projection
      ? await buildProjectionNetwork(parts, config, inputs)
      : undefined;
  const latents = await LatentEncoder.open(runtime, teacher.folder, {
    fidelity: config.fidelity,
    preprocessing,
  });
  const space = kept && (await latentSpace(teacher.folder, config, preprocessing));
  const cache = new LatentCache({
    encode: (pixels) => latents.encode(pixels),
    ...(kept && space
      ? { shelf: { get: (key) => kept.get(space, key), add: (rows) => kept.add(space, rows) } }
      : {}),
  });
  let original: ImageEmbedder | undefined;
  try {
    if (config.autoencoder === 'before') {
      await makeLatentsAhead({
        config,
        images,
        from,
        teacherSize: latents.imageSize,
        encoderSize: imageSize,
        encode: (pixels) => cache.encode(pixels),
        onProgress: (done, total) => onProgress?.(done, total, 'latents of images'),
        signal,
      });
      await latents.release();
    }
    const refinement = await Refinement.open({
      runtime,
      network,
      ...(projectionNetwork ? { projectionNetwork } : {}),
      config,
      images,
      encodeLatent: (pixels) => cache.encode(pixels),
      latentShape: latents.shape,
      teacherSize: latents.imageSize,
      encoder: { size: imageSize, normalisation: preprocessing },
      schedule: teacher.folder.schedule,
      prompt,
      ...(projection ? { projection } : {}),
      // Asked for first within the first step.
      ...(network.feeds.anchor ? { embedOriginal: (pixels) => original!.embed(pixels) } : {}),
      ...(onProgress ? { onProgress } : {}),
      signal,
    });
    try {
      // The anchor asks what the encoder said before, by the weights that the run keeps from its start.
      if (network.feeds.anchor) {
        const shared = (name: string) => refinement.encoderWeight(name, 'start');
        const batch = config.batchSize;
        original = await ImageEmbedder.open(runtime, encoder.vision, {
          imageSize,
          batch,
          shared,
          priority: 'ahead',
        });
      }
    } catch (error) {
      await refinement.release();
      throw error;
    }
    return {
      refinement,
      release: async () => {
        await original?.release();
        await refinement.release();
        await cache.flush();
        await latents.release();
      },
    };
  } catch (error) {
    await latents.release();
    await original?.release();
    throw error;
  }
}

/** Names and bytes of a saved state, as checkpoints hold them. */
export function stateTensors(state: RefinementState): Map<string, Uint8Array<ArrayBuffer>> {
  const tensors = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, bytes] of state.weights) tensors.set(`weights/${name}`, bytes);
  for (const [name, bytes] of state.optimizer.tensors) tensors.set(`optimizer/${name}`, bytes);
  for (const [name, bytes] of state.average ?? []) tensors.set(`average/${name}`, bytes);
  if (state.lossScale) tensors.set('loss_scale', state.lossScale);
  return tensors;
}

/** The other way round. */
export function stateOf(
  step: number,
  tensors: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): RefinementState {
  const under = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, bytes]) => [name.slice(prefix.length), bytes]),
    );
  const average = under('average/');
  const lossScale = tensors.get('loss_scale');
  return {
    step,
    weights: under('weights/'),
    optimizer: { step, tensors: under('optimizer/') },
    ...(average.size > 0 ? { average } : {}),
    ...(lossScale ? { lossScale } : {}),
  };
}
