import { sizeOf } from '../onnx/data-types.ts';
import type { Node, TensorType } from '../onnx/model.ts';

type Types = ReadonlyMap<string, TensorType>;

/** What the WebGPU provider of onnxruntime-web 1.30 asks of an operator beyond being standard ONNX. */
export interface WebGpuOperator {
  /** In words, for docs/operators.md. */
  readonly note?: string;
  /** The constraint that a node breaks, in words, or undefined. */
  readonly check?: (node: Node, types: Types) => string | undefined;
}

const free: WebGpuOperator = {};

const shapeOf = (types: Types, name: string | undefined): readonly number[] =>
  types.get(name ?? '')?.shape ?? [];

const rankAtMost = (limit: number): WebGpuOperator => ({
  note: `at most ${limit} axes`,
  check: (node, types) => {
    const rank = shapeOf(types, node.inputs[0]).length;
    return rank > limit ? `${rank} axes, more than ${limit}` : undefined;
  },
});

const outputsAtMost = (limit: number): WebGpuOperator => ({
  note: `at most ${limit} outputs: WebGPU promises ten storage buffers to a shader`,
  check: (node) =>
    node.outputs.length > limit ? `${node.outputs.length} outputs, more than ${limit}` : undefined,
});

/** A row of exponents broadcast across columns compiles to an invalid shader; one exponent for all does not. */
const exponentShape: WebGpuOperator = {
  note: "an exponent of the base's shape, or one exponent for all: others compile to an invalid shader",
  check: (node, types) => {
    const base = shapeOf(types, node.inputs[0]);
    const exponent = shapeOf(types, node.inputs[1]);
    const one = sizeOf(exponent) === 1 && exponent.length <= base.length;
    return one || base.join() === exponent.join() ? undefined : 'a broadcast exponent';
  },
};

/** Reductions of a scatter are atomic, and WebGPU has no f16 atomics. */
const noHalfReduction: WebGpuOperator = {
  note: 'with a reduction only in float32: there are no f16 atomics',
  check: (node, types) => {
    const reduction = node.attributes['reduction'];
    const reduces = reduction?.type === 'string' && reduction.value !== 'none';
    return reduces && types.get(node.inputs[0] ?? '')?.dtype === 'float16' ? 'an f16 reduction' : undefined;
  },
};

const groupsOf = (node: Node): number => {
  const group = node.attributes['group'];
  return group?.type === 'int' ? group.value : 1;
};

const convolution: WebGpuOperator = {
  note: 'in three dimensions without groups',
  check: (node, types) =>
    shapeOf(types, node.inputs[0]).length > 4 && groupsOf(node) > 1
      ? 'groups in three dimensions'
      : undefined,
};

const transposedConvolution: WebGpuOperator = {
  note: 'up to two dimensions; several channels spread into groups of one channel come out wrong',
  check: (node, types) => {
    if (shapeOf(types, node.inputs[0]).length > 4) return 'three dimensions';
    const [from, into] = shapeOf(types, node.inputs[1]);
    const groups = groupsOf(node);
    return groups > 1 && into === 1 && from! > groups ? 'groups of one output channel' : undefined;
  },
};

const resizing: WebGpuOperator = {
  note: 'without antialias',
  check: (node) => {
    const antialias = node.attributes['antialias'];
    return antialias?.type === 'int' && antialias.value !== 0 ? 'antialias' : undefined;
  },
};

/** Operators that derivative rules may write. Each one is written by at least one rule. */
export const emittedOperators: Readonly<Record<string, WebGpuOperator>> = {
  Abs: free,
  Add: free,
  And: free,
  ArgMax: free,
  Cast: { note: 'among float32, float16, int32, uint32 and bool' },
  Concat: free,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Cos: free,
  Cosh: free,
  CumSum: free,
  DepthToSpace: free,
  Div: free,
  Einsum: free,
  Equal: free,
  Erf: free,
  Exp: free,
  Expand: free,
  Gather: free,
  GatherElements: free,
  GatherND: free,
  Gemm: free,
  Greater: free,
  LayerNormalization: free,
  Less: free,
  Log: free,
  MatMul: free,
  Mul: free,
  Neg: free,
  Not: free,
  Pad: free,
  Pow: exponentShape,
  ReduceL2: free,
  ReduceMean: free,
  ReduceProd: free,
  ReduceSum: free,
  Reshape: free,
  ScatterElements: noHalfReduction,
  ScatterND: noHalfReduction,
  Sigmoid: free,
  Sin: free,
  Sinh: free,
  Slice: free,
  Softmax: free,
  Softplus: free,
  Split: outputsAtMost(9),
  Sqrt: free,
  Sub: free,
  Tanh: free,
  Transpose: rankAtMost(5),
  Trilu: free,
  Where: free,
};

