import * as tf from '@tensorflow/tfjs-core';
// After the core, whose flags must exist first.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-backend-webgpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { adamw, type Block, type BlockValues, epsilon, groups } from './blocks.ts';
import type { Backend, Contestant } from './contestant.ts';

type Weights = Record<string, tf.Variable>;

/** tfjs with its eager gradients. Its convolutions are laid out channels last, as its kernels want them. */
export async function openTfjs(block: Block, values: BlockValues, backend: Backend): Promise<Contestant> {
  setWasmPaths(new URL('/tfjs/', location.href).href);
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs offers no ${backend} here`);
  await tf.ready();
  const last = (data: Float32Array<ArrayBuffer>) => {
    const tensor = tf.tensor(data.slice(), [...block.shape], 'float32');
    return block.kind === 'unet' ? tf.transpose(tensor, [0, 2, 3, 1]) : tensor;
  };
  const input = last(values.input);
  const target = last(values.target);
  const weights: Weights = {};
  const moments: Record<string, [tf.Variable, tf.Variable]> = {};
  for (const [name, shape] of Object.entries(block.weights)) {
    const tensor = tf.tensor(values.weights[name]!.slice(), [...shape], 'float32');
    // OIHW to HWIO.
    weights[name] = tf.variable(shape.length === 4 ? tf.transpose(tensor, [2, 3, 1, 0]) : tensor);
    const zeros = () => tf.variable(tf.zerosLike(weights[name]!));
    moments[name] = [zeros(), zeros()];
  }
  const lossOf = (): tf.Scalar =>
    tf.mean(
      tf.squaredDifference((block.kind === 'vit' ? vitBlock : unetBlock)(weights, input, block), target),
    );
  const names = Object.keys(weights);
  const backward = () => {
    const { value, grads } = tf.variableGrads(lossOf, Object.values(weights));
    const byName: Record<string, tf.Tensor> = {};
    for (const name of names) byName[name] = grads[weights[name]!.name]!;
    return { loss: value, gradients: byName };
  };
  let steps = 0;
  return {
    setting: backend,
    gradients: async () => {
      const { gradients } = tf.tidy(backward);
      const read: Record<string, Float32Array> = {};
      for (const name of names) {
        const own = gradients[name]!;
        const plain = own.rank === 4 ? tf.transpose(own, [3, 2, 0, 1]) : own;
        read[name] = Float32Array.from((await plain.data()) as Float32Array);
      }
      return read;
    },
    step: async () => {
      steps++;
      const loss = tf.tidy(() => {
        const { loss: value, gradients } = backward();
        for (const name of names) update(weights[name]!, gradients[name]!, moments[name]!, steps);
        return value;
      });
      // A weight is read too: the update is asked for last and must have been carried out.
      await weights[names[0]!]!.data();
      const value = (await loss.data())[0]!;
      loss.dispose();
      return value;
    },
  };
}

function update(weight: tf.Variable, gradient: tf.Tensor, [m, v]: [tf.Variable, tf.Variable], steps: number) {
  const { beta1, beta2, rate, decay } = adamw;
  m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
  v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
  const root = tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** steps)), adamw.epsilon);
  const size = tf.div(tf.mul(m, rate / (1 - beta1 ** steps)), root);
  weight.assign(tf.sub(tf.mul(weight, 1 - rate * decay), size));
}

const linear = (w: Weights, x: tf.Tensor, name: string): tf.Tensor =>
  tf.add(tf.matMul(x as tf.Tensor2D, w[`${name}.weight`] as unknown as tf.Tensor2D), w[`${name}.bias`]!);

function standardize(x: tf.Tensor, axes: number[]): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
}

const scaled = (w: Weights, x: tf.Tensor, name: string): tf.Tensor =>
  tf.add(tf.mul(x, w[`${name}.weight`]!), w[`${name}.bias`]!);

function attention(w: Weights, rows: tf.Tensor, shape: readonly number[], heads: number): tf.Tensor {
  const [batch, tokens, width] = shape as [number, number, number];
  const split = (name: string) =>
    tf.transpose(tf.reshape(linear(w, rows, name), [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
  const query = tf.mul(split('query'), 1 / Math.sqrt(width / heads));
  const scores = tf.softmax(tf.matMul(query, split('key'), false, true));
  const mixed = tf.transpose(tf.matMul(scores, split('value')), [0, 2, 1, 3]);
  return linear(w, tf.reshape(mixed, [batch * tokens, width]), 'out');
}

function vitBlock(w: Weights, x: tf.Tensor, { shape, heads }: Block): tf.Tensor {
  const rows = tf.reshape(x, [shape[0]! * shape[1]!, shape[2]!]);
  const normed = (from: tf.Tensor, name: string) => scaled(w, standardize(from, [1]), name);
  const middle = tf.add(rows, attention(w, normed(rows, 'norm1'), shape, heads));
  const up = linear(w, normed(middle, 'norm2'), 'up');
  const active = tf.mul(up, tf.sigmoid(tf.mul(up, 1.702)));
  return tf.reshape(tf.add(middle, linear(w, active, 'down')), [...shape]);
}

function unetBlock(w: Weights, x: tf.Tensor, { shape, heads }: Block): tf.Tensor {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const lastShape = [batch, height, width, channels];
  const groupNorm = (from: tf.Tensor, name: string) => {
    const grouped = tf.reshape(from, [batch, height * width, groups, channels / groups]);
    return scaled(w, tf.reshape(standardize(grouped, [1, 3]), lastShape), name);
  };
  const convolve = (from: tf.Tensor, k: number) => {
    const normed = groupNorm(from, `norm${k}`);
    const active = tf.mul(normed, tf.sigmoid(normed)) as tf.Tensor4D;
    const kernel = w[`conv${k}.weight`] as unknown as tf.Tensor4D;
    return tf.add(tf.conv2d(active, kernel, 1, 'same'), w[`conv${k}.bias`]!);
  };
  const residual = tf.add(x, convolve(convolve(x, 1), 2));
  const rows = tf.reshape(groupNorm(residual, 'norm3'), [batch * height * width, channels]);
  const mixed = attention(w, rows, [batch, height * width, channels], heads);
  return tf.add(residual, tf.reshape(mixed, lastShape));
}
