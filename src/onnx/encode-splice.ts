import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Part, sizeOfParts } from './parts.ts';
import { modelMessage, type ScannedMessage } from './scan-fields.ts';
import { table } from './schema.ts';

const payloadNumber = table.TensorProto.payload[0];
const rawDataNumber = table.TensorProto.rawData[0];

/**
 * The counterpart of the scan: puts payloads where a skeleton holds their numbers, as raw_data, and corrects the
 * lengths of the messages around them. No payload is read.
 */
export function splice(skeleton: Uint8Array, payloads: readonly Part[]): Part[] {
  const reader = new BinaryReader(skeleton);
  return spliceMessage(modelMessage, skeleton, reader, skeleton.length, payloads) ?? [skeleton];
}

/** The parts of the message that ends at `end`, or undefined where it holds no payload. */
function spliceMessage(
  message: ScannedMessage,
  skeleton: Uint8Array,
  reader: BinaryReader,
  end: number,
  payloads: readonly Part[],
): Part[] | undefined {
  let parts: Part[] | undefined;
  /** Bytes from here on are not in `parts` yet. */
  let rest = reader.pos;
  const insert = (from: number, header: Uint8Array, body: readonly Part[]) => {
    parts = (parts ?? []).concat(from > rest ? [skeleton.subarray(rest, from)] : [], [header], body);
    rest = reader.pos;
  };
  while (reader.pos < end) {
    const from = reader.pos;
    const [number, type] = reader.tag();
    const field = message.fields.get(number);
    if (message.name === 'TensorProto' && number === payloadNumber) {
      const payload = payloads[reader.uint32()]!;
      insert(from, header(rawDataNumber, payload.length), [payload]);
    } else if (field?.kind === 'message') {
      const length = reader.uint32();
      const inner = spliceMessage(field.message, skeleton, reader, reader.pos + length, payloads);
      if (inner) insert(from, header(number, sizeOfParts(inner)), inner);
    } else {
      reader.skip(type, number);
    }
  }
  if (parts && rest < end) parts.push(skeleton.subarray(rest, end));
  return parts;
}

/** Tag and length of a field of bytes; a message too long for a file is measured all the same. */
const header = (number: number, length: number): Uint8Array<ArrayBuffer> =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).uint64(length).finish();
