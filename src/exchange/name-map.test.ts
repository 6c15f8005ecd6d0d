import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../onnx/data-types.ts';
import { readModel } from '../onnx/decode.ts';
import type { Model, Tensor } from '../onnx/model.ts';
import { bytesSource } from '../onnx/sources.ts';
import { tensorOf, valuesOf } from '../onnx/tensors.ts';
import { mapClipVision } from './name-map.ts';
import { asPyTorch } from './safetensors.ts';
import { splitShared } from './split-shared.ts';
import {
  bytesOf,
  embedding,
  exported,
  largestDifference,
  run,
  stateDict,
  variants,
} from './testing/clip-files.ts';

describe('mapClipVision', () => {
  for (const variant of variants) {
    it(`finds every parameter of ${variant}, in its place and orientation`, async () => {
      const model = await exported(variant);
      const { parameters, rest } = mapClipVision(model);
      const expected = await stateDict();
      if (variant === 'script-14-hidden') expected.delete('visual_projection.weight');
      expect(parameters.map(({ name }) => name).sort()).toEqual([...expected.keys()].sort());
      expect(rest).toEqual([]);
      for (const parameter of parameters) {
        const found = await asPyTorch(model.graph.initializers.get(parameter.initializer)!, parameter);
        const wanted = expected.get(parameter.name)!;
        expect(found.shape, parameter.name).toEqual(wanted.shape);
        const narrowed: Tensor =
          found.dtype === 'float16'
            ? tensorOf('float16', wanted.shape, valuesOf(await inMemory(wanted)))
            : wanted;
        expect(
          Buffer.from(await bytesOf(found)).equals(Buffer.from(await bytesOf(narrowed))),
          parameter.name,
        ).toBe(true);
      }
    });
  }

  it('finds what the built-in encoder’s own names say', async () => {
    const file = new URL('../../public/models/acuity-clip/onnx/vision_model.onnx', import.meta.url);
    const model = await readModel(bytesSource('vision_model.onnx', new Uint8Array(readFileSync(file))));
    const { parameters, rest } = mapClipVision(model);
    const named = parameters.filter(({ initializer }) => initializer.startsWith('vision_model.'));
    expect(named.length).toBeGreaterThan(40);
    for (const { name, initializer } of named) expect(name).toBe(initializer);
    // The other weights' names say nothing, but the nodes that use them carry their modules' paths.
    for (const { name, initializer, transposed } of parameters) {
      if (named.some((other) => other.name === name)) continue;
      const consumer = model.graph.nodes.find((node) => node.inputs.includes(initializer))!;
      expect(consumer.name).toBe(
        `/${name.replace('.weight', '/MatMul').replace('.layers.', '.layers~').replaceAll('.', '/').replaceAll('~', '.')}`,
      );
      expect(transposed).toBe(true);
    }
    expect(rest).toEqual([]);
  });

  it('says what is missing in another kind of graph', async () => {
    const model = await exported('script-17');
    const without = (op: string): Model => ({
      ...model,
      graph: { ...model.graph, nodes: model.graph.nodes.filter((node) => node.op !== op) },
    });
    expect(() => mapClipVision(without('Conv'))).toThrow(/the convolution that makes patches was not found/);
    expect(() => mapClipVision(without('Concat'))).toThrow(
      /the class token beside the patches was not found.*Conv/,
    );
    expect(() => mapClipVision(without('LayerNormalization'))).toThrow(/the norm before the layers/);
    expect(() => mapClipVision(without('Softmax'))).toThrow(/queries, keys and values of layer 0/);
  });
});

describe('splitShared', () => {
  it('leaves a model without shared initialisers alone', async () => {
    for (const variant of variants) {
      const model = await exported(variant);
      expect(splitShared(model)).toBe(model);
    }
  });

  it('gives merged parameters initialisers of their own, each under its right name', async () => {
    const merged = await exported('merged');
    expect(() => mapClipVision(merged)).toThrow(/share an initialiser/);
    const before = merged.graph.initializers.size;
    const split = splitShared(merged);
    expect(merged.graph.initializers.size).toBe(before);
    const { parameters, rest } = mapClipVision(split);
    expect([parameters.length, rest]).toEqual([40, []]);
    expect(new Set(parameters.map(({ initializer }) => initializer)).size).toBe(40);

    const { pixels, embeds } = await embedding();
    // Nothing else has changed: the same embeddings come out.
    expect(await run(split, pixels)).toEqual(await run(merged, pixels));

    // The other weights under their names make it the other model: every name is right, and every use is separate.
    const weights = await stateDict();
    const initializers = new Map(split.graph.initializers);
    for (const { name, initializer, transposed, shape } of parameters) {
      const old = initializers.get(initializer)!;
      const back = { name, initializer, transposed, shape: transposed ? [...shape].reverse() : shape };
      const tensor = await asPyTorch(await inMemory(weights.get(name)!), back);
      expect(sizeOf(old.shape)).toBe(sizeOf(tensor.shape));
      initializers.set(initializer, { ...tensor, shape: old.shape });
    }
    const filled = { ...split, graph: { ...split.graph, initializers } };
    expect(largestDifference(await run(filled, pixels), embeds)).toBeLessThan(1e-5);
  });

  it('splits the operands of a graph of another kind', () => {
    const shared = tensorOf('float32', [2], [1, 2]);
    const node = (op: string, inputs: string[], output: string) => ({
      name: output,
      op,
      domain: '',
      inputs,
      outputs: [output],
      attributes: {},
    });
    const model: Model = {
      irVersion: 8,
      opsets: new Map([['', 17]]),
      producer: { name: '', version: '' },
      metadata: new Map(),
      functions: [],
      graph: {
        name: '',
        nodes: [
          node('Add', ['x', 'w'], 'a'),
          node('Identity', ['w'], 'i'),
          node('Mul', ['a', 'i'], 'b'),
          node('Add', ['b', 'i'], 'c'),
          node('Max', ['c', 'w'], 'y'),
        ],
        inputs: [{ name: 'x', dtype: 'float32', shape: [2] }],
        outputs: [{ name: 'y', dtype: 'float32', shape: [2] }],
        initializers: new Map([['w', shared]]),
        valueInfo: new Map(),
      },
    };
    const { graph } = splitShared(model);
    // Max keeps the original; the three operands have their own, the last two behind their own Identity.
    expect(graph.nodes.map(({ op, inputs }) => [op, ...inputs])).toEqual([
      ['Add', 'x', 'w_1'],
      ['Identity', 'w'],
      ['Identity', 'w_2'],
      ['Mul', 'a', 'w_2/Identity'],
      ['Identity', 'w_3'],
      ['Add', 'b', 'w_3/Identity'],
      ['Max', 'c', 'w'],
    ]);
    expect([...graph.initializers.keys()]).toEqual(['w', 'w_1', 'w_2', 'w_3']);
    expect(model.graph.nodes[0]!.inputs).toEqual(['x', 'w']);
  });
});

async function inMemory(tensor: Tensor): Promise<Tensor> {
  return { ...tensor, data: { kind: 'bytes', bytes: await bytesOf(tensor) } };
}
