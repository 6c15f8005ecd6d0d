import { decodeFunction, decodeGraph, decodeOpsets, type GraphContext } from './decode-graph.ts';
import { orderModel } from './decode-order.ts';
import { readSkeleton, tensorsOfModel } from './decode-skeleton.ts';
import { decodeTensor, type TensorSources } from './decode-tensors.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import type { ByteSource, Model, Tensor } from './model.ts';
import type { MessageOf } from './schema.ts';

/** ONNX 1.23 writes version 14. A later one may change what the same bytes mean. */
const newestIrVersion = 14;

export interface ReadOptions {
  /** Files that were given along with the model, by name or relative path: its external data is looked for here. */
  readonly external?: ReadonlyMap<string, ByteSource>;
  /** Elements of tensors up to this many bytes come into memory; longer ones stay ranges. 4096 by default. */
  readonly inlineBytes?: number;
  /** The model's name in errors; the source's by default. */
  readonly file?: string;
}

/**
 * Reads an ONNX model. Only the graph is decoded: long tensors stay byte ranges of the source, wherever they occur.
 *
 * The model comes out normalised: the domain 'ai.onnx' is '', initialisers are not repeated among the inputs, nodes
 * are in topological order, typed fields of tensors are little-endian bytes. Constant nodes and model-local functions
 * stay as they are (see `functions.ts`). Documentation and annotations are dropped.
 *
 * @throws ModelError for every file that is not a model this build can hold: damaged, hostile or unsupported.
 */
export async function readModel(source: ByteSource, options: ReadOptions = {}): Promise<Model> {
  const file = options.file ?? source.name;
  const inlineBytes = options.inlineBytes ?? 4096;
  const { proto, payloads } = await readSkeleton(source, { file, inlineBytes });
  const external = options.external ?? new Map();
  const tensors = await decodeTensors(proto, {
    source,
    file,
    external,
    inlineBytes,
    payloads,
    memory: { taken: 0 },
  });
  return decodeModel(proto, { file, tensors });
}

async function decodeTensors(
  proto: MessageOf<'ModelProto'>,
  sources: TensorSources,
): Promise<Map<MessageOf<'TensorProto'>, Tensor>> {
  const tensors = new Map<MessageOf<'TensorProto'>, Tensor>();
  for (const [tensor, name] of tensorsOfModel(proto)) {
    tensors.set(tensor, await decodeTensor(tensor, tensor.name || name, sources));
  }
  return tensors;
}

function decodeModel(proto: MessageOf<'ModelProto'>, context: GraphContext): Model {
  const { file } = context;
  if (!proto.graph) {
    throw new MalformedModelError('The file holds no graph', { file }, 'Check that it is an ONNX model');
  }
  const irVersion = Number(proto.irVersion ?? 0n);
  if (irVersion < 1 || irVersion > newestIrVersion) {
    throw new UnsupportedModelError(`The model has the ONNX IR version ${irVersion}`, { file });
  }
  const model: Model = {
    irVersion,
    opsets: decodeOpsets(proto.opsetImport, file),
    producer: { name: proto.producerName ?? '', version: proto.producerVersion ?? '' },
    metadata: new Map(proto.metadataProps.map(({ key = '', value = '' }) => [key, value])),
    graph: decodeGraph(proto.graph, true, context),
    functions: proto.functions.map((fn) => decodeFunction(fn, context)),
  };
  return orderModel(model, file);
}
