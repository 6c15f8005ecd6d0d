import { widthOf } from './data-types.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { limits } from './limits.ts';
import type { ByteSource, DataType, TensorData } from './model.ts';
import type { Segment } from './scan.ts';
import type { PayloadName } from './scan-fields.ts';

/** Which typed field of TensorProto holds which element types (onnx.proto, comments of TensorProto). */
const holders: Record<Exclude<PayloadName, 'raw_data'>, readonly DataType[]> = {
  float_data: ['float32'],
  int32_data: ['int32', 'int16', 'int8', 'uint16', 'uint8', 'bool', 'float16', 'bfloat16'],
  int64_data: ['int64'],
  double_data: ['float64'],
  uint64_data: ['uint32', 'uint64'],
};

/** Packed runs of these are byte for byte what raw_data would be. */
const rawAlike: ReadonlySet<PayloadName> = new Set(['raw_data', 'float_data', 'double_data']);

/** How one element is coded: as a varint or in so many bytes. */
const wireOf: Record<PayloadName, 'varint' | number> = {
  raw_data: 1,
  float_data: 4,
  double_data: 8,
  int32_data: 'varint',
  int64_data: 'varint',
  uint64_data: 'varint',
};

/** What the elements of one tensor are wanted for. */
export interface PayloadRequest {
  readonly source: ByteSource;
  readonly file: string;
  /** Of the tensor, for errors. */
  readonly name: string;
  readonly dtype: DataType;
  /** Elements that the shape asks for. */
  readonly count: number;
  /** Bytes that tensors of this file have taken so far because they could not stay ranges. */
  readonly memory: { taken: number };
}

/** Where a tensor's elements stand in the file byte for byte as in memory, if they do. */
export function rawRange(segments: readonly Segment[]): { offset: number; length: number } | undefined {
  const [segment, ...others] = segments;
  if (!segment || others.length > 0 || !segment.packed || !rawAlike.has(segment.field)) return undefined;
  return { offset: segment.offset, length: segment.length };
}

/**
 * The elements of a tensor as little-endian bytes or as a range of the source. `raw_data` and packed `float_data` and
 * `double_data` can stay ranges; what is coded as varints or element by element comes into memory.
 */
export async function readPayload(
  segments: readonly Segment[],
  request: PayloadRequest,
): Promise<TensorData> {
  const { source, file, name, dtype, count } = request;
  const fields = new Set(segments.map((segment) => segment.field));
  const [field] = fields;
  if (fields.size > 1 || field === undefined) {
    throw new MalformedModelError(`Tensor has elements in ${[...fields].join(' and ')}`, {
      file,
      value: name,
    });
  }
  if (field !== 'raw_data' && !holders[field].includes(dtype)) {
    throw new MalformedModelError(`A ${dtype} tensor has its elements in ${field}`, { file, value: name });
  }
  const expected = count * widthOf(dtype);
  const disagree = (length: number) =>
    new MalformedModelError(
      `A ${dtype} tensor of ${count} elements holds ${length} bytes instead of ${expected}`,
      {
        file,
        value: name,
      },
    );

  const range = rawRange(segments);
  if (range) {
    if (range.length !== expected) throw disagree(range.length);
    const copied = segments[0]?.bytes;
    return copied ? { kind: 'bytes', bytes: copied } : { kind: 'range', source, ...range };
  }

  request.memory.taken += expected;
  if (request.memory.taken > limits.convertedBytes) {
    throw new UnsupportedModelError(
      `Tensors of more than ${limits.convertedBytes} bytes are kept in ${field}`,
      { file, value: name },
      'Save the model again with raw_data, for example onnx.save(onnx.load(path), path) after numpy_helper.from_array',
    );
  }
  const elements = new ElementReader(dtype, expected);
  for (const segment of segments) {
    if (!(await elements.add(segment, source))) {
      throw new MalformedModelError(`${field} does not hold ${count} elements of ${dtype}`, {
        file,
        value: name,
      });
    }
  }
  if (elements.length !== expected) throw disagree(elements.length);
  return { kind: 'bytes', bytes: elements.bytes };
}

const chunkBytes = 2 ** 20;
/** A tag and a value take at most this much. */
const elementBytes = 20;

/** Turns runs of typed fields into little-endian bytes, a chunk of the file at a time. */
class ElementReader {
  readonly bytes: Uint8Array;
  /** Bytes of elements read so far; passes `bytes.length` by one element at most. */
  length = 0;
  readonly #bool: boolean;
  readonly #width: number;

  constructor(dtype: DataType, bytes: number) {
    this.#bool = dtype === 'bool';
    this.#width = widthOf(dtype);
    this.bytes = new Uint8Array(bytes);
  }

  /** Reads a run; false where it does not divide into elements or holds too many. */
  async add(segment: Segment, source: ByteSource): Promise<boolean> {
    let at = 0;
    while (at < segment.length) {
      const length = Math.min(chunkBytes, segment.length - at);
      const chunk = segment.bytes
        ? segment.bytes.subarray(at, at + length)
        : await source.read(segment.offset + at, length);
      const last = at + length === segment.length;
      const consumed = this.#consume(chunk, segment, last ? length : length - elementBytes);
      if (consumed === undefined) return false;
      at += consumed;
    }
    return true;
  }

  /** Reads the elements that begin before `end` and returns where the next one begins. */
  #consume(chunk: Uint8Array, segment: Segment, end: number): number | undefined {
    const coded = wireOf[segment.field];
    let at = 0;
    while (at < end) {
      if (!segment.packed) {
        while (chunk[at++]! >= 0x80);
      }
      if (this.length >= this.bytes.length) return undefined;
      if (coded === 'varint') {
        let low = 0;
        let high = 0;
        let shift = 0;
        let byte: number;
        do {
          if (at >= chunk.length || shift > 63) return undefined;
          byte = chunk[at++]!;
          const bits = byte & 0x7f;
          if (shift < 32) low |= bits << shift;
          if (shift > 31) high |= bits << (shift - 32);
          else if (shift === 28) high |= bits >>> 4;
          shift += 7;
        } while (byte >= 0x80);
        this.#put(low, high);
      } else {
        if (at + coded > chunk.length) return undefined;
        this.bytes.set(chunk.subarray(at, at + coded), this.length);
        this.length += coded;
        at += coded;
      }
    }
    return at;
  }

  /** Appends the low bytes of a 64-bit number, as many as an element takes. */
  #put(low: number, high: number): void {
    if (this.#bool) low = (low | high) === 0 ? 0 : 1;
    for (let i = 0; i < this.#width; i++) {
      this.bytes[this.length++] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
    }
  }
}
