import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** One protobuf field of a hand-made message: a number is a varint, text and bytes are length-delimited. */
export type WireField = readonly [number: number, value: number | bigint | string | Uint8Array];

/** A protobuf message from its fields, in the order given, without any schema to hold it back. */
export function message(...fields: readonly WireField[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else if (typeof value === 'object') writer.tag(number, WireType.LengthDelimited).bytes(value);
    else writer.tag(number, WireType.Varint).int64(BigInt(value));
  }
  return writer.finish();
}

/** A ModelProto around the fields of a GraphProto: IR version 8, standard operators of version 17. */
export const modelWith = (...graph: readonly WireField[]): Uint8Array =>
  message([1, 8], [7, message(...graph)], [8, message([1, ''], [2, 17])]);

/** A NodeProto. */
export const node = (op: string, inputs: string[], outputs: string[], ...more: WireField[]): Uint8Array =>
  message(
    ...inputs.map((name): WireField => [1, name]),
    ...outputs.map((name): WireField => [2, name]),
    [3, `${op}_node`],
    [4, op],
    ...more,
  );

/** A ValueInfoProto of a float tensor. */
export const floatValue = (name: string, ...dims: (number | bigint)[]): Uint8Array =>
  message(
    [1, name],
    [2, message([1, message([1, 1], [2, message(...dims.map((dim): WireField => [1, message([1, dim])]))])])],
  );

/** A TensorProto of floats with its elements in raw_data. */
export const floatTensor = (name: string, dims: (number | bigint)[], raw: Uint8Array): Uint8Array =>
  message(...dims.map((dim): WireField => [1, dim]), [2, 1], [8, name], [9, raw]);
