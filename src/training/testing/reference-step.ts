import { readEncoderFolder } from '../../exchange/encoder-folder.ts';
import { mapClipVision, type NamedParameter } from '../../exchange/name-map.ts';
import { splitShared } from '../../exchange/split-shared.ts';
import { readTeacherFolder } from '../../exchange/teacher-folder.ts';
import { fillSelection } from '../../method/condition.ts';
import type { RefineConfig } from '../../method/config.ts';
import { lossOutput } from '../../method/training-graph.ts';
import { graphSession } from '../../runtime/graph-session.ts';
import { type OrtModule, openRuntime } from '../../runtime/runtime.ts';
import type { DeviceTensor } from '../../runtime/tensor.ts';
import { WeightStore } from '../../runtime/weights.ts';
import { buildNetwork } from '../network.ts';
import { builtIn } from './built-in.ts';
import { referenceTensors, transpose } from './reference.ts';

type Parameters = ReadonlyMap<string, NamedParameter>;

/**
 * Loss and gradients of the step of tools/reference/diva.py, by the training graph on a runtime. Gradients come by the
 * graph's names of the weights, `parameters` tells what they are in PyTorch.
 *
 * @param adapted elements of further weights to feed, by the graph's names
 */
export async function referenceStep(
  ort: OrtModule,
  provider: 'cpu' | 'wasm',
  config: Partial<RefineConfig> = {},
  adapted: (parameters: Parameters) => ReadonlyMap<string, Float32Array> = () => new Map(),
) {
  const runtime = await openRuntime({ ort, provider });
  const encoder = await readEncoderFolder(await builtIn('acuity-clip'));
  const teacher = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const ref = referenceTensors('diva/faithful.safetensors');
  const vision = splitShared(encoder.vision);
  const parameters = new Map(mapClipVision(vision).parameters.map((p) => [`encoder/${p.initializer}`, p]));
  const network = await buildNetwork(
    { vision, imageSize: encoder.imageSize, teacher, contextTokens: 77, contextWidth: 128 },
    { batchSize: 2, condition: 'class+part', partTokens: 76, seed: 1, ...config },
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
  for (const [name, values] of adapted(parameters)) feed(name, values);
  const results = await session.run(feeds);
  const read = async (name: string) => new Float32Array((await runtime.read(results.get(name)!)).buffer);
  const loss = (await read(lossOutput))[0]!;
  const gradients = new Map<string, Float32Array>();
  for (const [name, output] of network.gradients) gradients.set(name, await read(output));
  await session.release();
  return { loss, gradients, parameters, vision, imageSize: encoder.imageSize };
}