/** Operators that the provider also runs, and that forward graphs may hold. */
export const forwardOperators: Readonly<Record<string, WebGpuOperator>> = {
  Acos: free,
  Acosh: free,
  ArgMin: free,
  Asin: free,
  Asinh: free,
  Atan: free,
  Atanh: free,
  AveragePool: free,
  BatchNormalization: free,
  CastLike: { note: 'as Cast' },
  Ceil: free,
  Clip: free,
  Elu: free,
  Flatten: free,
  Floor: free,
  Gelu: free,
  GlobalAveragePool: free,
  GlobalMaxPool: free,
  GreaterOrEqual: free,
  HardSigmoid: free,
  HardSwish: free,
  Identity: free,
  InstanceNormalization: free,
  LeakyRelu: free,
  LessOrEqual: free,
  LpNormalization: free,
  Max: free,
  MaxPool: { note: 'without the indices output' },
  Min: free,
  Mish: free,
  PRelu: free,
  Reciprocal: free,
  ReduceL1: free,
  ReduceLogSum: free,
  ReduceLogSumExp: free,
  ReduceMax: free,
  ReduceMin: free,
  ReduceSumSquare: free,
  Relu: free,
  Resize: resizing,
  RMSNormalization: free,
  Squeeze: free,
  Swish: free,
  Tan: free,
  ThresholdedRelu: free,
  TopK: free,
  Tile: free,
  Unsqueeze: free,
  'com.microsoft::QuickGelu': free,
};

/** Everything that may stand in a graph that is to run on the GPU. */
export const webgpuOperators: Readonly<Record<string, WebGpuOperator>> = {
  ...forwardOperators,
  ...emittedOperators,
};

/** Types that no kernel knows. */
const unknownTypes = new Set(['float64', 'bfloat16', 'int8', 'int16', 'uint16', 'uint64', 'string']);

/**
 * int64 is taken as indices, axes and shapes, behind the first input, and given as a result; no kernel computes with
 * int64 or as much as copies it.
 */
const takesInt64 = new Set([
  'CumSum',
  'Expand',
  'Gather',
  'GatherElements',
  'GatherND',
  'Pad',
  'Reshape',
  'Resize',
  'ScatterElements',
  'ScatterND',
  'Slice',
  'Split',
  'Squeeze',
  'Tile',
  'TopK',
  'Trilu',
  'Unsqueeze',
]);

/** Operators that take bool data. */
const takesBool = new Set([
  'And',
  'Cast',
  'Expand',
  'Flatten',
  'Gather',
  'Not',
  'Reshape',
  'Unsqueeze',
  'Where',
]);

function typeObstacle(key: string, node: Node, types: Types): string | undefined {
  for (const name of [...node.inputs, ...node.outputs]) {
    const dtype = types.get(name)?.dtype;
    if (dtype !== undefined && unknownTypes.has(dtype)) return `${key} does not compute in ${dtype}`;
  }
  const asIndex = takesInt64.has(key) || key.startsWith('Reduce');
  for (const [i, name] of node.inputs.entries()) {
    const dtype = types.get(name)?.dtype;
    if (dtype === 'int64' && !(asIndex && i > 0)) return `${key} does not take int64 data`;
    if (dtype === 'bool' && !takesBool.has(key)) return `${key} does not take bool data`;
    if (dtype === 'bool' && key === 'Where' && i > 0) return 'Where does not choose between bool data';
    if (dtype === 'int32' && i === 0 && key === 'Slice') return 'Slice does not take int32 data';
  }
  return undefined;
}

/** Why a node would not run on the WebGPU provider, in words; undefined when it would. */
export function webgpuObstacle(node: Node, types: Types): string | undefined {
  const key = node.domain === '' ? node.op : `${node.domain}::${node.op}`;
  const operator = Object.hasOwn(webgpuOperators, key) ? webgpuOperators[key] : undefined;
  if (!operator) return `${key} has no kernel`;
  const unsupported = typeObstacle(key, node, types);
  if (unsupported) return unsupported;
  const broken = operator.check?.(node, types);
  return broken === undefined ? undefined : `${key}: ${broken}`;
}
