import * as ortNode from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { NamedParameter } from '../exchange/name-map.ts';
import type { RefineConfig } from '../method/config.ts';
import type { OrtModule } from '../runtime/runtime.ts';
import { mergedWeights } from './merged.ts';
import { referenceTensors, transpose } from './testing/reference.ts';
import { referenceStep } from './testing/reference-step.ts';

/** PEFT's factors, their gradients and merged matrices (tools/reference/lora.py). */
const ref = referenceTensors('diva/lora.safetensors');
const config = { trainable: { kind: 'lora', rank: 2, alpha: 6 } } satisfies Partial<RefineConfig>;

/** A tensor of PEFT, whose factors are [rank, inputs] and [outputs, rank], in the graph's orientation. */
function turned(name: string): Float32Array<ArrayBuffer> {
  const [rows, columns] = ref.shape(name) as [number, number];
  return transpose(ref.floats(name), rows, columns);
}

/** PEFT's names of a matrix's factors. */
const factorsOf = ({ name }: NamedParameter) => {
  const layer = name.replace(/\.weight$/, '');
  return { down: `${layer}.lora_A.weight`, up: `${layer}.lora_B.weight` };
};

const adapts = ({ name }: NamedParameter) => ref.names.includes(factorsOf({ name } as NamedParameter).down);

it('has the loss, the gradients and the merged matrices of PEFT', async () => {
  const step = await referenceStep(ortNode as unknown as OrtModule, 'cpu', config, (parameters) => {
    const factors = new Map<string, Float32Array>();
    for (const [name, parameter] of parameters) {
      if (!adapts(parameter)) continue;
      factors.set(`${name}.lora_down`, turned(factorsOf(parameter).down));
      factors.set(`${name}.lora_up`, turned(factorsOf(parameter).up));
    }
    return factors;
  });
  expect(Math.abs(step.loss / ref.floats('loss')[0]! - 1)).toBeLessThan(1e-5);
  let error = 0;
  let norm = 0;
  let compared = 0;
  const compare = (got: Float32Array, want: Float32Array) => {
    compared++;
    for (let i = 0; i < want.length; i++) {
      error += (got[i]! - want[i]!) ** 2;
      norm += want[i]! ** 2;
    }
  };
  const trained = new Map<string, Uint8Array>();
  for (const [name, parameter] of step.parameters) {
    if (!adapts(parameter)) continue;
    const { down, up } = factorsOf(parameter);
    compare(step.gradients.get(`${name}.lora_down`)!, turned(`gradient.${down}`));
    compare(step.gradients.get(`${name}.lora_up`)!, turned(`gradient.${up}`));
    trained.set(`${parameter.initializer}.lora_down`, new Uint8Array(turned(down).buffer));
    trained.set(`${parameter.initializer}.lora_up`, new Uint8Array(turned(up).buffer));
  }
  expect(compared).toBe(48);
  // Those of `visual_proj` are the rest.
  expect(step.gradients.size).toBe(50);
  compare(step.gradients.get('visual_proj.weight')!, turned('gradient.visual_proj.weight'));
  expect(Math.sqrt(error / norm)).toBeLessThan(1e-4);

  const merged = await mergedWeights(step.vision, step.imageSize, config, trained);
  expect(merged.size).toBe(24);
  for (const name of ref.names.filter((each) => each.startsWith('merged.'))) {
    const parameter = [...step.parameters.values()].find((each) => `merged.${each.name}` === name)!;
    const want = parameter.transposed ? turned(name) : ref.floats(name);
    const got = new Float32Array(merged.get(parameter.initializer)!.slice().buffer);
    const worst = want.reduce((most, value, i) => Math.max(most, Math.abs(got[i]! - value)), 0);
    expect(worst, name).toBeLessThan(1e-6);
  }
});
