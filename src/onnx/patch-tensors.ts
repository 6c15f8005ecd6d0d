import { dataTypeOf, sizeOf, widthOf } from './data-types.ts';
import { plainDomain } from './decode-graph.ts';
import { rawRange } from './decode-payloads.ts';
import { readSkeleton, type Skeleton, tensorsOfModel } from './decode-skeleton.ts';
import { externalLocation } from './decode-tensors.ts';
import { type EncodedModel, type EncodeOptions, encodeModel } from './encode.ts';
import { type ExternalRequest, externalRange } from './external-data.ts';
import type { ByteSource, Model } from './model.ts';
import type { Part } from './parts.ts';
import { replaceTensors } from './replace-tensors.ts';
import type { MessageOf } from './schema.ts';

export interface PatchOptions extends EncodeOptions {
  /** The files that the model was read with. */
  readonly external?: ReadonlyMap<string, ByteSource>;
}

/**
 * Writes a model file again with other values in some of its weights: every other byte is the original's, so names,
 * inputs, outputs, order of nodes, documentation and annotations all stay.
 *
 * `source` is the file that `model` was read from. A weight is named by its initialiser or, for the tensor of a
 * Constant node, by the node's output; its new elements are little-endian bytes of the same type and shape. Files of
 * external data come along under the names by which the model calls them.
 *
 * Where a weight has no bytes of its own that could be overwritten (half floats in `int32_data`, a range of external
 * data that two tensors share), the whole model is encoded anew instead.
 *
 * @throws ModelError for a name that is no weight, and for data of another length.
 */
export async function patchTensors(
  source: ByteSource,
  model: Model,
  replacements: ReadonlyMap<string, Uint8Array>,
  options: PatchOptions = {},
): Promise<EncodedModel> {
  const changed = replaceTensors(model, replacements, source.name);
  const skeleton = await readSkeleton(source, { file: source.name, inlineBytes: 0 });
  const places = new Places(skeleton, source, options.external ?? new Map());
  const edits: Edit[] = [];
  for (const [name, bytes] of replacements) {
    const edit = places.edit(name, bytes);
    if (!edit) return encodeModel(changed, options);
    edits.push(edit);
  }
  if (places.collide(edits)) return encodeModel(changed, options);

  const external = [...places.files].map(([name, file]) => ({
    name,
    size: file.size,
    parts: overwrite(
      file,
      edits.filter(({ location }) => location === name),
    ),
  }));
  const inFile = edits.filter(({ location }) => location === undefined);
  const parts = overwrite(source, inFile);
  return { size: source.size, parts, ...(external.length > 0 ? { external } : {}) };
}

/** Bytes of the model file (without location) or of a file beside it. */
interface Place {
  readonly location?: string;
  readonly offset: number;
  readonly length: number;
}

interface Edit extends Place {
  readonly tensor: MessageOf<'TensorProto'>;
  readonly bytes: Uint8Array;
}

/** Where the tensors of a model file lie, as far as they lie there as in memory. */
class Places {
  /** Files of external data by the names that the model gives them. */
  readonly files = new Map<string, ByteSource>();
  readonly #all = new Map<MessageOf<'TensorProto'>, Place>();
  /** Tensors by initialiser or by the output of a Constant node. */
  readonly #named = new Map<string, MessageOf<'TensorProto'>>();

  constructor(skeleton: Skeleton, source: ByteSource, external: ReadonlyMap<string, ByteSource>) {
    for (const [tensor, name] of tensorsOfModel(skeleton.proto)) {
      const place =
        tensor.dataLocation === externalLocation
          ? this.#external(tensor, { external, file: source.name, name: tensor.name || name })
          : rawRange(skeleton.payloads[tensor.payload ?? -1] ?? []);
      if (place) this.#all.set(tensor, place);
    }
    const { graph } = skeleton.proto;
    for (const tensor of graph?.initializer ?? []) this.#named.set(tensor.name ?? '', tensor);
    for (const { opType, domain, attribute, output } of graph?.node ?? []) {
      const value = attribute.find(({ name }) => name === 'value')?.t;
      if (opType === 'Constant' && plainDomain(domain) === '' && value)
        this.#named.set(output[0] ?? '', value);
    }
  }

  /** The edit that gives a weight new elements, or undefined where it has no bytes of its own. */
  edit(name: string, bytes: Uint8Array): Edit | undefined {
    const tensor = this.#named.get(name);
    const place = tensor && this.#all.get(tensor);
    return place && place.length === bytes.length ? { ...place, tensor, bytes } : undefined;
  }

  /** Whether an edit would change a tensor that it is not meant for. */
  collide(edits: readonly Edit[]): boolean {
    const byTensor = new Map(edits.map((edit) => [edit.tensor, edit]));
    for (const [tensor, place] of this.#all) {
      // Only ranges of external data can overlap: the bytes of a message belong to one tensor.
      if (place.location === undefined) continue;
      const own = byTensor.get(tensor);
      for (const edit of edits) {
        if (edit === own || edit.location !== place.location || !overlap(edit, place)) continue;
        if (!own || own.offset !== edit.offset || !sameBytes(own.bytes, edit.bytes)) return true;
      }
    }
    return false;
  }

  #external(
    tensor: MessageOf<'TensorProto'>,
    request: Pick<ExternalRequest, 'external' | 'file' | 'name'>,
  ): Place {
    const dtype = dataTypeOf(tensor.dataType ?? 0);
    const expected = dtype ? sizeOf(tensor.dims.map(Number)) * widthOf(dtype) : 0;
    const range = externalRange({ ...request, entries: tensor.externalData, expected });
    this.files.set(range.location, range.source);
    return { location: range.location, offset: range.offset, length: range.length };
  }
}

const overlap = (a: Place, b: Place): boolean =>
  a.offset < b.offset + b.length && b.offset < a.offset + a.length;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** A file's bytes with some ranges replaced; ranges may coincide but not overlap otherwise. */
function overwrite(source: ByteSource, edits: readonly Edit[]): Part[] {
  const parts: Part[] = [];
  let at = 0;
  const keep = (end: number) => {
    if (end > at) parts.push({ source, offset: at, length: end - at });
  };
  for (const { offset, length, bytes } of edits.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < at || length === 0) continue;
    keep(offset);
    parts.push(bytes);
    at = offset + length;
  }
  keep(source.size);
  return parts;
}
