import { GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import { addInput, addOutput, emptyGraph } from '../../onnx/graft.ts';
import type { TypedGraph } from '../../onnx/model.ts';
import { tensorOf } from '../../onnx/tensors.ts';
import { gradient } from '../gradient.ts';
import { randomFrom } from './random.ts';

export interface BlockSizes {
  blocks: number;
  tokens: number;
  width: number;
}

/**
 * A stack of residual blocks with a long skip over all of them, as UNets have: x [tokens, width], in each block a
 * norm, attention over one head and a GELU with a wide layer; the loss is the mean square. Weights are initialisers.
 */
export function stackedBlocks({ blocks, tokens, width }: BlockSizes): { graph: TypedGraph; loss: string } {
  const b = new GraphBuilder(emptyGraph('blocks', 21));
  const random = randomFrom(7);
  const weight = (name: string, ...shape: number[]) => {
    const spread = 1 / Math.sqrt(shape[0]!);
    const values = Array.from({ length: sizeOf(shape) }, () => spread * (2 * random() - 1));
    b.graph.initializers.set(name, tensorOf('float32', shape, values));
    b.graph.types.set(name, { dtype: 'float32', shape });
    return name;
  };
  const input = addInput(b, 'x', 'float32', [tokens, width]);
  const early = b.op('Tanh', [b.op('MatMul', [input, weight('first', width, width)])]);
  let x = early;
  for (let i = 0; i < blocks; i++) {
    b.scope = `block${i}/`;
    const norm = b.op('LayerNormalization', [x, weight(`scale${i}`, width), weight(`bias${i}`, width)], {
      axis: -1,
    });
    const [q, k, v] = ['q', 'k', 'v'].map((name) =>
      b.op('MatMul', [norm, weight(`${name}${i}`, width, width)]),
    );
    const scores = b.op('Softmax', [b.op('MatMul', [q!, b.op('Transpose', [k!], { perm: [1, 0] })])], {
      axis: -1,
    });
    const attended = b.op('Add', [x, b.op('MatMul', [scores, v!])]);
    const wide = b.op('Gelu', [b.op('Gemm', [attended, weight(`in${i}`, 4 * width, width)], { transB: 1 })]);
    x = b.op('Add', [attended, b.op('MatMul', [wide, weight(`out${i}`, 4 * width, width)])]);
  }
  b.scope = '';
  const last = b.op('Mul', [x, early]);
  const loss = b.op('ReduceMean', [b.op('Mul', [last, last])], { keepdims: 0 });
  addOutput(b, loss);
  return { graph: b.graph, loss };
}

/** Forward and backward of {@link stackedBlocks}: outputs are the loss and the gradients of the input and all weights. */
export function differentiatedBlocks(sizes: BlockSizes): {
  graph: TypedGraph;
  forwardNodes: number;
  targets: string[];
} {
  const { graph: source, loss } = stackedBlocks(sizes);
  const targets = ['x', ...[...source.initializers.keys()].filter((name) => !name.includes('const'))];
  const { graph, gradients } = gradient(source, { loss, targets });
  const outputs = [loss, ...new Set(gradients.values())].map((name) => ({
    name,
    dtype: graph.types.get(name)!.dtype,
    shape: [...graph.types.get(name)!.shape],
  }));
  return { graph: { ...graph, outputs }, forwardNodes: source.nodes.length, targets };
}
