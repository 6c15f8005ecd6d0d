/**
 * An ONNX model as plain data: no protobuf objects, no runtime, nothing lazy but the bytes of large tensors.
 *
 * Names follow the ONNX IR specification (https://onnx.ai/onnx/repo-docs/IR.html). Lists are ordinary mutable
 * arrays and maps; passes return new graphs and leave the ones they were given alone.
 */

/** Element types, by their numpy-style names. `onnx/data-types.ts` maps them to TensorProto codes and widths. */
export type DataType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

/** A fully known type: every dimension is a non-negative integer. */
export interface TensorType {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** One axis as files give it: a size, a symbolic name, or nothing known (`null`). */
export type Dimension = number | string | null;

/** A declared graph input, output or inner value. `shape` is absent when the file gives no rank. */
export interface ValueInfo {
  name: string;
  /** Absent only in subgraphs, whose inputs and outputs may be declared by name alone. */
  dtype?: DataType;
  shape?: Dimension[];
}

/** Random access to bytes that stay where they are (a Blob, a file on disk, a URL with range requests). */
export interface ByteSource {
  /** Shown in error messages: a file name, never a path of the machine. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`; rejects when the range passes the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Where a tensor's elements are: little-endian bytes in memory, a byte range in a source, or strings. */
export type TensorData =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'range'; readonly source: ByteSource; readonly offset: number; readonly length: number }
  | { readonly kind: 'strings'; readonly values: readonly string[] };

/** A constant tensor. Typed protobuf fields (`float_data`, ...) are normalised to little-endian bytes on reading. */
export interface Tensor extends TensorType {
  readonly data: TensorData;
}

/**
 * A node attribute. `int` and `ints` are JavaScript numbers; values outside the int64 range saturate on writing,
 * so the INT64_MAX that exporters use for "to the end" survives a round trip.
 */
export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  /** Inside a model-local function: stands for the attribute of that name, of type `of`, on the calling node. */
  | { readonly type: 'reference'; readonly value: string; readonly of: AttributeType };

/** What an attribute can hold, references aside. */
export type AttributeType =
  | 'float'
  | 'int'
  | 'string'
  | 'tensor'
  | 'graph'
  | 'floats'
  | 'ints'
  | 'strings'
  | 'tensors'
  | 'graphs';

/** One operator application. Omitted optional inputs and outputs are empty strings, as in ONNX. */
export interface Node {
  name: string;
  op: string;
  /** '' for the standard operator set ('ai.onnx' is normalised to '' on reading). */
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

export interface Graph {
  name: string;
  /** In topological order: every input is a graph input, an initialiser or an earlier node's output. */
  nodes: Node[];
  /** Without the initialisers that IR versions before 4 repeat here. */
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  initializers: Map<string, Tensor>;
  /** Types of inner values, as far as the file gives them. */
  valueInfo: Map<string, ValueInfo>;
}

/** A model-local function (`FunctionProto`). */
export interface ModelFunction {
  name: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  nodes: Node[];
  opsets: Map<string, number>;
  /** Attribute names without a default, then those with one. */
  attributes: string[];
  attributeDefaults: Record<string, Attribute>;
}

export interface Model {
  irVersion: number;
  /** Operator set versions by domain; '' is the standard one. */
  opsets: Map<string, number>;
  producer: { name: string; version: string };
  metadata: Map<string, string>;
  graph: Graph;
  functions: ModelFunction[];
}

/**
 * A graph whose every value has a fully known type: what autodiff works on.
 * Made by `onnx/specialise.ts` from a model and the sizes of its inputs.
 */
export interface TypedGraph extends Graph {
  /** The type of every input, initialiser and node output, by name. */
  types: Map<string, TensorType>;
  /** Version of the standard operator set that the nodes are written in. */
  opset: number;
}
