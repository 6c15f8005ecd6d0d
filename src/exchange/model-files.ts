/** Which files of a repository make an encoder or a teacher. */
export type ModelKind = 'encoder' | 'teacher';

export interface RepositoryFile {
  path: string;
  /** Bytes. */
  size: number;
}

/** Formats of the same weights that Acuity does not read from repositories. */
const otherFormats =
  /\.(safetensors|msgpack|ckpt|h5|ot|pt|pth|gguf|md|png|jpe?g)$|(^|\/)(pytorch_model|diffusion_pytorch_model)[^/]*\.bin$/;
const encoderText = /^(config|preprocessor_config|tokenizer|tokenizer_config)\.json$/;
const teacherParts = /^(unet|vae_encoder|text_encoder|tokenizer|scheduler)\//;

/**
 * The files to download for a model, from a repository's listing: for an encoder the float32 vision and text towers of
 * a transformers.js repository with what describes them; for a teacher the parts of a diffusers ONNX export.
 *
 * @returns paths; empty when the repository holds no such model
 */
export function modelFiles(kind: ModelKind, files: readonly RepositoryFile[]): string[] {
  const paths = files.map(({ path }) => path).filter((path) => !otherFormats.test(path));
  if (kind === 'teacher') {
    if (!paths.includes('unet/model.onnx') || !paths.includes('vae_encoder/model.onnx')) return [];
    return paths.filter((path) => teacherParts.test(path) || /^(model_index|vae\/config)\.json$/.test(path));
  }
  const towers = paths.filter((path) => /^(onnx\/)?(vision|text)_model\.onnx(_data.*|\.data)?$/.test(path));
  if (!towers.some((path) => path.endsWith('vision_model.onnx'))) return [];
  return [...towers, ...paths.filter((path) => encoderText.test(path))];
}
