import { GraphBuilder } from '../onnx/builder.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { graphSession } from '../runtime/graph-session.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Session } from '../runtime/session.ts';
import { bytesOf, type DeviceTensor, isGpuTensor } from '../runtime/tensor.ts';
import type { BlockProduct } from './blind-pairs.ts';
import type { EmbeddingTable } from './embeddings.ts';

/** A matrix product of blocks of rows by the runtime: `A B^T`, [block, block]. */
export class RuntimeProduct {
  readonly #runtime: Runtime;
  readonly #session: Session;
  readonly #shape: readonly [number, number];
  readonly #output: string;

  /** @param block rows of a block at most */
  static async open(runtime: Runtime, width: number, block: number): Promise<RuntimeProduct> {
    const type = { dtype: 'float32' as const, shape: [block, width] };
    const graph: TypedGraph = {
      name: 'block product',
      opset: 17,
      inputs: ['a', 'b'].map((name) => ({ name, ...type })),
      outputs: [],
      nodes: [],
      valueInfo: new Map(),
      initializers: new Map(),
      types: new Map(['a', 'b'].map((name) => [name, type])),
    };
    const builder = new GraphBuilder(graph);
    const output = builder.op('MatMul', ['a', builder.op('Transpose', ['b'], { perm: [1, 0] })]);
    const whole = { ...graph, outputs: [{ name: output, dtype: 'float32' as const, shape: [block, block] }] };
    const session = await graphSession(runtime, whole, {
      name: 'block product',
      hostOutputs: [output],
      priority: 'evaluation',
    });
    return new RuntimeProduct(runtime, session, [block, width], output);
  }

  private constructor(runtime: Runtime, session: Session, shape: readonly [number, number], output: string) {
    this.#runtime = runtime;
    this.#session = session;
    this.#shape = shape;
    this.#output = output;
  }

  readonly product: BlockProduct = async (a, b) => {
    const feeds = new Map([
      ['a', this.#upload(a)],
      ['b', this.#upload(b)],
    ]);
    try {
      const result = (await this.#session.run(feeds, [this.#output])).get(this.#output)!;
      if (isGpuTensor(result)) throw new TypeError('products are read on the host');
      const all = new Float32Array(bytesOf(result).slice().buffer);
      const [block] = this.#shape;
      if (b.rows === block) return all.subarray(0, a.rows * block);
      const part = new Float32Array(a.rows * b.rows);
      for (let row = 0; row < a.rows; row++)
        part.set(all.subarray(row * block, row * block + b.rows), row * b.rows);
      return part;
    } finally {
      for (const tensor of feeds.values()) this.#runtime.release(tensor);
    }
  };

  release(): Promise<void> {
    return this.#session.release();
  }

  /** Rows beyond the table's own are zero. */
  #upload({ values }: EmbeddingTable): DeviceTensor {
    const [block, width] = this.#shape;
    const padded = new Float32Array(block * width);
    padded.set(values);
    return this.#runtime.upload({ dtype: 'float32', shape: [block, width] }, new Uint8Array(padded.buffer));
  }
}
