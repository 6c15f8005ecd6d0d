import { readFileSync } from 'node:fs';
import * as ortNode from 'onnxruntime-node';
import * as ortWeb from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { readEncoderFolder } from '../exchange/encoder-folder.ts';
import { mapClipVision } from '../exchange/name-map.ts';
import { splitShared } from '../exchange/split-shared.ts';
import { readTeacherFolder } from '../exchange/teacher-folder.ts';
import { fillSelection } from '../method/condition.ts';
import { lossOutput } from '../method/training-graph.ts';
import { graphSession } from '../runtime/graph-session.ts';
import { type OrtModule, openRuntime } from '../runtime/runtime.ts';
import type { DeviceTensor } from '../runtime/tensor.ts';
import { WeightStore } from '../runtime/weights.ts';
import { buildNetwork } from './network.ts';
import { builtIn } from './testing/built-in.ts';
import { referenceTensors, transpose } from './testing/reference.ts';

const fixtures = new URL('../../tools/reference/fixtures/diva/', import.meta.url);

/** Loss and gradients of the reference step, by the training graph on a runtime. */
async function step(ort: OrtModule, provider: 'cpu' | 'wasm') {
  const runtime = await openRuntime({ ort, provider });
  const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
  const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const ref = referenceTensors('diva/faithful.safetensors');
  const vision = splitShared(encoder.vision);
  const parameters = new Map(mapClipVision(vision).parameters.map((p) => [`encoder/${p.initializer}`, p]));
  const network = await buildNetwork(
    { vision, imageSize: encoder.imageSize, teacher, contextTokens: 77, contextWidth: 128 },
    { batchSize: 2, condition: 'class+part', partTokens: 76 },
    'trainable',
  );
  const weights = new WeightStore(runtime);
  for (const [name, tensor] of network.weights) await weights.load(name, tensor);
  const session = await graphSession(runtime, network.graph, { name: 'training' });
  const feeds = new Map<string, DeviceTensor>(weights.names().map((name) => [name, weights.get(name)]));
  const feed = (name: string, values: Float32Array) => {
    const { shape } = network.graph.types.get(name)!;
    feeds.set(name, runtime.upload({ dtype: 'float32', shape }, new Uint8Array(values.buffer)));
  };
  const timesteps = ref.ints('timestep');
  const indices = ref.ints('token_indices');
  const selection = new Float32Array(2 * 77 * network.tokens);
  for (let i = 0; i < 2; i++) {
    const part = selection.subarray(i * 77 * network.tokens, (i + 1) * 77 * network.tokens);
    fillSelection(part, 'class+part', 77, network.tokens, (k) => indices[i * 76 + k]!);
  }
  feed('pixels', ref.floats('pixel_values'));
  feed('latents', ref.floats('latents'));
  feed('noise', ref.floats('noise'));
  feed(
    'signal_scale',
    Float32Array.from(timesteps, (t) => teacher.schedule.signal[t]!),
  );
  feed(
    'noise_scale',
    Float32Array.from(timesteps, (t) => teacher.schedule.noise[t]!),
  );
  feed('timestep', Float32Array.from(timesteps));
  feed('selection', selection);
  feed('prompt', ref.floats('text_embedding'));
  feed('loss_scale', Float32Array.of(1));
  feed('visual_proj.weight', transpose(ref.floats('visual_proj.weight'), 128, 128));
  feed('visual_proj.bias', ref.floats('visual_proj.bias'));
  const results = await session.run(feeds);
  const read = async (name: string) => new Float32Array((await runtime.read(results.get(name)!)).buffer);
  const loss = (await read(lossOutput))[0]!;

  const gradients = new Map<string, { got: Float32Array; want: Float32Array }>();
  for (const [name, output] of network.gradients) {
    const got = await read(output);
    const parameter = parameters.get(name);
    const torch = parameter?.name ?? name;
    const shape = ref.shape(`gradient.${torch}`);
    const plain = ref.floats(`gradient.${torch}`);
    // The projection multiplies from the right, as exported Linear weights do.
    const turned = parameter ? parameter.transposed : shape.length === 2;
    gradients.set(torch, { got, want: turned ? transpose(plain, shape[0]!, shape[1]!) : plain });
  }
  await session.release();
  return { loss, gradients, network };
}

describe.each([
  ['onnxruntime-node', ortNode as unknown as OrtModule, 'cpu'],
  ['onnxruntime-web (wasm)', ortWeb as unknown as OrtModule, 'wasm'],
] as const)('the DIVA training graph on %s', (_, ort, provider) => {
  it('has the loss and every gradient of PyTorch autograd', async () => {
    const { loss, gradients } = await step(ort, provider);
    const cases = JSON.parse(readFileSync(new URL('cases.json', fixtures), 'utf8')) as {
      faithful: { loss: number };
    };
    expect(Math.abs(loss - cases.faithful.loss) / cases.faithful.loss).toBeLessThan(1e-5);
    let error = 0;
    let norm = 0;
    for (const { got, want } of gradients.values()) {
      for (let i = 0; i < want.length; i++) {
        error += (got[i]! - want[i]!) ** 2;
        norm += want[i]! ** 2;
      }
    }
    expect(gradients.size).toBe(74);
    expect(Math.sqrt(error / norm)).toBeLessThan(1e-4);
  });
});
