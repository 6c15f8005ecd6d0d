import { refinedEncoder } from '../../src/exchange/refined-encoder.ts';
import { exportClipVision } from '../../src/exchange/safetensors.ts';
import type { RefineConfig } from '../../src/method/config.ts';
import { asModel } from '../../src/onnx/as-model.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { Tensor, TypedGraph } from '../../src/onnx/model.ts';
import { type Part, streamParts } from '../../src/onnx/parts.ts';
import { tensorOf } from '../../src/onnx/tensors.ts';
import { Draws } from '../../src/training/draws.ts';
import { buildNetwork } from '../../src/training/network.ts';
import { projections } from '../../src/training/stages.ts';
import type { ExportedFile } from '../protocol.ts';
import type { LoadedEncoder, LoadedTeacher } from './models.ts';

/**
 * The encoder with some of its vision weights replaced, as its users expect it: the ONNX file with the same inputs,
 * outputs and nodes, and the same weights under Hugging Face's names, with the configuration that loads them.
 *
 * @param replaced a checkpoint's weights by initialiser name, with `visual_proj.*`, which the encoder has not
 * @throws ModelError for any other weight that the encoder's file, or Hugging Face's layout, has no place for
 */
export async function exportEncoder(
  { vision, folder }: LoadedEncoder,
  replaced: ReadonlyMap<string, Uint8Array>,
): Promise<ExportedFile[]> {
  // The layer between encoder and teacher belongs to the run, not to the encoder.
  const own = new Map([...replaced].filter(([name]) => !projections.includes(name)));
  const onnx = await refinedEncoder(vision, folder, own);
  const { weights, config } = await exportClipVision(vision, own, folder.config);
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
