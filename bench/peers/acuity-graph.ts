import {
  addInput,
  addOutput,
  emptyGraph,
  float,
  GraphBuilder,
  gradient,
  nameOutput,
  simplify,
  type TypedGraph,
  tensorOf,
} from '../../src/autodiff/index.ts';
import { type Block, epsilon, groups } from './blocks.ts';

export interface BlockGraph {
  graph: TypedGraph;
  /** Output that holds the gradient of each weight. */
  gradients: ReadonlyMap<string, string>;
}

/** The block, its mean squared error and the gradient of every weight, by Acuity's own differentiation. */
export function blockGraph(block: Block): BlockGraph {
  const b = new GraphBuilder(emptyGraph(block.name, 21));
  addInput(b, 'input', 'float32', block.shape);
  addInput(b, 'target', 'float32', block.shape);
  for (const [name, shape] of Object.entries(block.weights)) addInput(b, name, 'float32', shape);
  const output = block.kind === 'vit' ? vitBlock(b, block) : unetBlock(b, block);
  const error = b.op('Sub', [output, 'target']);
  const squares = b.op('Mul', [error, error]);
  nameOutput(b, b.op('ReduceMean', [squares], { keepdims: 0 }), 'loss');
  const forward = simplify(b.graph);
  const result = gradient(forward, { loss: 'loss', targets: Object.keys(block.weights) });
  const whole = new GraphBuilder(result.graph);
  for (const value of new Set(result.gradients.values())) addOutput(whole, value);
  return { graph: result.graph, gradients: result.gradients };
}

function vitBlock(b: GraphBuilder, { shape, heads }: Block): string {
  const rows = b.op('Reshape', ['input', b.ints([shape[0]! * shape[1]!, shape[2]!])]);
  const attended = attention(b, norm(b, rows, 'norm1'), shape as [number, number, number], heads);
  const middle = b.op('Add', [rows, attended]);
  const up = linear(b, norm(b, middle, 'norm2'), 'up');
  const gate = b.op('Sigmoid', [b.op('Mul', [up, b.scalar(1.702, 'float32')])]);
  const down = linear(b, b.op('Mul', [up, gate]), 'down');
  return b.op('Reshape', [b.op('Add', [middle, down]), b.ints(shape)]);
}

function unetBlock(b: GraphBuilder, { shape, heads }: Block): string {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const convolve = (x: string, k: number) =>
    b.op('Conv', [silu(b, groupNorm(b, x, `norm${k}`, shape)), `conv${k}.weight`, `conv${k}.bias`], {
      pads: [1, 1, 1, 1],
    });
  const residual = b.op('Add', ['input', convolve(convolve('input', 1), 2)]);
  const tokens = height * width;
  const normed = b.op('Reshape', [groupNorm(b, residual, 'norm3', shape), b.ints([batch, channels, tokens])]);
  const rows = b.op('Reshape', [
    b.op('Transpose', [normed], { perm: [0, 2, 1] }),
    b.ints([batch * tokens, channels]),
  ]);
  const mixed = attention(b, rows, [batch, tokens, channels], heads);
  const spread = b.op('Transpose', [b.op('Reshape', [mixed, b.ints([batch, tokens, channels])])], {
    perm: [0, 2, 1],
  });
  return b.op('Add', [residual, b.op('Reshape', [spread, b.ints(shape)])]);
}

/** Rows of [batch * tokens, width] attend within their batch. */
function attention(
  b: GraphBuilder,
  rows: string,
  [batch, tokens, width]: [number, number, number],
  heads: number,
): string {
  const split = (name: string, perm: number[]) =>
    b.op(
      'Transpose',
      [b.op('Reshape', [linear(b, rows, name), b.ints([batch, tokens, heads, width / heads])])],
      {
        perm,
      },
    );
  const scale = b.scalar(1 / Math.sqrt(width / heads), 'float32');
  const query = b.op('Mul', [split('query', [0, 2, 1, 3]), scale]);
  const scores = b.op('MatMul', [query, split('key', [0, 2, 3, 1])]);
  const mixed = b.op('MatMul', [b.op('Softmax', [scores], { axis: -1 }), split('value', [0, 2, 1, 3])]);
  const joined = b.op('Reshape', [
    b.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    b.ints([batch * tokens, width]),
  ]);
  return linear(b, joined, 'out');
}

const linear = (b: GraphBuilder, rows: string, name: string) =>
  b.op('Gemm', [rows, `${name}.weight`, `${name}.bias`]);

const norm = (b: GraphBuilder, x: string, name: string) =>
  b.op('LayerNormalization', [x, `${name}.weight`, `${name}.bias`], { axis: -1, epsilon: float(epsilon) });

const silu = (b: GraphBuilder, x: string) => b.op('Mul', [x, b.op('Sigmoid', [x])]);

/** As PyTorch exports a group norm: an instance norm over the groups, then a scale and a shift of each channel. */
function groupNorm(b: GraphBuilder, x: string, name: string, shape: readonly number[]): string {
  const channels = shape[1]!;
  const ones = b.shared(tensorOf('float32', [groups], new Array(groups).fill(1)));
  const zeros = b.shared(tensorOf('float32', [groups], new Array(groups).fill(0)));
  const grouped = b.op('Reshape', [x, b.ints([shape[0]!, groups, -1])]);
  const normed = b.op('InstanceNormalization', [grouped, ones, zeros], { epsilon: float(epsilon) });
  const column = (part: string) => b.op('Reshape', [`${name}.${part}`, b.ints([channels, 1, 1])]);
  const scaled = b.op('Mul', [b.op('Reshape', [normed, b.ints(shape)]), column('weight')]);
  return b.op('Add', [scaled, column('bias')]);
}
