import { sizeOf, widthOf } from '../onnx/data-types.ts';
import type { EncodedFile } from '../onnx/encode.ts';
import { MalformedModelError, UnsupportedModelError } from '../onnx/errors.ts';
import type { ByteSource, DataType, Tensor } from '../onnx/model.ts';
import type { Part } from '../onnx/parts.ts';

/**
 * The safetensors format: eight bytes of header length, a header in JSON, the tensors' bytes.
 * Facts from https://github.com/huggingface/safetensors#format and from its Rust reference (`safetensors/src/tensor.rs`).
 */
export interface Safetensors {
  /** By name, in the order of the data. All elements are ranges of the source. */
  readonly tensors: Map<string, Tensor>;
  /** Free text under `__metadata__`. */
  readonly metadata: Map<string, string>;
}

/** In the order in which the reference lays tensors out, the widest first. */
const dtypes = {
  U64: 'uint64',
  I64: 'int64',
  F64: 'float64',
  F32: 'float32',
  U32: 'uint32',
  I32: 'int32',
  BF16: 'bfloat16',
  F16: 'float16',
  U16: 'uint16',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
} as const satisfies Record<string, DataType>;

const names = new Map<DataType, string>(Object.entries(dtypes).map(([name, dtype]) => [dtype, name]));
const order: readonly DataType[] = Object.values(dtypes);
const byName = new Map<string, DataType>(Object.entries(dtypes));

/** The reference refuses longer headers too. */
const headerBytes = 100_000_000;

/**
 * Reads the header of a safetensors file; no tensor is read.
 *
 * @throws MalformedModelError where the file is not what the format asks for: cut short, ranges that leave holes,
 * overlap or disagree with their shapes; UnsupportedModelError for element types beyond ours.
 */
export async function readSafetensors(source: ByteSource): Promise<Safetensors> {
  const file = source.name;
  const fail = (problem: string, value?: string) =>
    new MalformedModelError(problem, { file, ...(value === undefined ? {} : { value }) });
  if (source.size < 8) throw fail('The file is too short to be a safetensors file');
  const head = await source.read(0, 8);
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  if (length > headerBytes || length > source.size - 8) {
    throw fail(`The safetensors header claims ${length} bytes: the file is cut short or of another kind`);
  }
  const start = 8 + Number(length);
  const entries = parseHeader(await source.read(8, Number(length)), fail);
  const metadata = new Map<string, string>();
  const found: { name: string; tensor: Tensor; begin: number; end: number }[] = [];
  for (const [name, entry] of entries) {
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(asObject(entry) ?? {})) {
        if (typeof text !== 'string') throw fail(`The metadata entry "${key}" is not text`);
        metadata.set(key, text);
      }
      continue;
    }
    const { dtype, shape, begin, end } = parseEntry(name, entry, file, fail);
    const data = { kind: 'range', source, offset: start + begin, length: end - begin } as const;
    found.push({ name, tensor: { dtype, shape, data }, begin, end });
  }
  // Ranges cover the data without holes: nothing hides in the file, and no name can stand twice in the header.
  found.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of found) {
    if (begin !== at) throw fail(`A tensor begins at byte ${begin} of the data instead of ${at}`, name);
    at = end;
  }
  if (start + at !== source.size) {
    throw fail(`The tensors end at byte ${start + at} but the file has ${source.size} bytes`);
  }
  return { tensors: new Map(found.map(({ name, tensor }) => [name, tensor])), metadata };
}

type Fail = (problem: string, value?: string) => MalformedModelError;

function parseHeader(bytes: Uint8Array, fail: Fail): [string, unknown][] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw fail('The safetensors header is not JSON');
  }
  const entries = asObject(header);
  if (!entries) throw fail('The safetensors header is not a JSON object');
  return Object.entries(entries);
}

function parseEntry(name: string, entry: unknown, file: string, fail: Fail) {
  const { dtype: typeName, shape, data_offsets: offsets } = asObject(entry) ?? {};
  if (typeof typeName !== 'string') throw fail('A tensor has no element type', name);
  const dtype = byName.get(typeName);
  if (!dtype) {
    throw new UnsupportedModelError(`A tensor has the element type ${typeName.slice(0, 20)}`, {
      file,
      value: name,
    });
  }
  if (!isCounts(shape) || shape.length > 64) throw fail('A tensor has no valid shape', name);
  if (!isCounts(offsets) || offsets.length !== 2) throw fail('A tensor has no valid data_offsets', name);
  const [begin = 0, end = 0] = offsets;
  const expected = sizeOf(shape) * widthOf(dtype);
  if (end - begin !== expected) {
    throw fail(
      `A ${typeName} tensor [${shape.join(', ')}] holds ${end - begin} bytes instead of ${expected}`,
      name,
    );
  }
  return { dtype, shape, begin, end };
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

/**
 * Writes a safetensors file. Elements that are ranges of sources are passed on as parts and never read here.
 * Tensors are laid out as the reference does it, by element type and then by name, so that each begins at a multiple of
 * its element's width.
 *
 * @throws UnsupportedModelError for strings.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): EncodedFile {
  const header: [string, unknown][] = [];
  if (metadata.size > 0) header.push(['__metadata__', Object.fromEntries(metadata)]);
  const parts: Part[] = [];
  let at = 0;
  const byWidth = [...tensors].sort(
    ([nameA, a], [nameB, b]) => order.indexOf(a.dtype) - order.indexOf(b.dtype) || (nameA < nameB ? -1 : 1),
  );
  for (const [name, { dtype, shape, data }] of byWidth) {
    const typeName = names.get(dtype);
    if (!typeName || data.kind === 'strings') {
      throw new UnsupportedModelError('A safetensors file holds no strings', { value: name });
    }
    const part = data.kind === 'bytes' ? data.bytes : data;
    const expected = sizeOf(shape) * widthOf(dtype);
    if (part.length !== expected) {
      throw new MalformedModelError(`A ${dtype} tensor holds ${part.length} bytes instead of ${expected}`, {
        value: name,
      });
    }
    header.push([name, { dtype: typeName, shape, data_offsets: [at, at + part.length] }]);
    parts.push(part);
    at += part.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  // Spaces bring the data to a multiple of eight bytes.
  const padded = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  return { size: head.length + at, parts: [head, ...parts] };
}
