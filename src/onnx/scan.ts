import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { limits } from './limits.ts';
import type { ByteSource } from './model.ts';
import {
  type MessageField,
  modelMessage,
  type PayloadField,
  type PayloadName,
  type ScannedMessage,
  type SkeletonField,
  wire,
} from './scan-fields.ts';
import { SkeletonWriter } from './scan-skeleton.ts';
import { Windows } from './scan-windows.ts';
import { table } from './schema.ts';

/** One run of a tensor's elements in the file. */
export interface Segment {
  readonly field: PayloadName;
  /** False for a run of single elements, each behind its own tag. */
  readonly packed: boolean;
  readonly offset: number;
  length: number;
  /** A copy, where the run is short. */
  readonly bytes?: Uint8Array;
}

export interface Scan {
  /** The model without the elements of its tensors and without the fields that the schema leaves out. */
  readonly skeleton: Uint8Array;
  /** Where the elements of each tensor lie, by the number that the skeleton holds in TensorProto.payload. */
  readonly payloads: readonly (readonly Segment[])[];
}

export interface ScanOptions {
  /** Named in errors. */
  readonly file: string;
  /** Runs of elements up to this many bytes are copied while they pass by. */
  readonly inlineBytes: number;
}

/**
 * Walks the protobuf wire format of a model in windows, never holding the whole file, and parts the weights from
 * the rest. Time and memory follow the size of the rest.
 *
 * Stricter than protobuf where no writer of ONNX needs its freedom: groups and repeated singular fields are refused.
 *
 * @throws MalformedModelError where the bytes are not a model; UnsupportedModelError beyond the limits.
 */
export async function scanModel(source: ByteSource, options: ScanOptions): Promise<Scan> {
  return new Scanner(source, options).run();
}

/** A message that the scan is inside of. */
interface Frame {
  readonly message: ScannedMessage;
  readonly end: number;
  /** Where it begins in the skeleton. */
  readonly mark: number;
  /** Bit n stands for field n. */
  seen: number;
  /** Of a TensorProto. */
  segments: Segment[];
}

/** What is counted, in the words of the refusal. */
const nouns = {
  fields: 'fields',
  messages: 'parts',
  nodes: 'nodes',
  numbers: 'numbers in attributes and shapes',
  shortTensorBytes: 'bytes of small tensors',
} as const;

class Scanner {
  readonly #options: ScanOptions;
  readonly #windows: Windows;
  readonly #skeleton: SkeletonWriter;
  readonly #payloads: Segment[][] = [];
  readonly #stack: Frame[];
  readonly #counts = { fields: 0, messages: 0, nodes: 0, numbers: 0, shortTensorBytes: 0 };

  constructor(source: ByteSource, options: ScanOptions) {
    this.#options = options;
    this.#windows = new Windows(source, options.file);
    this.#skeleton = new SkeletonWriter(options.file);
    this.#stack = [{ message: modelMessage, end: source.size, mark: -1, seen: 0, segments: [] }];
  }

  async run(): Promise<Scan> {
    for (let frame = this.#stack.at(-1); frame; frame = this.#stack.at(-1)) {
      if (this.#windows.position === frame.end) this.#leave(frame);
      else await this.#field(frame);
    }
    return { skeleton: this.#skeleton.finish(), payloads: this.#payloads };
  }

  #leave(frame: Frame): void {
    if (frame.segments.length > 0) {
      this.#skeleton.varint(table.TensorProto.payload[0] * 8 + wire.varint);
      this.#skeleton.varint(this.#payloads.length);
      this.#payloads.push(frame.segments);
    }
    if (frame.mark >= 0) this.#skeleton.close(frame.mark);
    this.#stack.pop();
  }

  async #field(frame: Frame): Promise<void> {
    this.#count('fields', 1);
    const windows = this.#windows;
    const at = windows.position;
    // A tag and a length, or a tag and a value without length, take 20 bytes at most.
    const head = Math.min(20, frame.end - at);
    if (!windows.holds(head)) await windows.load(head);
    const tag = windows.varint(frame.end);
    const type = tag % 8;
    const number = Math.floor(tag / 8);
    if (number === 0 || number >= 2 ** 29 || !(type <= wire.bytes || type === wire.fixed32))
      throw windows.cut();
    const field = frame.message.fields.get(number);
    if (field) this.#check(frame, field, number, type);

    if (type !== wire.bytes) {
      windows.skip(type, frame.end);
      const length = windows.position - at;
      if (field?.kind === 'payload') this.#element(frame, field.name, at, length);
      else if (field) {
        this.#count('numbers', 1);
        windows.position = at;
        this.#skeleton.bytes(windows.take(length));
      }
      return;
    }

    const length = windows.varint(frame.end);
    if (length > frame.end - windows.position) throw windows.cut();
    if (field === undefined) windows.position += length;
    else if (field.kind === 'message') this.#enter(field, tag, length);
    else if (field.kind === 'payload') await this.#payload(frame, field, length);
    else await this.#copy(field, tag, length);
  }

