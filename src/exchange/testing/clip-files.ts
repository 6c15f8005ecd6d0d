import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { readSafetensors } from '../../formats/safetensors.ts';
import { readModel } from '../../onnx/decode.ts';
import { encodeModel } from '../../onnx/encode.ts';
import type { Model, Tensor } from '../../onnx/model.ts';
import { collect } from '../../onnx/parts.ts';
import { bytesSource } from '../../onnx/sources.ts';

/** Small exports of one CLIP vision tower with all names replaced (tools/reference/clip_exports.py). */
export const variants = [
  ...['script-14', 'script-14-sdpa', 'script-14-half', 'script-14-hidden', 'script-17'],
  ...['dynamo-18', 'dynamo-18-sdpa', 'dynamo-23-sdpa'],
] as const;

const fixture = (name: string) => {
  const url = new URL(`../../../tools/reference/fixtures/clip/${name}`, import.meta.url);
  return bytesSource(name, new Uint8Array(readFileSync(url)));
};

export const exportedSource = (variant: string) => fixture(`${variant}.onnx`);

export const exported = (variant: string): Promise<Model> => readModel(exportedSource(variant));

/** The tower's state dict as PyTorch wrote it. */
export const stateDict = async (): Promise<Map<string, Tensor>> =>
  (await readSafetensors(fixture('weights.safetensors'))).tensors;

/** Pixels [2, 3, 8, 8] and the embeddings [2, 6] that PyTorch makes of them. */
export async function embedding(): Promise<{ pixels: Float32Array; embeds: Float32Array }> {
  const { tensors } = await readSafetensors(fixture('embedding.safetensors'));
  const values = async (name: string) => new Float32Array((await bytesOf(tensors.get(name)!)).slice().buffer);
  return { pixels: await values('pixel_values'), embeds: await values('image_embeds') };
}

export async function bytesOf({ data }: Tensor): Promise<Uint8Array> {
  if (data.kind === 'bytes') return data.bytes;
  if (data.kind === 'range') return data.source.read(data.offset, data.length);
  throw new Error('strings');
}

/** The graph's first output for the fixture's pixels, by onnxruntime. */
export async function run(model: Model, pixels: Float32Array): Promise<Float32Array> {
  const session = await InferenceSession.create(await collect(encodeModel(model).parts));
  const feeds = { pixel_values: new OrtTensor('float32', pixels, [2, 3, 8, 8]) };
  const { data } = (await session.run(feeds))[session.outputNames[0]!]!;
  await session.release();
  return data as Float32Array;
}

export const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
