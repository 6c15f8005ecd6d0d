import { fromBinary } from '@bufbuild/protobuf';
import { MalformedModelError } from './errors.ts';
import { limits } from './limits.ts';
import type { ByteSource } from './model.ts';
import { type ScanOptions, type Segment, scanModel } from './scan.ts';
import { descriptorOf, type MessageOf } from './schema.ts';

/** A model as protobuf messages, without the elements of its tensors. */
export interface Skeleton {
  readonly proto: MessageOf<'ModelProto'>;
  /** Where the elements of each tensor lie, by TensorProto.payload. */
  readonly payloads: readonly (readonly Segment[])[];
}

/** Scans a model and lets the protobuf library decode what is not elements of tensors. */
export async function readSkeleton(source: ByteSource, options: ScanOptions): Promise<Skeleton> {
  const { skeleton, payloads } = await scanModel(source, options);
  return { proto: decodeSkeleton(skeleton, options.file), payloads };
}

function decodeSkeleton(skeleton: Uint8Array, file: string): MessageOf<'ModelProto'> {
  try {
    return fromBinary(descriptorOf('ModelProto'), skeleton, {
      readUnknownFields: false,
      recursionLimit: limits.nesting + 1,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MalformedModelError(`The file is not a well-formed ONNX model: ${reason}`, { file });
  }
}

type NamedTensor = readonly [tensor: MessageOf<'TensorProto'>, name: string];

/** Every tensor that a model holds, with a name to call it by where it has none of its own. */
export function* tensorsOfModel(model: MessageOf<'ModelProto'>): Generator<NamedTensor> {
  if (model.graph) yield* tensorsOfGraph(model.graph);
  for (const fn of model.functions) {
    for (const node of fn.node) yield* tensorsOfAttributes(node.attribute, node.output[0] ?? '');
    yield* tensorsOfAttributes(fn.attributeProto, fn.name ?? '');
  }
}

function* tensorsOfGraph(graph: MessageOf<'GraphProto'>): Generator<NamedTensor> {
  for (const tensor of graph.initializer) yield [tensor, ''];
  for (const node of graph.node) yield* tensorsOfAttributes(node.attribute, node.output[0] ?? '');
}

function* tensorsOfAttributes(
  attributes: readonly MessageOf<'AttributeProto'>[],
  name: string,
): Generator<NamedTensor> {
  for (const attribute of attributes) {
    if (attribute.t) yield [attribute.t, name];
    for (const tensor of attribute.tensors) yield [tensor, name];
    if (attribute.g) yield* tensorsOfGraph(attribute.g);
    for (const graph of attribute.graphs) yield* tensorsOfGraph(graph);
  }
}
