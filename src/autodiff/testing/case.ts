import { GraphBuilder } from '../../onnx/builder.ts';
import { isFloat, sizeOf } from '../../onnx/data-types.ts';
import type { DataType, Node, TypedGraph } from '../../onnx/model.ts';
import { gradient } from '../gradient.ts';
import { randomFrom } from './random.ts';
import { type Domain, onGrid, uniform } from './values.ts';

/** One input of a {@link GradientCase}. */
export interface CaseInput {
  readonly shape: readonly number[];
  /** Where its elements are drawn from; default: uniform in [-2, 2). */
  readonly domain?: Domain;
  /** Default: the floating-point type that the case is run in. */
  readonly dtype?: DataType;
}

/**
 * A small graph whose gradients are checked: what fast-check draws for one operator. The same cases are compared
 * with central differences, searched for the operators that rules emit, and run in the browser.
 */
export interface GradientCase {
  /** What was drawn (shapes, attributes), for failure messages. */
  readonly label: string;
  readonly inputs: readonly CaseInput[];
  /** Writes the forward nodes and returns the names of the outputs, all floating point. */
  readonly build: (b: GraphBuilder, inputs: readonly string[]) => string | readonly string[];
  /** Indices of the inputs to differentiate; default: every floating-point one. */
  readonly targets?: readonly number[];
  /** Given when the forward pass is only meaningful in this type (a Cast, a float32-only definition). */
  readonly dtype?: 'float32';
  /** Of the input values and the incoming gradient. */
  readonly seed: number;
  /** Version of the standard operator set; default 21, in which the passes leave every graph. */
  readonly opset?: number;
}

/** The forward graph of a case, with `x0`, `x1`, ... as inputs and one floating-point output. */
export interface ForwardGraph {
  readonly graph: TypedGraph;
  /** Several outputs of the operator are flattened and joined into this one. */
  readonly output: string;
}

export function forwardOf(c: GradientCase, dtype: DataType): ForwardGraph {
  const graph: TypedGraph = {
    name: c.label,
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: new Map(),
    valueInfo: new Map(),
    types: new Map(),
    opset: c.opset ?? 21,
  };
  const b = new GraphBuilder(graph);
  const names = c.inputs.map((input, i) => {
    const type = { dtype: input.dtype ?? dtype, shape: [...input.shape] };
    graph.inputs.push({ name: `x${i}`, ...type });
    graph.types.set(`x${i}`, type);
    return `x${i}`;
  });
  const built = c.build(b, names);
  const outputs = typeof built === 'string' ? [built] : built;
  const output = outputs.length === 1 ? outputs[0]! : joined(b, outputs);
  graph.outputs.push({ name: output, dtype: b.dtype(output), shape: [...b.shape(output)] });
  return { graph, output };
}

/** Name of the graph input that holds the incoming gradient. */
export const seedName = 'seed';

export interface BackwardGraph {
  /** Inputs: those of the case, then the incoming gradient. Outputs: the gradients of the targets, in order. */
  readonly graph: TypedGraph;
  /** The backward nodes alone. */
  readonly emitted: readonly Node[];
}

/** The gradient graph of a case, as the reverse walk writes it. */
export function backwardOf(c: GradientCase, dtype: DataType): BackwardGraph {
  const { graph: source, output } = forwardOf(c, dtype);
  const targets = targetsOf(c).map((i) => `x${i}`);
  const { graph, gradients } = gradient(source, { loss: output, targets, seed: seedName });
  const outputs = targets.map((target) => {
    const name = gradients.get(target)!;
    const type = graph.types.get(name)!;
    return { name, dtype: type.dtype, shape: [...type.shape] };
  });
  return { graph: { ...graph, outputs }, emitted: graph.nodes.slice(source.nodes.length) };
}

export function targetsOf(c: GradientCase): readonly number[] {
  return (
    c.targets ??
    c.inputs.flatMap((input, i) => (input.dtype === undefined || isFloat(input.dtype) ? [i] : []))
  );
}

/** The elements of every input: the same for every run of a case. */
export function valuesOf(c: GradientCase): number[][] {
  const random = randomFrom(c.seed);
  return c.inputs.map(({ shape, domain = uniform(-2, 2) }) => domain(random, sizeOf(shape)));
}

/** The incoming gradient: no element is near zero, so that every output element matters. */
export function cotangentOf(c: GradientCase, count: number): number[] {
  const random = randomFrom(c.seed ^ 0x5bd1e995);
  return Array.from({ length: count }, () => (random() < 0.5 ? -1 : 1) * onGrid(0.5 + random()));
}

function joined(b: GraphBuilder, outputs: readonly string[]): string {
  const flat = outputs.map((output) => b.op('Reshape', [output, b.ints([sizeOf(b.shape(output))])]));
  return b.op('Concat', flat, { axis: 0 });
}
