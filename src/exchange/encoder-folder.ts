import { readOpenClipPreprocessing } from '../data/open-clip-preprocessing.ts';
import { type Preprocessing, preparedSize, readPreprocessing } from '../data/preprocess.ts';
import { readModel } from '../onnx/decode.ts';
import type { ByteSource, Model } from '../onnx/model.ts';
import { FolderError, type ModelFolder } from './folder.ts';

/** An encoder as its folder describes it, read but not loaded: large weights are byte ranges. */
export interface EncoderFolder {
  name: string;
  vision: Model;
  visionSource: ByteSource;
  /** The folder's files, among which external data lies. */
  external: ReadonlyMap<string, ByteSource>;
  /** The text tower, when the folder holds one. */
  text: { model: Model; source: ByteSource } | undefined;
  /** Contents of `tokenizer.json` and `tokenizer_config.json`. */
  tokenizer: { definition: Record<string, unknown>; config: Record<string, unknown> } | undefined;
  /** Lines of `sentences.txt`, on which a text-inverse condition is fitted, when the folder holds one. */
  sentences: string[] | undefined;
  config: Record<string, unknown>;
  preprocessing: Preprocessing;
  /** Edge of the square input, in pixels. */
  imageSize: number;
  /** exp of the learned temperature. CLIP's training caps it at 100, where every released model stands. */
  logitScale: number;
  files: { path: string; bytes: number }[];
}

const releasedLogitScale = 100;

/**
 * Reads a folder in the layout of transformers.js repositories: `onnx/vision_model.onnx`, `onnx/text_model.onnx`,
 * `config.json`, `preprocessor_config.json`, `tokenizer.json`. Throws a {@link FolderError} or ModelError that names
 * the file.
 */
export async function readEncoderFolder(folder: ModelFolder): Promise<EncoderFolder> {
  const visionSource = folder.find(
    'onnx/vision_model.onnx',
    'vision_model.onnx',
    'visual.onnx',
    'onnx/model.onnx',
    'model.onnx',
  );
  if (!visionSource) {
    throw new FolderError(
      `${folder.name} holds no onnx/vision_model.onnx. Drop the whole folder of a CLIP export, such as Xenova/clip-vit-base-patch32`,
    );
  }
  const external = folder.files;
  const vision = await readModel(visionSource, { external });
  const textSource = folder.find('onnx/text_model.onnx', 'text_model.onnx', 'textual.onnx');
  const text = textSource
    ? { model: await readModel(textSource, { external }), source: textSource }
    : undefined;
  const definition = await folder.json('tokenizer.json');
  const config = (await folder.json('config.json')) ?? {};
  return {
    name: folder.name,
    vision,
    visionSource,
    external,
    text,
    tokenizer: definition
      ? { definition, config: (await folder.json('tokenizer_config.json')) ?? {} }
      : undefined,
    sentences: (await folder.text('sentences.txt'))?.split(/\r?\n/).filter((line) => line.trim() !== ''),
    config,
    ...preprocessingOf(folder, await declaredPreprocessing(folder), vision, config),
    logitScale: releasedLogitScale,
    files: folder.listing(),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

async function declaredPreprocessing(
  folder: ModelFolder,
): Promise<{ file: string; preprocessing: Preprocessing } | undefined> {
  const own = await folder.json('preprocessor_config.json');
  if (own) return { file: 'preprocessor_config.json', preprocessing: readPreprocessing(own) };
  const openClip = await folder.json('open_clip_config.json');
  return openClip && { file: 'open_clip_config.json', preprocessing: readOpenClipPreprocessing(openClip) };
}

/** Without either file an encoder is prepared for as OpenAI's CLIP, at the size that its files tell. */
function preprocessingOf(
  folder: ModelFolder,
  given: { file: string; preprocessing: Preprocessing } | undefined,
  vision: Model,
  config: Record<string, unknown>,
): { preprocessing: Preprocessing; imageSize: number } {
  const told = visionConfig(config)['image_size'];
  const edge = typeof told === 'number' ? told : declaredEdge(vision);
  if (given) {
    const { file, preprocessing } = given;
    const size = preparedSize(preprocessing);
    if (size && size.width === size.height) return { preprocessing, imageSize: size.width };
    throw new FolderError(
      `${folder.name}: ${file} gives ${size ? `${size.width} x ${size.height}` : 'no fixed size'}, but the encoder takes squares`,
    );
  }
  if (edge === undefined) {
    throw new FolderError(
      `${folder.name}: the image size is unknown. Add preprocessor_config.json or config.json beside the model`,
    );
  }
  return {
    preprocessing: readPreprocessing({ size: { shortest_edge: edge }, crop_size: edge }),
    imageSize: edge,
  };
}

export function visionConfig(config: Record<string, unknown>): Record<string, unknown> {
  return isRecord(config['vision_config']) ? config['vision_config'] : config;
}

function declaredEdge(vision: Model): number | undefined {
  const edge = vision.graph.inputs[0]?.shape?.[2];
  return typeof edge === 'number' ? edge : undefined;
}
