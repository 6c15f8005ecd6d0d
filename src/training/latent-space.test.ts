import { expect, it } from 'vitest';
import { readTeacherFolder } from '../exchange/teacher-folder.ts';
import { isWeight } from '../onnx/lift-weights.ts';
import type { Model } from '../onnx/model.ts';
import { latentSpace } from './latent-space.ts';
import { builtIn } from './testing/built-in.ts';

const zeros = { rescale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] } as const;
const halves = { rescale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

/** The model with one bit of its last weight turned. */
async function oneBitOff(model: Model): Promise<Model> {
  const [name, tensor] = [...model.graph.initializers].findLast(([, weight]) => isWeight(weight))!;
  const { data } = tensor;
  if (data.kind === 'strings') throw new TypeError('weights are numbers');
  const bytes = (
    data.kind === 'bytes' ? data.bytes : await data.source.read(data.offset, data.length)
  ).slice();
  bytes[bytes.length - 1]! ^= 1;
  const initializers = new Map(model.graph.initializers).set(name, {
    ...tensor,
    data: { kind: 'bytes', bytes },
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

it('is one for teachers that share an autoencoder, and another for any change to it', async () => {
  const folder = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const again = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const corrected = { fidelity: 'corrected' } as const;
  const space = await latentSpace(folder, corrected, zeros);
  expect(space).toMatch(/^[0-9a-f]{16}$/);
  const other = { ...again, name: 'another', unet: again.textEncoder };
  expect(await latentSpace(other, corrected, zeros)).toBe(space);

  const vaeEncoder = await oneBitOff(folder.vaeEncoder);
  expect(await latentSpace({ ...folder, vaeEncoder }, corrected, zeros)).not.toBe(space);
  expect(await latentSpace({ ...folder, scalingFactor: 1 }, corrected, zeros)).not.toBe(space);
});

it('depends on the statistics of the encoder where the faithful way uses them', async () => {
  const folder = await readTeacherFolder(await builtIn('acuity-diffusion'));
  const of = (fidelity: 'corrected' | 'faithful', pixels: typeof zeros | typeof halves) =>
    latentSpace(folder, { fidelity }, pixels);
  expect(await of('corrected', halves)).toBe(await of('corrected', zeros));
  expect(await of('faithful', halves)).not.toBe(await of('faithful', zeros));
});
