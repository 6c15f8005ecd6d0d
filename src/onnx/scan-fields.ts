import { limits } from './limits.ts';
import { type FieldSpec, isScalar, type ScalarName, table } from './schema.ts';

/** Protobuf wire types (https://protobuf.dev/programming-guides/encoding/#structure); groups have no use in ONNX. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** How the scan treats a field of the skeleton. */
export interface SkeletonField {
  readonly kind: 'skeleton';
  readonly name: string;
  readonly repeated: boolean;
  readonly wire: number;
  /** Lists of numbers may come packed as well; an element then takes at least this many bytes. */
  readonly packedElementBytes?: number;
  readonly maxBytes: number;
}

/** A field that holds a message: the scan descends. */
export interface MessageField {
  readonly kind: 'message';
  readonly name: string;
  readonly repeated: boolean;
  readonly message: ScannedMessage;
}

/** A field of TensorProto that holds elements: the scan records where they lie. */
export interface PayloadField {
  readonly kind: 'payload';
  readonly name: PayloadName;
  /** Wire type of one element that is not packed; `raw_data` is bytes and never packed. */
  readonly wire: number;
}

export type PayloadName =
  | 'raw_data'
  | 'float_data'
  | 'int32_data'
  | 'int64_data'
  | 'double_data'
  | 'uint64_data';

export interface ScannedMessage {
  readonly name: string;
  readonly fields: ReadonlyMap<number, SkeletonField | MessageField | PayloadField>;
}

/** Field numbers of TensorProto's elements (onnx.proto); strings stay in the skeleton. */
const payloads: readonly [number, PayloadField][] = [
  [4, { kind: 'payload', name: 'float_data', wire: wire.fixed32 }],
  [5, { kind: 'payload', name: 'int32_data', wire: wire.varint }],
  [7, { kind: 'payload', name: 'int64_data', wire: wire.varint }],
  [9, { kind: 'payload', name: 'raw_data', wire: wire.bytes }],
  [10, { kind: 'payload', name: 'double_data', wire: wire.fixed64 }],
  [11, { kind: 'payload', name: 'uint64_data', wire: wire.varint }],
];

const wireOf = {
  int64: wire.varint,
  int32: wire.varint,
  uint32: wire.varint,
  float: wire.fixed32,
  string: wire.bytes,
  name: wire.bytes,
  bytes: wire.bytes,
} as const satisfies Record<ScalarName, number>;

const messages = new Map<
  string,
  { name: string; fields: Map<number, SkeletonField | MessageField | PayloadField> }
>(Object.keys(table).map((name) => [name, { name, fields: new Map() }]));
for (const [name, fields] of Object.entries<Record<string, FieldSpec>>(table)) {
  const scanned = messages.get(name)!;
  for (const [field, spec] of Object.entries(fields))
    scanned.fields.set(spec[0], fieldOf(`${name}.${field}`, spec));
  if (name !== 'TensorProto') continue;
  for (const [number, field] of payloads) scanned.fields.set(number, field);
  // The skeleton's own field: a file that sets it must not reach the decoder.
  scanned.fields.delete(table.TensorProto.payload[0]);
}

function fieldOf(name: string, [, type, repeated]: FieldSpec): SkeletonField | MessageField {
  const common = { name, repeated: repeated !== undefined };
  if (!isScalar(type)) return { kind: 'message', ...common, message: messages.get(type)! };
  const expected = wireOf[type];
  const packable = common.repeated && expected !== wire.bytes;
  return {
    kind: 'skeleton',
    ...common,
    wire: expected,
    ...(packable ? { packedElementBytes: expected === wire.varint ? 1 : 4 } : {}),
    maxBytes: type === 'name' ? limits.nameBytes : limits.skeletonBytes,
  };
}

/** What the scan knows of a file's outermost message. */
export const modelMessage: ScannedMessage = messages.get('ModelProto')!;
