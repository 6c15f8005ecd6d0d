import { readFileSync } from 'node:fs';
import * as ortNode from 'onnxruntime-node';
import * as ortWeb from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { readEncoderFolder } from '../exchange/encoder-folder.ts';
import { mapClipVision } from '../exchange/name-map.ts';
import { splitShared } from '../exchange/split-shared.ts';
import { readTeacherFolder } from '../exchange/teacher-folder.ts';
import { fillSelection } from '../method/condition.ts';
import { fitTextInverse } from '../method/text-inverse.ts';
import { anchorOutput, lossOutput } from '../method/training-graph.ts';
import { graphSession } from '../runtime/graph-session.ts';
import { type OrtModule, openRuntime } from '../runtime/runtime.ts';
import type { DeviceTensor } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weights.ts';
import { buildNetwork } from './network.ts';
import { builtIn } from './testing/built-in.ts';
import { referenceTensors, transpose } from './testing/reference.ts';

/** PyTorch's values for one step on the built-in models (tools/reference/text_inverse.py). */
const ref = referenceTensors('text-inverse/step.safetensors');
const cases = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/text-inverse/cases.json', import.meta.url), 'utf8'),
) as {
  directions: number;
  anchor: number;
  loss: number;
  anchorLoss: number;
  gradientNorms: Record<string, number>;
};

function fitted() {
  return fitTextInverse({
    images: { values: ref.floats('images'), width: 128 },
    texts: { values: ref.floats('texts'), width: 128 },
    states: { values: ref.floats('states'), width: 128 },
    emptyState: ref.floats('empty_state'),
    directions: cases.directions,
  });
}

/** |got - want| / |want| in L2. */
function relativeError(got: Float32Array, want: Float32Array): number {
  let error = 0;
  let norm = 0;
  for (const [i, value] of want.entries()) {
    error += (got[i]! - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(error / norm);
}

it('fits the map that the pseudo-inverse of the text projection gives', () => {
  const { weight, bias } = fitted();
  expect(relativeError(weight, ref.floats('weight'))).toBeLessThan(1e-4);
  expect(relativeError(bias, ref.floats('bias'))).toBeLessThan(1e-4);
});

it('says which setting asks for more than the samples hold', () => {
  const rows = { values: new Float32Array(6), width: 2 };
  const samples = { images: rows, texts: rows, states: rows, emptyState: new Float32Array(2) };
  expect(() => fitTextInverse({ ...samples, directions: 3 })).toThrow(/3 directions .* "Directions matched"/);
  const narrow = { values: new Float32Array(6), width: 3 };
  expect(() => fitTextInverse({ ...samples, texts: narrow, directions: 1 })).toThrow(
    /2 wide and sentences 3/,
  );
});

/** Losses and gradients of the reference step, by the training graph on a runtime. */
async function step(ort: OrtModule, provider: 'cpu' | 'wasm') {
  const runtime = await openRuntime({ ort, provider });
  const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
  const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const vision = splitShared(encoder.vision);
  const parameters = new Map(mapClipVision(vision).parameters.map((p) => [`encoder/${p.initializer}`, p]));
  const network = await buildNetwork(
    { vision, imageSize: encoder.imageSize, teacher, contextTokens: 77, contextWidth: 128 },
    {
      batchSize: 3,
      condition: 'class',
      partTokens: 76,
      projection: 'text-inverse',
      anchor: cases.anchor,
      seed: 1,
    },
    'trainable',
  );
  const weights = new WeightStore(runtime);
  for (const [name, tensor] of network.weights) await weights.load(name, tensor);
  const session = await graphSession(runtime, network.graph, { name: 'training' });
  const feeds = new Map<string, DeviceTensor>(weights.names().map((name) => [name, weights.get(name)]));
  const feed = (name: string, values: Float32Array) => {
    const { shape } = network.graph.types.get(name)!;
    feeds.set(
      name,
      runtime.upload({ dtype: 'float32', shape }, new Uint8Array(Float32Array.from(values).buffer)),
    );
  };
  const timesteps = ref.ints('timestep');
  const selection = new Float32Array(3 * network.tokens);
  for (let i = 0; i < 3; i++) {
    const row = selection.subarray(i * network.tokens, (i + 1) * network.tokens);
    fillSelection(row, 'class', 1, network.tokens, () => 0);
  }
  const scale = (values: Float64Array) => Float32Array.from(timesteps, (t) => values[t]!);
  const { weight, bias } = fitted();
  feed('pixels', ref.floats('pixel_values'));
  feed('latents', ref.floats('latents'));
  feed('noise', ref.floats('noise'));
  feed('anchor', ref.floats('anchor'));
  feed('signal_scale', scale(teacher.schedule.signal));
  feed('noise_scale', scale(teacher.schedule.noise));
  feed('timestep', Float32Array.from(timesteps));
  feed('selection', selection);
  feed('prompt', ref.floats('prompt'));
  feed('loss_scale', Float32Array.of(1));
  feed('visual_proj.weight', weight);
  feed('visual_proj.bias', bias);
  const results = await session.run(feeds);
  const read = async (name: string) => new Float32Array((await runtime.read(results.get(name)!)).buffer);
  const gradients = new Map<string, Float32Array>();
  for (const [name, output] of network.gradients) {
    const parameter = parameters.get(name)!;
    const got = await read(output);
    const { shape } = network.graph.types.get(output)!;
    gradients.set(parameter.name, parameter.transposed ? transpose(got, shape[0]!, shape[1]!) : got);
  }
  const losses = { loss: (await read(lossOutput))[0]!, anchor: (await read(anchorOutput))[0]! };
  await session.release();
  return { ...losses, gradients };
}

describe.each([
  ['onnxruntime-node', ortNode as unknown as OrtModule, 'cpu'],
  ['onnxruntime-web (wasm)', ortWeb as unknown as OrtModule, 'wasm'],
] as const)('the text-inverse condition with an anchor on %s', (_, ort, provider) => {
  it('has the losses and gradients of PyTorch autograd, and trains no projection', async () => {
    const { loss, anchor, gradients } = await step(ort, provider);
    expect(Math.abs(loss / cases.loss - 1)).toBeLessThan(1e-5);
    expect(Math.abs(anchor / cases.anchorLoss - 1)).toBeLessThan(1e-4);
    expect([...gradients.keys()].sort()).toEqual(Object.keys(cases.gradientNorms).sort());
    for (const name of gradients.keys()) {
      const got = gradients.get(name)!;
      // The gradient of key biases is zero in exact arithmetic.
      if (name.endsWith('k_proj.bias')) continue;
      expect(Math.abs(Math.hypot(...chunks(got)) / cases.gradientNorms[name]! - 1), name).toBeLessThan(1e-3);
    }
    for (const name of [
      'vision_model.embeddings.class_embedding',
      'vision_model.encoder.layers.0.self_attn.v_proj.weight',
      'vision_model.post_layernorm.weight',
      'visual_projection.weight',
    ]) {
      expect(relativeError(gradients.get(name)!, ref.floats(`gradient.${name}`)), name).toBeLessThan(1e-4);
    }
  });
});

/** Norms of runs of 1,000 elements: as many arguments as a call takes. */
function chunks(values: Float32Array): number[] {
  const norms: number[] = [];
  for (let at = 0; at < values.length; at += 1000) norms.push(Math.hypot(...values.subarray(at, at + 1000)));
  return norms;
}
