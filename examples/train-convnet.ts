/**
 * Trains a ConvNet of MNIST's size from the ONNX file of its inference, in plain TypeScript.
 *
 *     npx tsx examples/train-convnet.ts [MODEL.onnx]
 */
import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import * as autodiff from 'acuity/autodiff';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { drawDigits, shareRight } from './digits.ts';

const batch = 32;

/** @returns the loss of every step, and the share of 1,024 unseen digits that the trained network tells right */
export async function trainConvnet(path: string | URL, steps = 120, rate = 0.15) {
  // Read the file, fix its batch, make its weights inputs, and put the loss on top of its logits.
  const source = autodiff.bytesSource('model', readFileSync(path));
  const model = await autodiff.readModel(source, { inlineBytes: 2 ** 20 });
  const forward = await autodiff.specialise(model, { batch });
  const weights = autodiff.liftWeights(forward);
  const b = new autodiff.GraphBuilder(forward, 'loss/');
  const loss = b.op('SoftmaxCrossEntropyLoss', ['logits', autodiff.addInput(b, 'labels', 'int64', [batch])]);
  autodiff.addOutput(b, loss);

  // Differentiate with respect to every weight; the gradients become outputs of a file that any runtime runs.
  const { graph, gradients } = autodiff.gradient(forward, { loss, targets: [...weights.keys()] });
  const training = new autodiff.GraphBuilder(graph);
  for (const gradient of gradients.values()) autodiff.addOutput(training, gradient);
  const file = await autodiff.collect(autodiff.encodeModel(autodiff.asModel(graph)).parts);
  const session = await InferenceSession.create(file);

  const feeds: Record<string, Tensor> = {};
  for (const [name, weight] of weights)
    feeds[name] = new Tensor('float32', autodiff.valuesOf(weight), weight.shape);
  const run = async (seed: number) => {
    const { images, labels } = drawDigits(batch, seed);
    feeds['images'] = new Tensor(images, [batch, 1, 28, 28]);
    feeds['labels'] = new Tensor(labels, [batch]);
    const results = await session.run(feeds);
    return { results, right: shareRight(results['logits']!.data as Float32Array, labels) };
  };

  // Stochastic gradient descent.
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { results } = await run(step);
    losses.push(Number(results[loss]!.data[0]));
    for (const [name, gradient] of gradients) {
      const values = feeds[name]!.data as Float32Array;
      const slopes = results[gradient]!.data as Float32Array;
      for (let i = 0; i < values.length; i++) values[i]! -= rate * slopes[i]!;
    }
  }
  let accuracy = 0;
  for (let i = 0; i < 32; i++) accuracy += (await run(1_000_000 + i)).right / 32;
  return { losses, accuracy };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { losses, accuracy } = await trainConvnet(argv[2] ?? new URL('convnet-dynamo.onnx', import.meta.url));
  for (let step = 0; step < losses.length; step += 20)
    console.log(`step ${step}: loss ${losses[step]!.toFixed(3)}`);
  console.log(`${(100 * accuracy).toFixed(1)} % of unseen digits are told right`);
}
