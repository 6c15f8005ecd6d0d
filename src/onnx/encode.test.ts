import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeModel } from './encode.ts';
import type { Model } from './model.ts';
import { collect, type Part, streamParts } from './parts.ts';
import { bytesSource } from './sources.ts';
import { tensorOf } from './tensors.ts';
import { describeModel } from './testing/describe-model.ts';
import { fileBytes, modelFiles, readFixture, readParts } from './testing/model-files.ts';

describe('encodeModel', () => {
  for (const name of modelFiles) {
    it(`writes ${name} so that it reads the same`, async () => {
      const model = await readFixture(name);
      const encoded = encodeModel(model);
      expect(encoded.external).toBeUndefined();
      expect((await collect(encoded.parts)).length).toBe(encoded.size);
      const again = await readParts(encoded.parts, { inlineBytes: 4096 });
      expect(await describeModel(again)).toEqual(await describeModel(model));
      expect(withoutData(again)).toEqual(withoutData(model));
    });

    it(`writes ${name} so that onnxruntime takes it`, async () => {
      const model = await readFixture(name);
      const session = await InferenceSession.create(await collect(encodeModel(model).parts));
      expect(session.outputNames).toEqual(model.graph.outputs.map((output) => output.name));
      expect(session.inputNames).toEqual(model.graph.inputs.map((input) => input.name));
    });
  }

  it('passes long tensors on as ranges of their source', async () => {
    const model = await readFixture('constants');
    const ranges = encodeModel(model).parts.filter((part) => !(part instanceof Uint8Array));
    expect(ranges.map((part) => part.length)).toEqual([64 * 32 * 4]);
  });

  it('runs to the same numbers as the original', async () => {
    const pixels = new OrtTensor(
      'float32',
      Float32Array.from({ length: 2 * 3 * 16 * 16 }, (_, i) => Math.sin(i)),
      [2, 3, 16, 16],
    );
    for (const name of ['torchscript-block', 'dynamo-block']) {
      const original = await InferenceSession.create(fileBytes(`${name}.onnx`));
      const written = await InferenceSession.create(
        await collect(encodeModel(await readFixture(name)).parts),
      );
      const [a, b] = [await original.run({ pixels }), await written.run({ pixels })];
      expect(b['tokens']?.data).toEqual(a['tokens']?.data);
    }
  });

  it('puts weights beside a model that passes the threshold, aligned to 64 bytes', async () => {
    const model = await readFixture('torchscript-block');
    const encoded = encodeModel(model, { externalThreshold: 10_000, externalName: 'weights.bin' });
    const [file] = encoded.external ?? [];
    expect(file?.name).toBe('weights.bin');
    const weights = await collect(file?.parts ?? []);
    expect(weights.length).toBe(file?.size);
    const external = new Map([['weights.bin', bytesSource('weights.bin', weights)]]);
    const again = await readParts(encoded.parts, { external, inlineBytes: 0 });
    expect(await describeModel(again)).toEqual(await describeModel(model));
    const offsets = [...again.graph.initializers.values()].flatMap(({ data }) =>
      data.kind === 'range' && data.source.name === 'weights.bin' ? [data.offset] : [],
    );
    expect(offsets.length).toBeGreaterThan(3);
    expect(offsets.every((offset) => offset % 64 === 0)).toBe(true);
  });

  it('puts weights of more than 4 GiB beside the model, unread', async () => {
    const model = await readFixture('initializers-as-inputs');
    const size = 5 * 2 ** 30;
    const source = { name: 'huge.bin', size, read: () => Promise.reject(new Error('weights were read')) };
    model.graph.initializers.set('weight', {
      dtype: 'float32',
      shape: [size / 4],
      data: { kind: 'range', source, offset: 0, length: size },
    });
    const encoded = encodeModel(model);
    expect(encoded.size).toBeLessThan(2 ** 20);
    expect(encoded.external?.[0]?.size).toBeGreaterThanOrEqual(size);
    expect(encoded.external?.[0]?.parts).toContainEqual(expect.objectContaining({ offset: 0, length: size }));
  });

  it('saturates integers, so that "to the end" stays the end', async () => {
    const model = await readFixture('constants');
    const axes = model.graph.nodes.find((node) => node.attributes['value_ints']);
    axes!.attributes['value_ints'] = { type: 'ints', value: [2 ** 63, -(2 ** 64), 7] };
    const again = await readParts(encodeModel(model).parts);
    const read = again.graph.nodes.find((node) => node.attributes['value_ints']);
    expect(read?.attributes['value_ints']).toEqual({ type: 'ints', value: [2 ** 63, -(2 ** 63), 7] });
  });

  it('keeps every kind of attribute', async () => {
    const model = await readFixture('constants');
    const tensor = tensorOf('int32', [2], [1, -2]);
    const node = model.graph.nodes[1]!;
    node.attributes = {
      f: { type: 'float', value: Math.fround(0.1) },
      i: { type: 'int', value: 0 },
      s: { type: 'string', value: '' },
      t: { type: 'tensor', value: tensor },
      fs: { type: 'floats', value: [1.5, Number.NEGATIVE_INFINITY] },
      is: { type: 'ints', value: [] },
      ss: { type: 'strings', value: ['ü', ''] },
      ts: { type: 'tensors', value: [tensor, tensorOf('float16', [], [0.5])] },
      __proto__: { type: 'int', value: 3 },
    };
    Object.defineProperty(node.attributes, '__proto__', {
      value: { type: 'int', value: 3 },
      enumerable: true,
    });
    const again = await readParts(encodeModel(model).parts);
    expect(Object.entries(again.graph.nodes[1]!.attributes)).toEqual(Object.entries(node.attributes));
  });

  it('refuses a tensor whose bytes disagree with its shape', async () => {
    const model = await readFixture('initializers-as-inputs');
    const weight = model.graph.initializers.get('weight')!;
    model.graph.initializers.set('weight', { ...weight, shape: [8, 5] });
    expect(() => encodeModel(model)).toThrow(/128 bytes instead of 160 .*"weight"/);
  });
});

describe('streamParts', () => {
  const source = bytesSource(
    'source',
    Uint8Array.from({ length: 1000 }, (_, i) => i % 251),
  );
  const parts: Part[] = [
    new Uint8Array([1, 2, 3]),
    { source, offset: 10, length: 500 },
    new Uint8Array(0),
    { source, offset: 0, length: 64 },
    new Uint8Array([9]),
  ];

  it('gives the same bytes in chunks of any size', async () => {
    const whole = await collect(parts);
    expect(whole.length).toBe(568);
    for (const chunkBytes of [1, 7, 64, 567, 568, 10_000]) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of streamParts(parts, chunkBytes)) chunks.push(chunk.slice());
      expect(chunks.slice(0, -1).every((chunk) => chunk.length === chunkBytes)).toBe(true);
      expect(new Uint8Array(Buffer.concat(chunks))).toEqual(whole);
    }
  });
});

/** A model without the elements of its tensors, which may be here as bytes and there as ranges. */
function withoutData(model: Model): unknown {
  return JSON.parse(
    JSON.stringify(model, (key, value) =>
      key === 'data' ? undefined : value instanceof Map ? [...value] : value,
    ),
  );
}
