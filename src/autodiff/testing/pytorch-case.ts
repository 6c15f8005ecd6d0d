import { float, GraphBuilder, type PlainAttributes } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import type { DataType, TypedGraph } from '../../onnx/model.ts';
import { tensorOf } from '../../onnx/tensors.ts';
import { gradient } from '../gradient.ts';
import { nodeOf } from './arbitraries.ts';
import { CpuSession } from './cpu-session.ts';

/** Gradients of one operator by PyTorch's autograd in float64, as `tools/reference/rule_cases.py` writes them. */
export interface PytorchCase {
  label: string;
  op: string;
  attributes: Record<string, number | string | number[]>;
  /** Shape of each input; null where it is constant or omitted. */
  inputs: (number[] | null)[];
  /** `float` stands for the type that the case is run in. */
  constants: Record<string, { dtype: string; shape: number[]; values: number[] }>;
  /** Inputs made positive. */
  positive: number[];
  /** Inputs are rounded to multiples of this, to make ties. */
  rounded: number | null;
  /** What is added to an input last, by its index. */
  shifted?: Record<string, number>;
  /** Shape of the output. */
  output: number[];
  /** Of each input that is neither constant nor omitted. */
  gradients: number[][];
}

/** Attributes that are floating point however they are written. */
const floats = new Set(['alpha', 'beta', 'bias', 'cubic_coeff_a', 'epsilon', 'gamma', 'lambd']);

/** Element i of stream k is sin((i + 1) (k + 1.7) 1.618): the numbers that the reference was computed from. */
function numbers(shape: readonly number[], stream: number): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin((i + 1) * (stream + 1.7) * 1.618));
}

/** Rounds to the nearest integer, halves to the even one, as PyTorch does. */
function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}

/**
 * Runs the gradient graph of a case on onnxruntime's CPU provider.
 *
 * @returns the largest error of each gradient, relative to that gradient's largest element (or to 0.01)
 */
export async function errorsOf(c: PytorchCase, dtype: DataType): Promise<number[]> {
  const graph: TypedGraph = {
    name: c.label,
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: new Map(),
    valueInfo: new Map(),
    types: new Map(),
    opset: c.op === 'RMSNormalization' ? 23 : 21,
  };
  const b = new GraphBuilder(graph);
  const values: number[][] = [];
  const names = c.inputs.map((shape, i) => {
    const constant = c.constants[i];
    if (constant) {
      const type = constant.dtype === 'float' ? dtype : (constant.dtype as DataType);
      return b.shared(tensorOf(type, constant.shape, constant.values));
    }
    if (shape === null) return '';
    graph.inputs.push({ name: `x${i}`, dtype, shape: [...shape] });
    graph.types.set(`x${i}`, { dtype, shape });
    values.push(inputValues(c, shape, i));
    return `x${i}`;
  });
  const output = nodeOf(b, c.op, names, attributesOf(c));
  const targets = names.filter((name) => name.startsWith('x'));
  const result = gradient(graph, { loss: output, targets, seed: 'seed' });
  const outputs = targets.map((target) => {
    const name = result.gradients.get(target)!;
    return { name, dtype, shape: [...result.graph.types.get(name)!.shape] };
  });

  const session = await CpuSession.open({ ...result.graph, outputs });
  try {
    const actual = await session.run([...values, numbers(c.output, 100)]);
    return actual.map((gradient, k) => largestError(gradient, c.gradients[k]!));
  } finally {
    await session.release();
  }
}

function inputValues(c: PytorchCase, shape: readonly number[], i: number): number[] {
  return numbers(shape, i).map((x) => {
    const value = c.rounded === null ? x : roundEven(x / c.rounded) * c.rounded;
    return (c.positive.includes(i) ? value * value + 0.25 : value) + (c.shifted?.[i] ?? 0);
  });
}

function attributesOf(c: PytorchCase): PlainAttributes {
  return Object.fromEntries(
    Object.entries(c.attributes).map(([name, value]) => [
      name,
      floats.has(name) && typeof value === 'number' ? float(value) : value,
    ]),
  );
}

function largestError(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(0.01, ...expected.map(Math.abs));
  return actual.reduce((worst, x, i) => {
    const error = Math.abs(x - expected[i]!) / scale;
    return error > worst || Number.isNaN(error) ? error : worst;
  }, 0);
}
