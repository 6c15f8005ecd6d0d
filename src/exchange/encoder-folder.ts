import { readModel } from '../onnx/decode.ts';
import type { ByteSource, Model } from '../onnx/model.ts';
import { FolderError, type ModelFolder } from './folder.ts';

/** How images become the encoder's input (`preprocessor_config.json`). */
export interface ImagePreprocessing {
  /** Edge in pixels of the square input. */
  size: number;
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  /** Whether the shorter edge is resized and the centre cropped; otherwise the image is squashed. */
  centerCrop: boolean;
  resample: 'bicubic' | 'bilinear';
}

/** An encoder as its folder describes it, read but not loaded: large weights are byte ranges. */
export interface EncoderFolder {
  name: string;
  vision: Model;
  visionSource: ByteSource;
  /** The text tower, when the folder holds one. */
  text: { model: Model; source: ByteSource } | undefined;
  /** Contents of `tokenizer.json` and `tokenizer_config.json`. */
  tokenizer: { definition: Record<string, unknown>; config: Record<string, unknown> } | undefined;
  config: Record<string, unknown>;
  preprocessing: ImagePreprocessing;
  /** exp of the learned temperature. CLIP's training caps it at 100, where every released model stands. */
  logitScale: number;
  files: { path: string; bytes: number }[];
}

const releasedLogitScale = 100;
const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;
const clipStd = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * Reads a folder in the layout of transformers.js repositories: `onnx/vision_model.onnx`, `onnx/text_model.onnx`,
 * `config.json`, `preprocessor_config.json`, `tokenizer.json`. Throws a {@link FolderError} or ModelError that names
 * the file.
 */
export async function readEncoderFolder(folder: ModelFolder): Promise<EncoderFolder> {
  const visionSource = folder.find('onnx/vision_model.onnx', 'vision_model.onnx', 'visual.onnx', 'onnx/model.onnx', 'model.onnx');
  if (!visionSource) {
    throw new FolderError(
      `${folder.name} holds no onnx/vision_model.onnx. Drop the whole folder of a CLIP export, such as Xenova/clip-vit-base-patch32`,
    );
  }
  const external = folder.files;
  const vision = await readModel(visionSource, { external });
  const textSource = folder.find('onnx/text_model.onnx', 'text_model.onnx', 'textual.onnx');
  const text = textSource ? { model: await readModel(textSource, { external }), source: textSource } : undefined;
  const definition = await folder.json('tokenizer.json');
  const config = (await folder.json('config.json')) ?? {};
  return {
    name: folder.name,
    vision,
    visionSource,
    text,
    tokenizer: definition ? { definition, config: (await folder.json('tokenizer_config.json')) ?? {} } : undefined,
    config,
    preprocessing: preprocessingOf(folder, await folder.json('preprocessor_config.json'), vision, config),
    logitScale: releasedLogitScale,
    files: folder.listing(),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function preprocessingOf(
  folder: ModelFolder,
  given: Record<string, unknown> | undefined,
  vision: Model,
  config: Record<string, unknown>,
): ImagePreprocessing {
  const size = edgeOf(given?.['crop_size']) ?? edgeOf(given?.['size']) ?? edgeOf(visionConfig(config)['image_size']) ?? declaredEdge(vision);
  if (size === undefined) {
    throw new FolderError(
      `${folder.name}: the image size is unknown. Add preprocessor_config.json or config.json beside the model`,
    );
  }
  return {
    size,
    mean: triple(given?.['image_mean']) ?? clipMean,
    std: triple(given?.['image_std']) ?? clipStd,
    centerCrop: given?.['do_center_crop'] !== false,
    // PIL's resampling codes: 2 bilinear, 3 bicubic.
    resample: given?.['resample'] === 2 ? 'bilinear' : 'bicubic',
  };
}

export function visionConfig(config: Record<string, unknown>): Record<string, unknown> {
  return isRecord(config['vision_config']) ? config['vision_config'] : config;
}

function edgeOf(value: unknown): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  return isRecord(value) ? (edgeOf(value['shortest_edge']) ?? edgeOf(value['height'])) : undefined;
}

function declaredEdge(vision: Model): number | undefined {
  const edge = vision.graph.inputs[0]?.shape?.[2];
  return typeof edge === 'number' ? edge : undefined;
}

function triple(value: unknown): [number, number, number] | undefined {
  return Array.isArray(value) && value.length === 3 && value.every((v) => typeof v === 'number')
    ? (value as [number, number, number])
    : undefined;
}
