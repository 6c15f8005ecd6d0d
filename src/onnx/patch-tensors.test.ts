import { describe, expect, it } from 'vitest';
import { widthOf } from './data-types.ts';
import type { Model } from './model.ts';
import { collect } from './parts.ts';
import { patchTensors } from './patch-tensors.ts';
import { bytesSource } from './sources.ts';
import { describeModel } from './testing/describe-model.ts';
import { bytesOf, fileBytes, modelFiles, readFixture, readParts, shards } from './testing/model-files.ts';

/** Other bytes of the same length, the same for the same seed. */
const scrambled = (bytes: Uint8Array, seed: number) =>
  bytes.map((byte, i) => byte ^ ((i * 31 + seed) & 0x3f));

const original = (name: string) => bytesSource(`${name}.onnx`, fileBytes(`${name}.onnx`));

async function replaceAll(model: Model): Promise<Map<string, Uint8Array>> {
  const replacements = new Map<string, Uint8Array>();
  for (const [name, tensor] of model.graph.initializers) {
    if (widthOf(tensor.dtype) > 1) replacements.set(name, scrambled(await bytesOf(tensor), name.length));
  }
  return replacements;
}

describe('patchTensors', () => {
  for (const name of modelFiles) {
    it(`gives ${name} other weights and changes nothing else`, async () => {
      const model = await readFixture(name);
      const replacements = await replaceAll(model);
      // Both names of one range of external data get the same bytes.
      if (name === 'external') replacements.set('again', replacements.get('weight')!);
      const patched = await patchTensors(original(name), model, replacements, { external: shards });
      expect((await collect(patched.parts)).length).toBe(patched.size);
      const external = new Map(
        await Promise.all(
          (patched.external ?? []).map(
            async (file) => [file.name, bytesSource(file.name, await collect(file.parts))] as const,
          ),
        ),
      );
      const again = await readParts(patched.parts, { external });
      for (const [key, tensor] of again.graph.initializers) {
        if (tensor.dtype === 'string') continue;
        const before = model.graph.initializers.get(key)!;
        expect(await bytesOf(tensor), key).toEqual(replacements.get(key) ?? (await bytesOf(before)));
        again.graph.initializers.set(key, before);
      }
      expect(await describeModel(again)).toEqual(await describeModel(model));
    });
  }

  it('leaves every byte outside the weight as it was', async () => {
    const bytes = fileBytes('torchscript-block.onnx');
    const model = await readFixture('torchscript-block');
    const weight = await bytesOf(model.graph.initializers.get('patch.weight')!);
    const at = Buffer.from(bytes).indexOf(weight);
    const other = scrambled(weight, 1);
    const { parts } = await patchTensors(
      original('torchscript-block'),
      model,
      new Map([['patch.weight', other]]),
    );
    const expected = bytes.slice();
    expected.set(other, at);
    expect(await collect(parts)).toEqual(expected);
  });

  it('changes packed float_data in place, and the tensor of a Constant node by its output', async () => {
    for (const [name, weight] of [
      ['typed-fields', 'long'],
      ['constants', 'weight'],
    ] as const) {
      const model = await readFixture(name);
      const constant = model.graph.nodes[0]?.attributes['value'];
      const tensor =
        model.graph.initializers.get(weight) ?? (constant?.type === 'tensor' ? constant.value : undefined);
      const other = scrambled(await bytesOf(tensor!), 2);
      const { parts, size } = await patchTensors(original(name), model, new Map([[weight, other]]));
      const written = await collect(parts);
      expect(size).toBe(fileBytes(`${name}.onnx`).length);
      expect(Buffer.from(written).includes(Buffer.from(other))).toBe(true);
    }
  });

  it('encodes anew where two tensors share a range and only one of them changes', async () => {
    const model = await readFixture('external');
    const weight = await bytesOf(model.graph.initializers.get('weight')!);
    const other = scrambled(weight, 3);
    const options = { external: shards };
    const patched = await patchTensors(original('external'), model, new Map([['weight', other]]), options);
    const again = await readParts(patched.parts, options);
    expect(await bytesOf(again.graph.initializers.get('weight')!)).toEqual(other);
    expect(await bytesOf(again.graph.initializers.get('again')!)).toEqual(weight);
  });

  it('refuses names that are no weights and data of another length', async () => {
    const model = await readFixture('torchscript-block');
    const patch = (name: string, length: number) =>
      patchTensors(original('torchscript-block'), model, new Map([[name, new Uint8Array(length)]]));
    await expect(patch('pixels', 4)).rejects.toThrow(/no such weight.*"pixels"/);
    await expect(patch('patch.bias', 60)).rejects.toThrow(
      /60 bytes are given for a weight of 64.*"patch.bias"/,
    );
  });
});
