import { InferenceSession, Tensor } from 'onnxruntime-node';
import { asModel } from '../../onnx/as-model.ts';
import { encodeModel } from '../../onnx/encode.ts';
import type { DataType, TypedGraph } from '../../onnx/model.ts';
import { collect } from '../../onnx/parts.ts';
import { halfToNumber, numberToHalf } from '../../onnx/tensors.ts';

/** A graph opened in onnxruntime's CPU provider, fed and read as plain numbers. */
export class CpuSession {
  readonly #session: InferenceSession;
  readonly #graph: TypedGraph;

  private constructor(session: InferenceSession, graph: TypedGraph) {
    this.#session = session;
    this.#graph = graph;
  }

  static async open(graph: TypedGraph): Promise<CpuSession> {
    const session = await InferenceSession.create(await fileOf(graph), {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'disabled',
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    return new CpuSession(session, graph);
  }

  /** Runs with the elements of each graph input, in order; returns the elements of each graph output. */
  async run(values: readonly (readonly number[])[]): Promise<number[][]> {
    const feeds: Record<string, Tensor> = {};
    for (const [i, { name }] of this.#graph.inputs.entries()) {
      const { dtype, shape } = this.#graph.types.get(name)!;
      feeds[name] = tensorFrom(dtype, shape, values[i]!);
    }
    const results = await this.#session.run(feeds);
    return this.#graph.outputs.map(({ name }) => {
      const { data, type } = results[name]!;
      const elements = Array.from(data as ArrayLike<number | bigint>, Number);
      // Depending on the JavaScript engine float16 comes as numbers or as their bits.
      return type === 'float16' && data instanceof Uint16Array ? elements.map(halfToNumber) : elements;
    });
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function tensorFrom(dtype: DataType, shape: readonly number[], values: readonly number[]): Tensor {
  switch (dtype) {
    case 'float64':
      return new Tensor('float64', Float64Array.from(values), shape);
    case 'float32':
      return new Tensor('float32', Float32Array.from(values), shape);
    case 'float16':
      return new Tensor('float16', Uint16Array.from(values, numberToHalf), shape);
    case 'int64':
      return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
    case 'int32':
      return new Tensor('int32', Int32Array.from(values), shape);
    case 'bool':
      return new Tensor('bool', Uint8Array.from(values), shape);
    default:
      throw new TypeError(`Test graphs take no inputs of type ${dtype}`);
  }
}

/** The graph as the bytes of an ONNX file. */
export const fileOf = (graph: TypedGraph): Promise<Uint8Array> => collect(encodeModel(asModel(graph)).parts);
