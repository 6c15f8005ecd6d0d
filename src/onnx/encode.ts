import { create, toBinary } from '@bufbuild/protobuf';
import { codeOf, sizeOf, widthOf } from './data-types.ts';
import { encodeFunction, encodeGraph, encodeOpsets, type Init } from './encode-graph.ts';
import { splice } from './encode-splice.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { protobufBytes } from './limits.ts';
import type { Model, Tensor } from './model.ts';
import { type Part, sizeOfParts } from './parts.ts';
import { descriptorOf } from './schema.ts';

export interface EncodeOptions {
  /** A model file that would be larger than this many bytes gets its weights in a file beside it. 2 GB by default. */
  readonly externalThreshold?: number;
  /** Name of that file, `model.onnx_data` by default. It must keep this name beside the model. */
  readonly externalName?: string;
}

/** A file to be written: its bytes are the parts in order. See `parts.ts` for ways to write them. */
export interface EncodedFile {
  readonly size: number;
  readonly parts: readonly Part[];
}

export interface EncodedModel extends EncodedFile {
  /** Files that must lie beside the model under these names. */
  readonly external?: readonly (EncodedFile & { readonly name: string })[];
}

/** Tensors shorter than this stay in the model file, as the Python package's writer has it. */
const externalLeastBytes = 1024;
/** Where a tensor begins in an external file is a multiple of this. */
const externalAlignment = 64;
/** In-memory tensors up to this length travel through the protobuf library. */
const shortBytes = 4096;

/**
 * Writes an ONNX model. Ranges of sources are passed on as parts and never read here.
 *
 * IR version, operator sets, names and order are those of the model. With IR version 3 and below, initialisers are
 * repeated among the inputs, as the format then asks for.
 *
 * @throws ModelError where a tensor's bytes disagree with its type, or where no file can hold the model.
 */
export function encodeModel(model: Model, options: EncodeOptions = {}): EncodedModel {
  const threshold = options.externalThreshold ?? protobufBytes;
  const whole = encodeInto(model);
  if (whole.size <= threshold) return whole;
  const external = new ExternalFile(options.externalName ?? 'model.onnx_data');
  const parted = encodeInto(model, external);
  if (parted.size > protobufBytes) {
    throw new UnsupportedModelError(
      `The model takes ${parted.size} bytes without its initialisers; no ONNX file can hold it`,
      {},
      'Turn its Constant nodes into initialisers first',
    );
  }
  return external.size === 0 ? parted : { ...parted, external: [external] };
}

function encodeInto(model: Model, external?: ExternalFile): EncodedFile {
  const payloads: Part[] = [];
  const context = {
    irVersion: model.irVersion,
    tensor(tensor: Tensor, name: string, initializer: boolean): Init<'TensorProto'> {
      const part = partOf(tensor, name);
      const common = {
        dims: tensor.shape.map(BigInt),
        dataType: codeOf(tensor.dtype),
        ...(name === '' ? {} : { name }),
      };
      if (tensor.data.kind === 'strings') {
        const utf8 = new TextEncoder();
        return { ...common, stringData: tensor.data.values.map((text) => utf8.encode(text)) };
      }
      if (external && initializer && part.length >= externalLeastBytes) {
        return { ...common, dataLocation: 1, externalData: external.add(part) };
      }
      if (part instanceof Uint8Array && part.length <= shortBytes) return { ...common, rawData: part };
      payloads.push(part);
      return { ...common, payload: payloads.length - 1 };
    },
  };
  const descriptor = descriptorOf('ModelProto');
  const message = create(descriptor, {
    irVersion: BigInt(model.irVersion),
    opsetImport: encodeOpsets(model.opsets),
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    graph: encodeGraph(model.graph, context),
    functions: model.functions.map((fn) => encodeFunction(fn, context)),
  });
  const parts = splice(toBinary(descriptor, message), payloads);
  return { size: sizeOfParts(parts), parts };
}

/** A tensor's elements; strings have none. */
function partOf({ data, dtype, shape }: Tensor, name: string): Part {
  if (data.kind === 'strings') return new Uint8Array(0);
  const part = data.kind === 'bytes' ? data.bytes : data;
  const expected = sizeOf(shape) * widthOf(dtype);
  if (part.length === expected) return part;
  throw new MalformedModelError(`A ${dtype} tensor holds ${part.length} bytes instead of ${expected}`, {
    value: name,
    shapes: [shape],
  });
}

/** Collects tensors for a file beside the model. */
class ExternalFile {
  readonly name: string;
  readonly parts: Part[] = [];
  size = 0;

  constructor(name: string) {
    if (name === '' || /[/\\:]/.test(name)) throw new RangeError(`"${name}" is not a plain file name`);
    this.name = name;
  }

  add(part: Part): Init<'StringStringEntryProto'>[] {
    const padding = (externalAlignment - (this.size % externalAlignment)) % externalAlignment;
    if (padding > 0) this.parts.push(new Uint8Array(padding));
    const offset = this.size + padding;
    this.parts.push(part);
    this.size = offset + part.length;
    return [
      { key: 'location', value: this.name },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(part.length) },
    ];
  }
}
