import { type NoiseSchedule, noiseSchedule } from '../method/noise.ts';
import { readModel } from '../onnx/decode.ts';
import type { ByteSource, Model } from '../onnx/model.ts';
import { FolderError, type ModelFolder } from './folder.ts';

/** A latent diffusion model as its folder describes it, read but not loaded: large weights are byte ranges. */
export interface TeacherFolder {
  name: string;
  unet: Model;
  vaeEncoder: Model;
  textEncoder: Model;
  tokenizer: { definition: Record<string, unknown>; config: Record<string, unknown> };
  schedule: NoiseSchedule;
  /** Multiplies the autoencoder's mean: 0.18215 in Stable Diffusion 1 and 2. */
  scalingFactor: number;
  latentChannels: number;
  /** Edge of the latent the denoiser was trained on. */
  latentSize: number;
  /** Pixels of the image for one latent along an edge. */
  downsampling: number;
  files: { path: string; bytes: number }[];
}

/**
 * Reads a folder in the layout of diffusers' ONNX exports: `unet/model.onnx`, `vae_encoder/model.onnx`,
 * `text_encoder/model.onnx`, `tokenizer/tokenizer.json`, `scheduler/scheduler_config.json`.
 */
export async function readTeacherFolder(folder: ModelFolder): Promise<TeacherFolder> {
  const need = (what: string, ...tails: string[]): ByteSource => {
    const found = folder.find(...tails);
    if (found) return found;
    throw new FolderError(
      `${folder.name} holds no ${tails[0]} (${what}). Drop the whole folder of a Stable Diffusion ONNX export`,
    );
  };
  const load = async (source: ByteSource, part: string): Promise<Model> => {
    // Each part's external data lies beside it and may carry the same file name as another part's.
    const own = [...folder.files].filter(([path]) => path.split('/').includes(part));
    return readModel(source, { external: new Map(own) });
  };
  const unet = await load(need('the denoiser', 'unet/model.onnx', 'unet.onnx'), 'unet');
  const vaeEncoder = await load(need('the image autoencoder', 'vae_encoder/model.onnx'), 'vae_encoder');
  const textEncoder = await load(need('the text encoder', 'text_encoder/model.onnx'), 'text_encoder');
  const definition = await folder.json('tokenizer/tokenizer.json', 'tokenizer.json');
  if (!definition) {
    throw new FolderError(
      `${folder.name} holds no tokenizer/tokenizer.json. Copy it from the model's tokenizer folder`,
    );
  }
  const unetConfig = (await folder.json('unet/config.json')) ?? {};
  const vaeConfig = (await folder.json('vae_encoder/config.json', 'vae/config.json')) ?? {};
  const number = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise);
  const blocks = vaeConfig['block_out_channels'];
  return {
    name: folder.name,
    unet,
    vaeEncoder,
    textEncoder,
    tokenizer: { definition, config: (await folder.json('tokenizer/tokenizer_config.json')) ?? {} },
    schedule: noiseSchedule(await folder.json('scheduler/scheduler_config.json')),
    scalingFactor: number(vaeConfig['scaling_factor'], 0.18215),
    latentChannels: number(unetConfig['in_channels'], 4),
    latentSize: number(unetConfig['sample_size'], 64),
    downsampling: Array.isArray(blocks) ? 2 ** (blocks.length - 1) : 8,
    files: folder.listing(),
  };
}