  #check(
    frame: Frame,
    field: SkeletonField | MessageField | PayloadField,
    number: number,
    type: number,
  ): void {
    const expected = field.kind === 'message' ? wire.bytes : field.wire;
    const packable =
      field.kind === 'payload' || (field.kind === 'skeleton' && field.packedElementBytes !== undefined);
    const once = field.kind === 'payload' ? field.name === 'raw_data' : !field.repeated;
    const again = once && (frame.seen & (1 << number)) !== 0;
    if (once) frame.seen |= 1 << number;
    if (again || (type !== expected && !(packable && type === wire.bytes))) {
      const problem = again ? 'comes twice' : `has wire type ${type}`;
      throw new MalformedModelError(`${field.name} ${problem} at byte ${this.#windows.position}`, {
        file: this.#options.file,
      });
    }
  }

  #enter(field: MessageField, tag: number, length: number): void {
    this.#count('messages', 1);
    if (field.message.name === 'NodeProto') this.#count('nodes', 1);
    if (this.#stack.length >= limits.nesting) {
      throw new UnsupportedModelError(`The model nests more than ${limits.nesting} levels deep`, {
        file: this.#options.file,
      });
    }
    this.#skeleton.varint(tag);
    const end = this.#windows.position + length;
    this.#stack.push({ message: field.message, end, mark: this.#skeleton.open(), seen: 0, segments: [] });
  }

  async #payload(frame: Frame, field: PayloadField, length: number): Promise<void> {
    this.#count('messages', 1);
    const windows = this.#windows;
    const segment: Segment = { field: field.name, packed: true, offset: windows.position, length };
    if (length > this.#options.inlineBytes) {
      windows.position += length;
      frame.segments.push(segment);
      return;
    }
    this.#count('shortTensorBytes', length);
    if (!windows.holds(length)) await windows.load(length);
    frame.segments.push({ ...segment, bytes: windows.take(length).slice() });
  }

  /** Single elements behind one another make one run. */
  #element(frame: Frame, field: PayloadName, offset: number, length: number): void {
    const last = frame.segments.at(-1);
    if (last && !last.packed && last.field === field && last.offset + last.length === offset) {
      last.length += length;
      return;
    }
    this.#count('messages', 1);
    frame.segments.push({ field, packed: false, offset, length });
  }

  async #copy(field: SkeletonField, tag: number, length: number): Promise<void> {
    if (length > field.maxBytes) {
      throw new UnsupportedModelError(
        `${field.name} takes ${length} bytes at byte ${this.#windows.position}`,
        {
          file: this.#options.file,
        },
      );
    }
    this.#count('messages', 1);
    if (field.packedElementBytes) {
      this.#count('numbers', length / field.packedElementBytes);
    }
    if (!this.#windows.holds(length)) await this.#windows.load(length);
    this.#skeleton.varint(tag);
    this.#skeleton.varint(length);
    this.#skeleton.bytes(this.#windows.take(length));
  }

  #count(what: keyof typeof nouns, more: number): void {
    this.#counts[what] += more;
    if (this.#counts[what] <= limits[what]) return;
    throw new UnsupportedModelError(`The model has more than ${limits[what]} ${nouns[what]}`, {
      file: this.#options.file,
    });
  }
}
