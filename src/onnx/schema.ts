import { create, createFileRegistry, type Message } from '@bufbuild/protobuf';
import { type GenMessage, messageDesc } from '@bufbuild/protobuf/codegenv2';
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

/**
 * The messages of ONNX files as far as this reader keeps them: names and numbers from onnx.proto (ONNX 1.23).
 * Fields that are absent here (documentation, annotations, training info) are dropped on reading.
 *
 * `name` is a string of limited length. A tensor's elements never pass through these messages when they are long:
 * `payload`, a field of our own that no file may set, then holds an index into a list kept beside the message.
 */
export const table = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'repeated'],
    metadataProps: [14, 'StringStringEntryProto', 'repeated'],
    functions: [25, 'FunctionProto', 'repeated'],
  },
  OperatorSetIdProto: { domain: [1, 'name'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'name'], value: [2, 'string'] },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'name'],
    initializer: [5, 'TensorProto', 'repeated'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
    valueInfo: [13, 'ValueInfoProto', 'repeated'],
    sparseInitializer: [15, 'SparseTensorProto', 'repeated'],
  },
  FunctionProto: {
    name: [1, 'name'],
    input: [4, 'name', 'repeated'],
    output: [5, 'name', 'repeated'],
    attribute: [6, 'name', 'repeated'],
    node: [7, 'NodeProto', 'repeated'],
    opsetImport: [9, 'OperatorSetIdProto', 'repeated'],
    domain: [10, 'name'],
    attributeProto: [11, 'AttributeProto', 'repeated'],
    overload: [13, 'name'],
  },
  NodeProto: {
    input: [1, 'name', 'repeated'],
    output: [2, 'name', 'repeated'],
    name: [3, 'name'],
    opType: [4, 'name'],
    attribute: [5, 'AttributeProto', 'repeated'],
    domain: [7, 'name'],
    overload: [8, 'name'],
  },
  AttributeProto: {
    name: [1, 'name'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    tensors: [10, 'TensorProto', 'repeated'],
    graphs: [11, 'GraphProto', 'repeated'],
    type: [20, 'int32'],
    refAttrName: [21, 'name'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    segment: [3, 'bytes'],
    stringData: [6, 'bytes', 'repeated'],
    name: [8, 'name'],
    rawData: [9, 'bytes'],
    externalData: [13, 'StringStringEntryProto', 'repeated'],
    dataLocation: [14, 'int32'],
    payload: [536_870_911, 'uint32'],
  },
  SparseTensorProto: { values: [1, 'TensorProto'] },
  ValueInfoProto: { name: [1, 'name'], type: [2, 'TypeProto'] },
  TypeProto: { tensorType: [1, 'TensorTypeProto'] },
  TensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  DimensionProto: { dimValue: [1, 'int64'], dimParam: [2, 'name'] },
} as const satisfies Record<string, Record<string, FieldSpec>>;

export type ScalarName = 'int64' | 'int32' | 'uint32' | 'float' | 'string' | 'name' | 'bytes';
export type FieldSpec =
  | readonly [number: number, type: string]
  | readonly [number: number, type: string, 'repeated'];

type Table = typeof table;
export type MessageName = keyof Table & string;

interface ScalarShapes {
  int64: bigint;
  int32: number;
  uint32: number;
  float: number;
  string: string;
  name: string;
  bytes: Uint8Array;
}

type ShapeOf<K> = K extends keyof ScalarShapes
  ? ScalarShapes[K]
  : K extends MessageName
    ? MessageOf<K>
    : never;

/** The decoded form of a message, derived from the table. */
export type MessageOf<N extends MessageName> = Message<`onnx.${N}`> & {
  -readonly [F in keyof Table[N] as Table[N][F] extends readonly [number, string, 'repeated']
    ? F
    : never]: Table[N][F] extends readonly [number, infer K, 'repeated'] ? ShapeOf<K>[] : never;
} & {
  -readonly [F in keyof Table[N] as Table[N][F] extends readonly [number, string]
    ? F
    : never]?: Table[N][F] extends readonly [number, infer K] ? ShapeOf<K> | undefined : never;
};

const scalarTypes = {
  int64: Type.INT64,
  int32: Type.INT32,
  uint32: Type.UINT32,
  float: Type.FLOAT,
  string: Type.STRING,
  name: Type.STRING,
  bytes: Type.BYTES,
} as const satisfies Record<ScalarName, Type>;

export const isScalar = (type: string): type is ScalarName => type in scalarTypes;

const names = Object.keys(table);

/** proto3 with `optional` gives explicit presence without proto2's default values; the wire format is the same. */
const file = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'onnx.proto',
    package: 'onnx',
    syntax: 'proto3',
    messageType: Object.entries<Record<string, FieldSpec>>(table).map(([name, fields]) =>
      messageProto(name, fields),
    ),
  }),
  () => undefined,
).getFile('onnx.proto');

function messageProto(name: string, fields: Record<string, FieldSpec>) {
  const optional = Object.entries(fields).filter(([, spec]) => spec[2] !== 'repeated');
  return {
    name,
    field: Object.entries(fields).map(([field, [number, type, repeated]]) => ({
      name: field,
      number,
      label: repeated ? Label.REPEATED : Label.OPTIONAL,
      type: isScalar(type) ? scalarTypes[type] : Type.MESSAGE,
      ...(isScalar(type) ? {} : { typeName: `.onnx.${type}` }),
      // onnx.proto leaves lists of numbers outside TensorProto unpacked; so do the files of other writers.
      ...(repeated && type !== 'bytes' && isScalar(type) && type !== 'string' && type !== 'name'
        ? { options: { packed: false } }
        : {}),
      ...(repeated
        ? {}
        : { proto3Optional: true, oneofIndex: optional.findIndex(([other]) => other === field) }),
    })),
    oneofDecl: optional.map(([field]) => ({ name: `_${field}` })),
  };
}

/** The protobuf library's descriptor of a message. */
export function descriptorOf<N extends MessageName>(name: N): GenMessage<MessageOf<N>> {
  if (!file) throw new Error('The ONNX schema does not build');
  return messageDesc<MessageOf<N>>(file, names.indexOf(name));
}
