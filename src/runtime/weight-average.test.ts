import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { tensorOf } from '../onnx/tensors.ts';
import { type OrtModule, openRuntime } from './runtime.ts';
import { WeightAverage } from './weight-average.ts';
import { WeightStore } from './weights.ts';

/** PyTorch's (tools/reference/average.py). The first average is the first weight. */
const { decay, weights, averages } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/average.json', import.meta.url), 'utf8'),
) as { decay: number; weights: number[][]; averages: number[][] };

it('averages weights as PyTorch does', async () => {
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu' });
  const store = new WeightStore(runtime);
  await store.load('w', tensorOf('float32', [2, 3], weights[0]!));
  const average = new WeightAverage(runtime, store, ['w'], decay);
  for (const [step, values] of weights.entries()) {
    if (step > 0) {
      store.write('w', new Uint8Array(Float32Array.from(values).buffer));
      average.update();
    }
    const got = new Float32Array((await average.read('w')).buffer);
    for (const [i, want] of averages[step]!.entries()) expect(got[i]).toBeCloseTo(want, 6);
  }
});
