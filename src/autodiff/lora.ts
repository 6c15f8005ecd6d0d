import { GraphBuilder } from '../onnx/builder.ts';
import { sizeOf } from '../onnx/data-types.ts';
import { UnsupportedModelError } from '../onnx/errors.ts';
import type { Node, Tensor, TypedGraph } from '../onnx/model.ts';
import { tensorOf } from '../onnx/tensors.ts';

export interface LoraRequest {
  /** Names of the matrices to adapt: initialisers that are the second operand of MatMul or Gemm nodes. */
  weights: readonly string[];
  rank: number;
  /** The low-rank product is scaled by alpha / rank (Hu et al. 2021, section 4.1). */
  alpha: number;
  /**
   * Initial elements of the first factor, [inputs, rank] row-major, such as small random numbers. The second factor
   * starts at zero, so that the adapted graph computes what the given one does.
   */
  initial(weight: string, count: number): Float32Array;
}

/** One adapted matrix: W stands for W + scale * down * up. */
export interface LoraFactors {
  weight: string;
  /** Initialiser [inputs, rank], in the orientation x * down. */
  down: string;
  /** Initialiser [rank, outputs]. */
  up: string;
  scale: number;
  inputs: number;
  outputs: number;
  rank: number;
  /** The matrix is stored [outputs, inputs] (a Gemm with transB). */
  transposed: boolean;
}

/**
 * Rewrites products x W into x W + scale (x down) up, with the two factors as new initialisers to train instead of W
 * (Hu et al. 2021, arXiv 2106.09685). Every node that reads an adapted matrix is rewritten and shares its factors.
 *
 * Throws {@link UnsupportedModelError} for a matrix that is not the right operand of MatMul or Gemm everywhere.
 */
export function addLora(
  source: TypedGraph,
  request: LoraRequest,
): { graph: TypedGraph; factors: LoraFactors[] } {
  const { rank } = request;
  if (!Number.isInteger(rank) || rank < 1)
    throw new RangeError(`The rank must be a whole number from 1, not ${rank}`);
  const graph: TypedGraph = {
    ...source,
    nodes: [],
    initializers: new Map(source.initializers),
    types: new Map(
      [...source.inputs.map(({ name }) => name), ...source.initializers.keys()].map((n) => [
        n,
        source.types.get(n)!,
      ]),
    ),
  };
  const b = new GraphBuilder(graph, 'lora/');
  const factors = new Map<string, LoraFactors>();
  for (const weight of new Set(request.weights)) factors.set(weight, makeFactors(b, source, weight, request));
  for (const node of source.nodes) {
    const found = node.inputs.map((name) => factors.get(name)).find((f) => f !== undefined);
    if (!found) b.append(node);
    else adapt(b, node, found);
  }
  return { graph, factors: [...factors.values()] };
}

function makeFactors(
  b: GraphBuilder,
  source: TypedGraph,
  weight: string,
  { rank, alpha, initial }: LoraRequest,
): LoraFactors {
  const type = source.types.get(weight);
  const users = source.nodes.filter((node) => node.inputs.includes(weight));
  if (!type || !source.initializers.has(weight) || type.shape.length !== 2 || users.length === 0) {
    throw new UnsupportedModelError(
      `"${weight}" is not a matrix that the graph multiplies by`,
      { value: weight, ...(type ? { shapes: [type.shape] } : {}) },
      'Name two-dimensional initialisers that MatMul or Gemm nodes read',
    );
  }
  const orientation = users.map((node) => orientationIn(node, weight));
  const transposed = orientation[0]!;
  if (orientation.some((other) => other !== transposed)) {
    throw new UnsupportedModelError(`"${weight}" is used both as it is and transposed`, { value: weight });
  }
  const [inputs, outputs] = (transposed ? [...type.shape].reverse() : type.shape) as [number, number];
  if (rank > Math.min(inputs, outputs)) {
    throw new RangeError(`Rank ${rank} is more than the matrix "${weight}" [${type.shape.join(', ')}] has`);
  }
  const add = (name: string, tensor: Tensor): string => {
    b.graph.initializers.set(name, tensor);
    b.graph.types.set(name, { dtype: tensor.dtype, shape: tensor.shape });
    return name;
  };
  return {
    weight,
    down: add(`${weight}.lora_down`, tensorOf(type.dtype, [inputs, rank], initial(weight, inputs * rank))),
    up: add(`${weight}.lora_up`, tensorOf(type.dtype, [rank, outputs], new Float32Array(rank * outputs))),
    scale: alpha / rank,
    inputs,
    outputs,
    rank,
    transposed,
  };
}

/** Whether the node reads the matrix transposed; refuses nodes that are not products with it on the right. */
function orientationIn(node: Node, weight: string): boolean {
  const only = node.inputs.filter((name) => name === weight).length === 1 && node.inputs[1] === weight;
  const flag = (name: string) => {
    const found = node.attributes[name];
    return found?.type === 'int' ? found.value : 0;
  };
  if (only && node.domain === '' && node.op === 'MatMul') return false;
  if (only && node.domain === '' && node.op === 'Gemm' && flag('transA') === 0) return flag('transB') === 1;
  throw new UnsupportedModelError(
    `"${weight}" is read by an operator that LoRA cannot adapt`,
    { node: node.name, op: node.op, value: weight },
    'Choose matrices that are the second operand of MatMul or Gemm',
  );
}

function adapt(b: GraphBuilder, node: Node, { down, up, scale }: LoraFactors): void {
  const [output] = node.outputs;
  const dtype = b.dtype(down);
  const alpha = node.attributes['alpha'];
  const factor = scale * (node.op === 'Gemm' && alpha?.type === 'float' ? alpha.value : 1);
  const base = `${output}.base`;
  b.append({ ...node, outputs: [base] });
  const low = b.op('Mul', [
    b.op('MatMul', [b.op('MatMul', [node.inputs[0]!, down]), up]),
    b.scalar(factor, dtype),
  ]);
  b.append({
    name: `${node.name}.lora`,
    op: 'Add',
    domain: '',
    inputs: [base, low],
    outputs: [output!],
    attributes: {},
  });
}

/**
 * The adapted matrix as one: W + scale * down * up in the matrix's own orientation, summed in float64 and rounded once.
 *
 * @param weight elements of W, row-major as stored
 * @param down [inputs, rank]
 * @param up [rank, outputs]
 */
export function mergeLora(
  weight: Float32Array,
  down: Float32Array,
  up: Float32Array,
  factors: LoraFactors,
): Float32Array {
  const { inputs, outputs, rank, scale, transposed } = factors;
  if (
    weight.length !== sizeOf([inputs, outputs]) ||
    down.length !== inputs * rank ||
    up.length !== rank * outputs
  ) {
    throw new RangeError(`The factors of "${factors.weight}" do not fit its ${weight.length} elements`);
  }
  const merged = new Float32Array(weight.length);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += down[i * rank + r]! * up[r * outputs + o]!;
      const at = transposed ? o * inputs + i : i * outputs + o;
      merged[at] = weight[at]! + scale * sum;
    }
  }
  return merged;
}
