import { dataTypeOf } from './data-types.ts';
import { decodeText } from './decode-tensors.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { limits } from './limits.ts';
import type {
  Attribute,
  AttributeType,
  Dimension,
  Graph,
  ModelFunction,
  Node,
  Tensor,
  ValueInfo,
} from './model.ts';
import type { MessageOf } from './schema.ts';

/** What the parts of a graph are decoded with. */
export interface GraphContext {
  readonly file: string;
  /** Tensors were read before, because reading them waits for the file. */
  readonly tensors: ReadonlyMap<MessageOf<'TensorProto'>, Tensor>;
}

/** AttributeProto.AttributeType (onnx.proto); codes that are absent hold what no graph here may. */
const attributeTypes: readonly (AttributeType | undefined)[] = [
  undefined,
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
];

/** The AttributeProto.AttributeType code of an attribute's type. */
export const attributeCodeOf = (type: AttributeType): number => attributeTypes.indexOf(type);

/** The domain by its usual name: the standard operators have two. */
export const plainDomain = (domain = ''): string => (domain === 'ai.onnx' ? '' : domain);

/** Decodes a graph; `main` is false for subgraphs, which may declare values by name alone. */
export function decodeGraph(proto: MessageOf<'GraphProto'>, main: boolean, context: GraphContext): Graph {
  const { file } = context;
  const [sparse] = proto.sparseInitializer;
  if (sparse) {
    throw new UnsupportedModelError(
      'A weight is stored as a sparse tensor',
      { file, value: sparse.values?.name ?? '' },
      'Export the model with dense weights',
    );
  }
  const initializers = new Map<string, Tensor>();
  for (const tensor of proto.initializer) {
    const name = tensor.name ?? '';
    if (name === '') throw new MalformedModelError('An initialiser has no name', { file });
    if (initializers.has(name))
      throw new MalformedModelError('Two initialisers have one name', { file, value: name });
    initializers.set(name, tensorOf(tensor, context));
  }
  const valueInfo = new Map<string, ValueInfo>();
  for (const inner of proto.valueInfo) {
    const info = decodeInnerValue(inner);
    if (info) valueInfo.set(info.name, info);
  }
  return {
    name: proto.name ?? '',
    nodes: proto.node.map((node) => decodeNode(node, context)),
    inputs: proto.input
      .filter((input) => !initializers.has(input.name ?? ''))
      .map((input) => decodeDeclared(input, main, file)),
    outputs: proto.output.map((output) => decodeDeclared(output, main, file)),
    initializers,
    valueInfo,
  };
}

/** Decodes a model-local function. */
export function decodeFunction(proto: MessageOf<'FunctionProto'>, context: GraphContext): ModelFunction {
  const attributeDefaults = decodeAttributes(proto.attributeProto, proto.name ?? '', context);
  return {
    name: functionName(proto.name, proto.overload),
    domain: plainDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    nodes: proto.node.map((node) => decodeNode(node, context)),
    opsets: decodeOpsets(proto.opsetImport, context.file),
    attributes: [...proto.attribute, ...Object.keys(attributeDefaults)],
    attributeDefaults,
  };
}

/** Overloads of a function become functions of their own, told apart by name. */
const functionName = (name = '', overload = ''): string => (overload === '' ? name : `${name}.${overload}`);

/** Operator set versions by domain. */
export function decodeOpsets(
  protos: readonly MessageOf<'OperatorSetIdProto'>[],
  file: string,
): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const proto of protos) {
    const domain = plainDomain(proto.domain);
    const version = Number(proto.version ?? 0n);
    if (opsets.has(domain) && opsets.get(domain) !== version) {
      throw new MalformedModelError(`The operator set "${domain}" is given two versions`, { file });
    }
    opsets.set(domain, version);
  }
  return opsets;
}

function decodeNode(proto: MessageOf<'NodeProto'>, context: GraphContext): Node {
  const op = proto.opType ?? '';
  const name = proto.name ?? '';
  if (op === '') throw new MalformedModelError('A node has no operator', { file: context.file, node: name });
  return {
    name,
    op: functionName(op, proto.overload),
    domain: plainDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    attributes: decodeAttributes(proto.attribute, name || proto.output[0] || '', context),
  };
}

function decodeAttributes(
  protos: readonly MessageOf<'AttributeProto'>[],
  node: string,
  context: GraphContext,
): Record<string, Attribute> {
  const attributes: [string, Attribute][] = [];
  const names = new Set<string>();
  for (const proto of protos) {
    const name = proto.name ?? '';
    if (name === '' || names.has(name)) {
      throw new MalformedModelError(name ? `Attribute "${name}" comes twice` : 'An attribute has no name', {
        file: context.file,
        node,
      });
    }
    names.add(name);
    attributes.push([name, decodeAttribute(proto, node, context)]);
  }
  // Names come from the file: fromEntries defines own properties even for "__proto__".
  return Object.fromEntries(attributes);
}

