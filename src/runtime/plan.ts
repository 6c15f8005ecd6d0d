import { bytesOfType, liveness } from '../onnx/liveness.ts';
import type { TypedGraph } from '../onnx/model.ts';
import type { UpdateConfig } from './optimizer.ts';
import type { RuntimeProvider } from './session.ts';
import { bufferSizeOf } from './tensor.ts';

export interface PlanRequest {
  /** Inputs that are weights, trained or frozen. */
  weights: readonly string[];
  /** Those of them that train. */
  trainable: readonly string[];
  optimizer: UpdateConfig['kind'];
  /** Passes whose gradients are averaged before a step. Default 1. */
  passes?: number;
  /** Whether the weights of the start are kept for measuring the drift. Default true. */
  drift?: boolean;
  /** Default `webgpu`. */
  provider?: RuntimeProvider;
}

/** Bytes that a training run takes where it computes. */
export interface MemoryPlan {
  /** Weights as inputs. */
  weights: number;
  /** Initialisers that stay inside the model. */
  constants: number;
  /** Inputs of a step other than weights. */
  feeds: number;
  /** Preallocated gradients, and their sums where a step has several passes. */
  gradients: number;
  /** The optimiser's moments. */
  moments: number;
  /** Weights of the start. */
  reference: number;
  /** Largest sum of inner values alive at once, in the order of the nodes; the runtime may need more. */
  activations: number;
  /** WebAssembly copies every input into its own memory for each run. */
  copies: number;
  total: number;
  /** The largest single value: it must fit the GPU's `maxStorageBufferBindingSize`. */
  largest: { name: string; bytes: number };
}

/** Adds up what a training graph and its optimiser will need, before anything is loaded. */
export function planMemory(graph: TypedGraph, request: PlanRequest): MemoryPlan {
  const sizeOf = (name: string): number => {
    const type = graph.types.get(name);
    return type ? bufferSizeOf(bytesOfType(type)) : 0;
  };
  const sum = (names: Iterable<string>): number =>
    [...names].reduce((bytes, name) => bytes + sizeOf(name), 0);
  const weights = sum(request.weights);
  const trainable = sum(request.trainable);
  const inputs = sum(graph.inputs.map(({ name }) => name));
  const inner = innerValues(graph);
  const parts = {
    weights,
    constants: sum(graph.initializers.keys()),
    feeds: inputs - weights,
    gradients: (request.passes ?? 1) > 1 ? 2 * trainable : trainable,
    moments: request.optimizer === 'adamw' ? 2 * trainable : trainable,
    reference: request.drift === false ? 0 : trainable,
    activations: inner.peakBytes,
    copies: request.provider === 'wasm' ? inputs : 0,
  };
  const largest = { name: inner.largestValue, bytes: inner.largestBytes };
  for (const name of graph.types.keys()) {
    if (sizeOf(name) > largest.bytes) Object.assign(largest, { name, bytes: sizeOf(name) });
  }
  return { ...parts, total: Object.values(parts).reduce((bytes, part) => bytes + part, 0), largest };
}

/** Outputs are written into tensors of their own, which the plan counts apart. */
function innerValues(graph: TypedGraph) {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  return liveness({ ...graph, types: new Map([...graph.types].filter(([name]) => !outputs.has(name))) });
}
