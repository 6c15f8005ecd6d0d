import type { EncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { exportClipVision } from '../../src/exchange/safetensors.ts';
import type { RefineConfig } from '../../src/method/config.ts';
import { asModel } from '../../src/onnx/as-model.ts';
import { type EncodedModel, encodeModel } from '../../src/onnx/encode.ts';
import type { Model, Tensor, TypedGraph } from '../../src/onnx/model.ts';
import { type Part, streamParts } from '../../src/onnx/parts.ts';
import { patchTensors } from '../../src/onnx/patch-tensors.ts';
import { tensorOf } from '../../src/onnx/tensors.ts';
import { Draws } from '../../src/training/draws.ts';
import { buildNetwork } from '../../src/training/network.ts';
import type { ExportedFile } from '../protocol.ts';
import type { LoadedEncoder, LoadedTeacher } from './models.ts';

/**
 * The encoder with some of its vision weights replaced, as its users expect it: the ONNX file with the same inputs,
 * outputs and nodes, and the same weights under Hugging Face's names, with the configuration that loads them.
 */
export async function exportEncoder(
  { vision, folder }: LoadedEncoder,
  replaced: ReadonlyMap<string, Uint8Array>,
): Promise<ExportedFile[]> {
  const onnx = await onnxFile(vision, folder, replaced);
  const { weights, config } = await exportClipVision(vision, replaced, folder.config);
  const files: ExportedFile[] = [
    { path: 'refined/model.onnx', blob: await blobOf(onnx.parts) },
    { path: 'refined/model.safetensors', blob: await blobOf(weights.parts) },
    { path: 'refined/config.json', blob: new Blob([config], { type: 'application/json' }) },
  ];
  for (const { name, parts } of onnx.external ?? []) {
    files.push({ path: `refined/${name}`, blob: await blobOf(parts) });
  }
  return files;
}

/** The file that came, with bytes overwritten; written anew only where shared initialisers had to be parted. */
function onnxFile(
  vision: Model,
  folder: EncoderFolder,
  replaced: ReadonlyMap<string, Uint8Array>,
): Promise<EncodedModel> | EncodedModel {
  const own = new Map([...replaced].filter(([name]) => vision.graph.initializers.has(name)));
  if (vision === folder.vision)
    return patchTensors(folder.visionSource, vision, own, { external: folder.external });
  const initializers = new Map(vision.graph.initializers);
  for (const [name, bytes] of own) {
    initializers.set(name, { ...initializers.get(name)!, data: { kind: 'bytes', bytes } });
  }
  return encodeModel({ ...vision, graph: { ...vision.graph, initializers } });
}

async function blobOf(parts: readonly Part[]): Promise<Blob> {
  const chunks: BlobPart[] = [];
  for await (const chunk of streamParts(parts)) chunks.push(chunk.slice());
  return new Blob(chunks);
}

/**
 * A run's training graph as one self-contained file: weights are inputs with the present values as their defaults, so
 * that any ONNX runtime can run a step at once, or feed changed weights.
 */
export async function exportTrainingGraph(
  encoder: LoadedEncoder,
  teacher: LoadedTeacher,
  config: RefineConfig,
): Promise<ExportedFile> {
  const network = await buildNetwork(
    {
      vision: encoder.vision,
      imageSize: encoder.folder.imageSize,
      teacher: teacher.folder,
      contextTokens: teacher.summary.context.tokens,
      contextWidth: teacher.summary.context.width,
    },
    config,
    'trainable',
  );
  const defaults = new Map<string, Tensor>(network.weights);
  // A fixed map is fitted on images, which the graph alone does not have: its user feeds it.
  if (config.projection !== 'text-inverse') {
    const { tokenWidth, contextWidth } = network;
    const { weight, bias } = new Draws(config, 1).projection(tokenWidth, contextWidth);
    defaults.set('visual_proj.weight', tensorOf('float32', [tokenWidth, contextWidth], weight));
    defaults.set('visual_proj.bias', tensorOf('float32', [contextWidth], bias));
  }
  const graph: TypedGraph = {
    ...network.graph,
    initializers: new Map([...network.graph.initializers, ...defaults]),
  };
  const metadata = new Map([['acuity.config', JSON.stringify(config)]]);
  return {
    path: 'training.onnx',
    blob: await blobOf(encodeModel(asModel(graph, metadata)).parts),
  };
}