function decodeAttribute(proto: MessageOf<'AttributeProto'>, node: string, context: GraphContext): Attribute {
  const at = { file: context.file, node };
  const type = attributeTypes[proto.type ?? 0] ?? (proto.type ? undefined : guessType(proto));
  if (!type) {
    throw new UnsupportedModelError(`Attribute "${proto.name}" has the type number ${proto.type ?? 0}`, at);
  }
  if (proto.refAttrName) return { type: 'reference', value: proto.refAttrName, of: type };
  switch (type) {
    case 'float':
      return { type, value: proto.f ?? 0 };
    case 'int':
      return { type, value: Number(proto.i ?? 0n) };
    case 'string':
      return { type, value: decodeText(proto.s ?? new Uint8Array(0), at) };
    case 'tensor':
      if (!proto.t) throw new MalformedModelError(`Attribute "${proto.name}" holds no tensor`, at);
      return { type, value: tensorOf(proto.t, context) };
    case 'graph':
      if (!proto.g) throw new MalformedModelError(`Attribute "${proto.name}" holds no graph`, at);
      return { type, value: decodeGraph(proto.g, false, context) };
    case 'floats':
      return { type, value: proto.floats };
    case 'ints':
      return { type, value: proto.ints.map(Number) };
    case 'strings':
      return { type, value: proto.strings.map((bytes) => decodeText(bytes, at)) };
    case 'tensors':
      return { type, value: proto.tensors.map((tensor) => tensorOf(tensor, context)) };
    case 'graphs':
      return { type, value: proto.graphs.map((graph) => decodeGraph(graph, false, context)) };
  }
}

/** The first files of ONNX name no type: the one field that is present tells. */
function guessType(proto: MessageOf<'AttributeProto'>): AttributeType | undefined {
  if (proto.f !== undefined) return 'float';
  if (proto.i !== undefined) return 'int';
  if (proto.s !== undefined) return 'string';
  if (proto.t) return 'tensor';
  if (proto.g) return 'graph';
  if (proto.floats.length > 0) return 'floats';
  if (proto.ints.length > 0) return 'ints';
  if (proto.strings.length > 0) return 'strings';
  if (proto.tensors.length > 0) return 'tensors';
  return proto.graphs.length > 0 ? 'graphs' : undefined;
}

function tensorOf(proto: MessageOf<'TensorProto'>, context: GraphContext): Tensor {
  const tensor = context.tensors.get(proto);
  if (!tensor) throw new Error('A tensor was not read before its graph');
  return tensor;
}

/** Inner values are declared for information: one that cannot be held is left out. */
function decodeInnerValue(proto: MessageOf<'ValueInfoProto'>): ValueInfo | undefined {
  const dtype = dataTypeOf(proto.type?.tensorType?.elemType ?? 0);
  const shape = decodeDimensions(proto);
  return proto.name && dtype && shape !== 'absurd' ? { name: proto.name, dtype, ...shape } : undefined;
}

function decodeDeclared(proto: MessageOf<'ValueInfoProto'>, main: boolean, file: string): ValueInfo {
  const name = proto.name ?? '';
  if (name === '') throw new MalformedModelError('A graph input or output has no name', { file });
  const at = { file, value: name };
  const code = proto.type?.tensorType?.elemType ?? 0;
  const dtype = dataTypeOf(code);
  if (!dtype && (main || code !== 0)) {
    const what = proto.type?.tensorType ? `has the element type number ${code}` : 'is not a tensor';
    throw new UnsupportedModelError(`A graph input or output ${what}`, at);
  }
  const shape = decodeDimensions(proto);
  if (shape === 'absurd')
    throw new UnsupportedModelError('A graph input or output is too large for any memory', at);
  return { name, ...(dtype ? { dtype } : {}), ...shape };
}

function decodeDimensions(proto: MessageOf<'ValueInfoProto'>): { shape?: Dimension[] } | 'absurd' {
  const dims = proto.type?.tensorType?.shape?.dim;
  if (!dims) return {};
  if (dims.length > limits.rank || dims.some(({ dimValue = 0n }) => dimValue > limits.dimension))
    return 'absurd';
  return {
    // Some writers give -1 for an axis of any size.
    shape: dims.map(({ dimValue, dimParam }) =>
      dimValue === undefined ? dimParam || null : dimValue < 0n ? null : Number(dimValue),
    ),
  };
}
