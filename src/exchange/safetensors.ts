import { writeSafetensors } from '../formats/safetensors.ts';
import { widthOf } from '../onnx/data-types.ts';
import type { EncodedFile } from '../onnx/encode.ts';
import { ModelError } from '../onnx/errors.ts';
import type { Model, Tensor } from '../onnx/model.ts';
import { mapClipVision, type NamedParameter } from './name-map.ts';

/** A vision tower as transformers loads it: `CLIPVisionModelWithProjection.from_pretrained(folder)`. */
export interface HuggingFaceVision {
  /** `model.safetensors`. */
  weights: EncodedFile;
  /** Text of `config.json`. */
  config: string;
}

/**
 * Writes the weights of a CLIP vision tower under Hugging Face's names and in PyTorch's orientation.
 *
 * @param model with every parameter an initialiser of its own (`splitShared`).
 * @param replaced bytes that stand in for an initialiser's own, such as a checkpoint's, by initialiser name.
 * @param config the parsed `config.json` of the folder that the encoder came from.
 * @throws UnsupportedModelError when the graph is no CLIP vision transformer; ModelError for a replaced weight that is
 *   none of its parameters.
 */
export async function exportClipVision(
  model: Model,
  replaced: ReadonlyMap<string, Uint8Array>,
  config: Record<string, unknown>,
): Promise<HuggingFaceVision> {
  const { parameters } = mapClipVision(model);
  const left = new Set(replaced.keys());
  for (const { initializer } of parameters) left.delete(initializer);
  const [unplaced] = left;
  if (unplaced !== undefined) {
    throw new ModelError(
      'A trained weight is no parameter of a CLIP vision tower, and model.safetensors has no place for it',
      { file: 'model.safetensors', value: unplaced },
      'Take weights that were trained on this very encoder, or train with LoRA or the last blocks alone',
    );
  }
  const tensors = new Map<string, Tensor>();
  for (const parameter of parameters) {
    const tensor = model.graph.initializers.get(parameter.initializer)!;
    const bytes = replaced.get(parameter.initializer);
    const present: Tensor = bytes ? { ...tensor, data: { kind: 'bytes', bytes } } : tensor;
    tensors.set(parameter.name, await asPyTorch(present, parameter));
  }
  return {
    // transformers refuses files that do not name their framework.
    weights: writeSafetensors(tensors, new Map([['format', 'pt']])),
    config: configText(visionConfig(config, parameters)),
  };
}

/** A parameter in PyTorch's shape and orientation. Bytes are read only where they have to be turned. */
export async function asPyTorch(
  tensor: Tensor,
  { transposed, shape, initializer }: NamedParameter,
): Promise<Tensor> {
  if (!transposed) return { ...tensor, shape };
  if (tensor.data.kind === 'strings') throw new ModelError('A weight holds strings', { value: initializer });
  const { data } = tensor;
  const bytes = data.kind === 'bytes' ? data.bytes : await data.source.read(data.offset, data.length);
  const [rows, columns] = tensor.shape as [number, number];
  return {
    dtype: tensor.dtype,
    shape,
    data: { kind: 'bytes', bytes: transpose(bytes, rows, columns, widthOf(tensor.dtype)) },
  };
}

/** [rows, columns] to [columns, rows], for elements of `width` bytes. */
export function transpose(bytes: Uint8Array, rows: number, columns: number, width: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * width;
      const to = (column * rows + row) * width;
      for (let i = 0; i < width; i++) result[to + i] = bytes[from + i]!;
    }
  }
  return result;
}

/** What `CLIPVisionConfig` takes from a configuration besides what the weights say. */
const settings = [
  ...['num_attention_heads', 'num_channels', 'hidden_act', 'projection_dim'],
  ...['layer_norm_eps', 'attention_dropout', 'initializer_range', 'initializer_factor'],
] as const;

/** The vision part of a configuration, with the sizes that the weights have. */
function visionConfig(
  config: Record<string, unknown>,
  parameters: readonly NamedParameter[],
): Record<string, unknown> {
  const { vision_config } = config;
  const given = isRecord(vision_config) ? vision_config : config;
  const kept = settings.filter((field) => field in given).map((field) => [field, given[field]]);
  const shapeOf = (name: string) => parameters.find((parameter) => parameter.name === name)?.shape ?? [];
  const [hidden = 0, , , patch = 0] = shapeOf('vision_model.embeddings.patch_embedding.weight');
  const [positions = 1] = shapeOf('vision_model.embeddings.position_embedding.weight');
  const [intermediate = 0] = shapeOf('vision_model.encoder.layers.0.mlp.fc1.weight');
  const [projection] = shapeOf('visual_projection.weight');
  return {
    architectures: [projection === undefined ? 'CLIPVisionModel' : 'CLIPVisionModelWithProjection'],
    model_type: 'clip_vision_model',
    // CLIP's heads are 64 wide in every released size.
    num_attention_heads: Math.max(1, Math.round(hidden / 64)),
    hidden_act: 'quick_gelu',
    layer_norm_eps: 1e-5,
    ...Object.fromEntries(kept),
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: parameters.filter(({ name }) => name.endsWith('.mlp.fc1.weight')).length,
    patch_size: patch,
    image_size: Math.round(Math.sqrt(positions - 1)) * patch,
    ...(projection === undefined ? {} : { projection_dim: projection }),
  };
}

/** Fields that transformers takes as floating-point numbers only: it refuses 1 where it wrote 1.0. */
const floats = new Set(['layer_norm_eps', 'attention_dropout', 'initializer_range', 'initializer_factor']);

/** JSON, with a point in the whole numbers of floating-point fields, which JavaScript would write without. */
function configText(config: Record<string, unknown>): string {
  const mark = 'float:';
  const text = JSON.stringify(
    config,
    (field, value: unknown) => (floats.has(field) && Number.isInteger(value) ? `${mark}${value}` : value),
    2,
  );
  return `${text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1.0')}\n`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
