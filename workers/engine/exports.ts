import type { RefineConfig } from '../../src/method/config.ts';
import { asModel } from '../../src/onnx/as-model.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { Tensor, TypedGraph } from '../../src/onnx/model.ts';
import { collect } from '../../src/onnx/parts.ts';
import { tensorOf } from '../../src/onnx/tensors.ts';
import { Draws } from '../../src/training/draws.ts';
import { buildNetwork } from '../../src/training/network.ts';
import type { ExportedFile } from '../protocol.ts';
import type { LoadedEncoder, LoadedTeacher } from './models.ts';

/**
 * The encoder with some of its vision weights replaced, as its users expect it: the ONNX file with the same inputs,
 * outputs and nodes, and its configuration.
 */
export async function exportEncoder(
  { vision, folder }: LoadedEncoder,
  replaced: ReadonlyMap<string, Uint8Array>,
): Promise<ExportedFile[]> {
  const initializers = new Map(vision.graph.initializers);
  for (const [name, bytes] of replaced) {
    const tensor = initializers.get(name);
    if (tensor) initializers.set(name, { ...tensor, data: { kind: 'bytes', bytes } });
  }
  const model = { ...vision, graph: { ...vision.graph, initializers } };
  return [
    { path: 'refined/model.onnx', blob: new Blob([(await collect(encodeModel(model).parts)).slice()]) },
    { path: 'refined/config.json', blob: json(folder.config) },
  ];
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
  const initial = new Draws(config, 1).projection(network.tokenWidth, network.contextWidth);
  const defaults = new Map<string, Tensor>([
    ...network.weights,
    ['visual_proj.weight', tensorOf('float32', [network.tokenWidth, network.contextWidth], initial.weight)],
    ['visual_proj.bias', tensorOf('float32', [network.contextWidth], initial.bias)],
  ]);
  const graph: TypedGraph = {
    ...network.graph,
    initializers: new Map([...network.graph.initializers, ...defaults]),
  };
  const metadata = new Map([['acuity.config', JSON.stringify(config)]]);
  return {
    path: 'training.onnx',
    blob: new Blob([(await collect(encodeModel(asModel(graph, metadata)).parts)).slice()]),
  };
}

const json = (value: unknown): Blob =>
  new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' });
