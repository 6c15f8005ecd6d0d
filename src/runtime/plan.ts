import { sizeOf } from '../onnx/data-types.ts';
import { runtimePeak } from '../onnx/execution-order.ts';
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
  /** Outputs that are gradients; without them a gradient takes what its weight does. */
  gradients?: readonly string[];
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
  /** float32 masters of trained weights that the graph reads in another type. */
  masters: number;
  /** Initialisers that stay inside the model. */
  constants: number;
  /** Inputs of a step other than weights. */
  feeds: number;
  /** Preallocated gradients, and their float32 sums where a step has several passes. */
  gradients: number;
  /** The optimiser's moments, float32. */
  moments: number;
  /** Weights of the start, float32. */
  reference: number;
  /** Largest sum of inner values alive at once, in the order in which the runtime runs the nodes. */
  activations: number;
  /** WebAssembly copies every input into its own memory for each run. */
  copies: number;
  total: number;
  /** The largest single value: it must fit the GPU's `maxStorageBufferBindingSize`. */
  largest: { name: string; bytes: number };
}

/** Adds up what a training graph and its optimiser will need, before anything is loaded. */
export function planMemory(graph: TypedGraph, request: PlanRequest): MemoryPlan {
  const sizeAs = (name: string, wide = false): number => {
    const type = graph.types.get(name);
    return type ? bufferSizeOf(wide ? 4 * sizeOf(type.shape) : bytesOfType(type)) : 0;
  };
  const sum = (names: Iterable<string>, wide = false): number =>
    [...names].reduce((bytes, name) => bytes + sizeAs(name, wide), 0);
  const weights = sum(request.weights);
  const asFloat32 = sum(request.trainable, true);
  const inputs = sum(graph.inputs.map(({ name }) => name));
  const narrow = request.trainable.filter((name) => graph.types.get(name)?.dtype !== 'float32');
  const parts = {
    weights,
    masters: sum(narrow, true),
    constants: sum(graph.initializers.keys()),
    feeds: inputs - weights,
    gradients: sum(request.gradients ?? request.trainable) + ((request.passes ?? 1) > 1 ? asFloat32 : 0),
    moments: request.optimizer === 'adamw' ? 2 * asFloat32 : asFloat32,
    reference: request.drift === false ? 0 : asFloat32,
    activations: runtimePeak(graph),
    copies: request.provider === 'wasm' ? inputs : 0,
  };
  return {
    ...parts,
    total: Object.values(parts).reduce((bytes, part) => bytes + part, 0),
    largest: largestValue(graph),
  };
}

/** The value of a graph that takes the most bytes: inputs, weights and outputs included. */
export function largestValue(graph: TypedGraph): MemoryPlan['largest'] {
  const inner = liveness(graph);
  const largest = { name: inner.largestValue, bytes: inner.largestBytes };
  for (const [name, type] of graph.types) {
    const bytes = bufferSizeOf(bytesOfType(type));
    if (bytes > largest.bytes) Object.assign(largest, { name, bytes });
  }
  return largest;
}
