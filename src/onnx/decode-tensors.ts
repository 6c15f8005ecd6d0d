import { dataTypeOf, sizeOf, widthOf } from './data-types.ts';
import { type PayloadRequest, readPayload } from './decode-payloads.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { type ExternalRange, externalRange } from './external-data.ts';
import { limits } from './limits.ts';
import type { ByteSource, Tensor, TensorData } from './model.ts';
import type { Segment } from './scan.ts';
import type { MessageOf } from './schema.ts';

/** Where the tensors of a file have their elements. */
export interface TensorSources {
  readonly source: ByteSource;
  readonly file: string;
  readonly external: ReadonlyMap<string, ByteSource>;
  readonly inlineBytes: number;
  readonly payloads: readonly (readonly Segment[])[];
  readonly memory: PayloadRequest['memory'];
}

/** TensorProto.DataLocation.EXTERNAL */
export const externalLocation = 1;

/** Element types that onnx.proto names but graphs here cannot hold, by code. */
const refusedTypes: Record<number, string> = {
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
  27: 'float6e2m3',
  28: 'float6e3m2',
};

/** Reads one tensor, whose name serves errors alone. Elements stay ranges where they are long. */
export async function decodeTensor(
  proto: MessageOf<'TensorProto'>,
  name: string,
  sources: TensorSources,
): Promise<Tensor> {
  const { file } = sources;
  const at = { file, value: name };
  const code = proto.dataType ?? 0;
  const dtype = dataTypeOf(code);
  if (!dtype) {
    const known = refusedTypes[code];
    throw new UnsupportedModelError(
      `The elements of a tensor have the type ${known ?? `number ${code}`}`,
      at,
      known ? 'Export the model in float32 or float16, without quantisation' : '',
    );
  }
  if (proto.segment) throw new UnsupportedModelError('A tensor is stored in segments', at);
  const shape = decodeShape(proto.dims, at);
  const count = sizeOf(shape);
  const expected = count * widthOf(dtype);
  const segments = proto.payload === undefined ? [] : (sources.payloads[proto.payload] ?? []);

  if (dtype === 'string') {
    if (proto.stringData.length !== count || segments.length > 0 || proto.dataLocation === externalLocation) {
      throw new MalformedModelError(
        `A tensor of ${count} strings holds ${proto.stringData.length} of them`,
        at,
      );
    }
    const values = proto.stringData.map((bytes) => decodeText(bytes, at));
    return { dtype, shape, data: { kind: 'strings', values } };
  }
  if (proto.stringData.length > 0) {
    throw new MalformedModelError(`A ${dtype} tensor has its elements in string_data`, at);
  }
  if (proto.dataLocation === externalLocation) {
    if (segments.length > 0) throw new MalformedModelError('A tensor has its elements in two places', at);
    const { external } = sources;
    const range = externalRange({ entries: proto.externalData, external, file, name, expected });
    return { dtype, shape, data: await shorten(range, sources.inlineBytes) };
  }
  if (segments.length === 0) {
    if (expected > 0) throw new MalformedModelError(`A ${dtype} tensor of ${count} elements holds none`, at);
    return { dtype, shape, data: { kind: 'bytes', bytes: new Uint8Array(0) } };
  }
  const { source, memory } = sources;
  const data = await readPayload(segments, { source, file, name, dtype, count, memory });
  return { dtype, shape, data };
}

function decodeShape(dims: readonly bigint[], at: { file: string; value: string }): number[] {
  if (dims.length > limits.rank) throw new UnsupportedModelError(`A tensor has ${dims.length} axes`, at);
  let size = 1n;
  for (const dim of dims) {
    if (dim < 0n || dim > limits.dimension) {
      throw new MalformedModelError(`A tensor has an axis of size ${dim}`, at);
    }
    size *= dim;
  }
  // The elements would have to lie in a file: none is this long.
  if (size > 2n ** 48n) throw new MalformedModelError(`A tensor has ${size} elements`, at);
  return dims.map(Number);
}

/** Short ranges come into memory at once: they are shapes and scalars that folding wants to see. */
async function shorten({ source, offset, length }: ExternalRange, inlineBytes: number): Promise<TensorData> {
  if (length > inlineBytes) return { kind: 'range', source, offset, length };
  return { kind: 'bytes', bytes: (await source.read(offset, length)).slice() };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text. Refuses what is not UTF-8, because writing it again would change it. */
export function decodeText(bytes: Uint8Array, at: { file: string; value?: string; node?: string }): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UnsupportedModelError('A string is not UTF-8 text', at);
  }
}
