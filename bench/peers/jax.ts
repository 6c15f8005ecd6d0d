import * as jax from '@jax-js/jax';
import { adamw, type Block, type BlockValues, epsilon, groups } from './blocks.ts';
import type { Backend, Contestant } from './contestant.ts';

const { numpy: np, nn, lax, tree } = jax;
type Array = jax.numpy.Array;
/** Weights by name. Each use of `.ref` keeps an array that would otherwise be consumed: the library's own rule. */
type Weights = Record<string, Array>;

/** jax-js as its documentation advises: one jitted function for forward, backward and AdamW. */
export async function openJax(block: Block, values: BlockValues, backend: Backend): Promise<Contestant> {
  const found = await jax.init(backend);
  if (!found.includes(backend)) throw new Error(`jax-js offers no ${backend} here`);
  jax.defaultDevice(backend);
  const array = (data: Float32Array<ArrayBuffer>, shape: readonly number[]) =>
    np.array(data.slice(), { shape: [...shape] });
  const input = array(values.input, block.shape);
  const target = array(values.target, block.shape);
  const forward = block.kind === 'vit' ? vitBlock : unetBlock;
  const lossOf = (weights: Weights, x: Array, wanted: Array): Array => {
    const error = forward(weights, x, block).sub(wanted);
    return np.mean(error.ref.mul(error));
  };
  const lossAndGradients = jax.valueAndGrad(lossOf);
  const onlyGradients = jax.jit((w: Weights, x: Array, y: Array) => lossAndGradients(w, x, y)[1] as Weights);
  const update = jax.jit((w: Weights, m: Weights, v: Weights, x: Array, y: Array, scale: Array) => {
    const [loss, gradients] = lossAndGradients(tree.ref(w), x, y) as [Array, Weights];
    return [loss, ...adamwUpdate(w, gradients, m, v, scale)] as [Array, Weights, Weights, Weights];
  });
  let weights: Weights = {};
  let first: Weights = {};
  let second: Weights = {};
  for (const [name, shape] of Object.entries(block.weights)) {
    weights[name] = array(values.weights[name]!, shape);
    first[name] = np.zeros([...shape]);
    second[name] = np.zeros([...shape]);
  }
  let steps = 0;
  return {
    setting: backend,
    gradients: async () => {
      const read: Record<string, Float32Array> = {};
      const found = onlyGradients(tree.ref(weights), input.ref, target.ref) as Weights;
      for (const [name, gradient] of Object.entries(found)) {
        read[name] = Float32Array.from((await gradient.data()) as Float32Array);
      }
      return read;
    },
    step: async () => {
      steps++;
      const scale = np.array([1 / (1 - adamw.beta1 ** steps), 1 / (1 - adamw.beta2 ** steps)]);
      const result = update(weights, first, second, input.ref, target.ref, scale);
      const [loss, ...state] = result as [Array, Weights, Weights, Weights];
      [weights, first, second] = state;
      await jax.blockUntilReady(state);
      return (await loss.data())[0]!;
    },
  };
}

/** `scale` holds the two bias corrections of this step. */
function adamwUpdate(w: Weights, g: Weights, m: Weights, v: Weights, scale: Array) {
  const next: [Weights, Weights, Weights] = [{}, {}, {}];
  const [first, second] = np.split(scale, 2) as [Array, Array];
  for (const name of Object.keys(w)) {
    const gradient = g[name]!;
    const mean = m[name]!.mul(adamw.beta1).add(gradient.ref.mul(1 - adamw.beta1));
    const square = v[name]!.mul(adamw.beta2).add(gradient.ref.mul(gradient).mul(1 - adamw.beta2));
    const size = mean.ref.mul(first.ref).div(np.sqrt(square.ref.mul(second.ref)).add(adamw.epsilon));
    next[0][name] = w[name]!.mul(1 - adamw.rate * adamw.decay).sub(size.mul(adamw.rate));
    next[1][name] = mean;
    next[2][name] = square;
  }
  first.dispose();
  second.dispose();
  return next;
}

const linear = (w: Weights, x: Array, name: string): Array =>
  np.matmul(x, w[`${name}.weight`]!.ref).add(w[`${name}.bias`]!.ref);

const layerNorm = (w: Weights, x: Array, name: string): Array =>
  nn.standardize(x, -1, { epsilon }).mul(w[`${name}.weight`]!.ref).add(w[`${name}.bias`]!.ref);

function attention(w: Weights, x: Array, [batch, tokens, width]: readonly number[], heads: number): Array {
  const split = (from: Array, name: string) =>
    linear(w, from, name).reshape([batch!, tokens!, heads, width! / heads]);
  const query = split(x.ref, 'query');
  const key = split(x.ref, 'key');
  const mixed = nn.dotProductAttention(query, key, split(x, 'value'));
  return linear(w, mixed.reshape([batch!, tokens!, width!]), 'out');
}

function vitBlock(w: Weights, x: Array, { shape, heads }: Block): Array {
  const middle = x.ref.add(attention(w, layerNorm(w, x, 'norm1'), shape, heads));
  const up = linear(w, layerNorm(w, middle.ref, 'norm2'), 'up');
  const active = up.ref.mul(nn.sigmoid(up.mul(1.702)));
  const output = middle.add(linear(w, active, 'down'));
  tree.dispose(w);
  return output;
}

function groupNorm(w: Weights, x: Array, name: string, shape: readonly number[]): Array {
  const channels = shape[1]!;
  return nn
    .standardize(x.reshape([shape[0]!, groups, -1]), -1, { epsilon })
    .reshape([...shape])
    .mul(w[`${name}.weight`]!.ref.reshape([channels, 1, 1]))
    .add(w[`${name}.bias`]!.ref.reshape([channels, 1, 1]));
}

function unetBlock(w: Weights, x: Array, { shape, heads }: Block): Array {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const convolve = (from: Array, k: number) =>
    lax
      .conv(nn.silu(groupNorm(w, from, `norm${k}`, shape)), w[`conv${k}.weight`]!.ref, [1, 1], 'SAME')
      .add(w[`conv${k}.bias`]!.ref.reshape([channels, 1, 1]));
  const residual = x.ref.add(convolve(convolve(x, 1), 2));
  const tokens = height * width;
  const rows = groupNorm(w, residual.ref, 'norm3', shape).reshape([batch, channels, tokens]);
  const mixed = attention(w, np.swapaxes(rows, 1, 2), [batch, tokens, channels], heads);
  const output = residual.add(np.swapaxes(mixed, 1, 2).reshape([...shape]));
  tree.dispose(w);
  return output;
}
