/** The graphs that are timed on a GPU host: full-size models with random weights, a whole step each. */
import { gradient } from '../../src/autodiff/gradient.ts';
import { halfPrecision } from '../../src/autodiff/half-precision.ts';
import { mulberry32 } from '../../src/evaluation/statistics.ts';
import { buildTrainingGraph } from '../../src/method/training-graph.ts';
import { GraphBuilder } from '../../src/onnx/builder.ts';
import { codeOf } from '../../src/onnx/data-types.ts';
import { nameOutput } from '../../src/onnx/graft.ts';
import { isWeight } from '../../src/onnx/lift-weights.ts';
import type { ByteSource, TypedGraph } from '../../src/onnx/model.ts';
import { inPrecision } from '../../src/training/network.ts';
import { fullSizeGraph } from '../full-size-graphs.ts';

export type Precision = 'f32' | 'f16';

/** A divisor of no weight's length, so that rows do not repeat. */
const poolElements = 4_194_301;

/** A file of weights that holds small random numbers, the same each time: a model's own would only have other values. */
function randomWeights(size: number): ByteSource {
  const pool = new Float32Array(poolElements);
  const random = mulberry32(1);
  for (let i = 0; i < poolElements; i++) pool[i] = (random() - 0.5) * 0.05;
  const bytes = new Uint8Array(pool.buffer);
  return {
    name: 'weights.bin',
    size,
    read: async (offset, length) => {
      const result = new Uint8Array(length);
      let from = offset % bytes.length;
      for (let at = 0; at < length; ) {
        const part = bytes.subarray(from, from + length - at);
        result.set(part, at);
        at += part.length;
        from = 0;
      }
      return result;
    },
  };
}

/** What a workload is made of: the folder of graphs, precision, and images at once. */
export interface Making {
  folder: string;
  precision: Precision;
  batch: number;
}

/** A full-size model with random weights, float32. */
const forwardOf = ({ folder, batch }: Making, model: string): Promise<TypedGraph> =>
  fullSizeGraph(folder, `${model}-b${batch}`, randomWeights);

/** Replaces the gradients among the outputs by the sum of their squares, so that none has to travel to the host. */
function withSquares(graph: TypedGraph, gradients: Iterable<string>): TypedGraph {
  const b = new GraphBuilder(graph, 'squares/');
  const sums = [...gradients].map((name) => {
    const wide =
      graph.types.get(name)!.dtype === 'float16' ? b.op('Cast', [name], { to: codeOf('float32') }) : name;
    return b.op('ReduceSumSquare', [wide], { keepdims: 0 });
  });
  const total = sums.reduce((sum, value) => b.op('Add', [sum, value]));
  graph.outputs = graph.outputs.filter(({ name }) => !name.startsWith('grad:'));
  nameOutput(b, total, 'squares');
  return graph;
}

/** Forward and backward of one model, `seed` being the incoming gradient of its output. */
async function modelStep(making: Making, model: string): Promise<TypedGraph> {
  const source = await forwardOf(making, model);
  const context = source.inputs.find(({ name }) => source.types.get(name)!.shape.length === 3);
  const weights = [...source.initializers].filter(([, tensor]) => isWeight(tensor)).map(([name]) => name);
  const read = new Set(source.nodes.flatMap((node) => node.inputs));
  const targets = context ? [context.name] : weights.filter((name) => read.has(name));
  const forward = making.precision === 'f16' ? halfPrecision(source, new Set(targets)) : source;
  const loss = forward.outputs[0]!.name;
  const { graph, gradients } = gradient(forward, { loss, targets, seed: 'seed' });
  return withSquares({ ...graph, outputs: [] }, gradients.values());
}

/** A whole refinement pass: encoder, condition, denoiser, loss, and the gradient of every encoder weight. */
async function divaStep(making: Making): Promise<TypedGraph> {
  const { graph, gradients, weights } = buildTrainingGraph({
    ...inPrecision(
      { encoder: await forwardOf(making, 'vit-l-14'), teacher: await forwardOf(making, 'sd21-base') },
      making.precision === 'f16' ? 'float16' : 'float32',
    ),
    config: { condition: 'class+part', partTokens: 76 },
    prediction: 'epsilon',
    contextTokens: 77,
    weightsAsInputs: 'trainable',
  });
  // The native provider takes no GPU buffers as inputs: weights that were fed would be sent anew with every run.
  graph.inputs = graph.inputs.filter(({ name }) => !weights.has(name));
  for (const [name, tensor] of weights) graph.initializers.set(name, tensor);
  return withSquares(graph, gradients.values());
}

export const workloads: Readonly<Record<string, (making: Making) => Promise<TypedGraph>>> = {
  'vit-l-14': (making) => modelStep(making, 'vit-l-14'),
  'sd21-base': (making) => modelStep(making, 'sd21-base'),
  diva: divaStep,
};
