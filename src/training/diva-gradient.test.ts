import { readFileSync } from 'node:fs';
import * as ortNode from 'onnxruntime-node';
import * as ortWeb from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import type { RefineConfig } from '../method/config.ts';
import type { OrtModule } from '../runtime/runtime.ts';
import { referenceTensors, transpose } from './testing/reference.ts';
import { referenceStep } from './testing/reference-step.ts';

const fixtures = new URL('../../tools/reference/fixtures/diva/', import.meta.url);
const ref = referenceTensors('diva/faithful.safetensors');

const cases = JSON.parse(readFileSync(new URL('cases.json', fixtures), 'utf8')) as {
  faithful: { loss: number };
};

/** Loss and gradients of the reference step beside PyTorch's values (tools/reference/diva.py). */
async function step(ort: OrtModule, provider: 'cpu' | 'wasm', config: Partial<RefineConfig> = {}) {
  const { loss, gradients, parameters } = await referenceStep(ort, provider, config);
  const pairs = new Map<string, { got: Float32Array; want: Float32Array }>();
  for (const [name, got] of gradients) {
    const parameter = parameters.get(name);
    const torch = parameter?.name ?? name;
    const shape = ref.shape(`gradient.${torch}`);
    const plain = ref.floats(`gradient.${torch}`);
    // The projection multiplies from the right, as exported Linear weights do.
    const turned = parameter ? parameter.transposed : shape.length === 2;
    pairs.set(torch, { got, want: turned ? transpose(plain, shape[0]!, shape[1]!) : plain });
  }
  return { loss, gradients: pairs };
}

function relativeError(gradients: ReadonlyMap<string, { got: Float32Array; want: Float32Array }>): number {
  let error = 0;
  let norm = 0;
  for (const { got, want } of gradients.values()) {
    for (let i = 0; i < want.length; i++) {
      error += (got[i]! - want[i]!) ** 2;
      norm += want[i]! ** 2;
    }
  }
  return Math.sqrt(error / norm);
}

describe.each([
  ['onnxruntime-node', ortNode as unknown as OrtModule, 'cpu'],
  ['onnxruntime-web (wasm)', ortWeb as unknown as OrtModule, 'wasm'],
] as const)('the DIVA training graph on %s', (_, ort, provider) => {
  it('has the loss and every gradient of PyTorch autograd', async () => {
    const { loss, gradients } = await step(ort, provider);
    expect(Math.abs(loss - cases.faithful.loss) / cases.faithful.loss).toBeLessThan(1e-5);
    expect(gradients.size).toBe(74);
    expect(relativeError(gradients)).toBeLessThan(1e-4);
  });
});

it('trains the last blocks and the head alone, with the gradients of PyTorch', async () => {
  const { gradients } = await step(ortNode as unknown as OrtModule, 'cpu', {
    trainable: { kind: 'last-k', blocks: 1 },
  });
  const all = ref.names.filter((name) => name.startsWith('gradient.')).map((name) => name.slice(9));
  const last = all.filter((name) => /layers\.3\.|post_layernorm|visual_proj/.test(name));
  expect([...gradients.keys()].sort()).toEqual(last.sort());
  expect(relativeError(gradients)).toBeLessThan(1e-4);
});
