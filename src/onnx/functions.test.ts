import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readModel } from './decode.ts';
import { encodeModel } from './encode.ts';
import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import { inlineFunctions } from './functions.ts';
import type { Attribute, Model, ModelFunction, Node } from './model.ts';
import { collect } from './parts.ts';
import { bytesSource } from './sources.ts';
import { fileBytes, readFixture } from './testing/model-files.ts';

const run = async (bytes: Uint8Array, feeds: Record<string, OrtTensor>) => {
  // Without fusions, which would find other patterns once functions are gone.
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled' });
  const results = await session.run(feeds);
  return session.outputNames.map((name) => results[name]!.data);
};

describe('inlineFunctions', () => {
  it('keeps what the model computes', async () => {
    const inlined = inlineFunctions(await readFixture('functions'));
    expect(inlined.functions).toEqual([]);
    expect([...inlined.opsets.keys()]).toEqual(['']);
    expect(inlined.graph.nodes.every((node) => node.domain === '')).toBe(true);
    const x = new OrtTensor(
      'float32',
      Float32Array.from({ length: 16 }, (_, i) => Math.sin(3 * i)),
      [2, 8],
    );
    const written = await collect(encodeModel(inlined).parts);
    expect(await run(written, { x })).toEqual(await run(fileBytes('functions.onnx'), { x }));
  });

  it('gives nodes and values names of their own', async () => {
    const { graph } = inlineFunctions(await readFixture('functions'));
    const values = graph.nodes.flatMap((node) => node.outputs);
    expect(new Set(values).size).toBe(values.length);
    const names = graph.nodes.map((node) => node.name);
    expect(new Set(names).size).toBe(names.length);
    expect(values).toContain(graph.outputs[0]!.name);
  });

  it('fills in attributes from the call, then from the default, and leaves out the rest', () => {
    const fn = makeFunction({
      attributes: ['given', 'defaulted', 'absent'],
      attributeDefaults: { defaulted: { type: 'int', value: 2 }, given: { type: 'int', value: 1 } },
      nodes: [
        makeNode('Op', ['x'], ['y'], {
          a: { type: 'reference', value: 'given', of: 'int' },
          b: { type: 'reference', value: 'defaulted', of: 'int' },
          c: { type: 'reference', value: 'absent', of: 'int' },
          d: { type: 'float', value: 0.5 },
        }),
      ],
    });
    const call = makeNode('F', ['in'], ['out'], { given: { type: 'int', value: 7 } }, 'local');
    const { graph } = inlineFunctions(makeModel([call], [fn]));
    expect(graph.nodes).toEqual([
      {
        ...makeNode('Op', ['in'], ['out'], {
          a: { type: 'int', value: 7 },
          b: { type: 'int', value: 2 },
          d: { type: 'float', value: 0.5 },
        }),
        name: 'F/Op',
      },
    ]);
  });

  it('avoids names that the model uses already, omits absent inputs and hands inputs through', () => {
    const fn = makeFunction({
      inputs: ['x', 'optional'],
      outputs: ['y', 'x', 'inner'],
      nodes: [makeNode('A', ['x', 'optional'], ['inner']), makeNode('B', ['inner'], ['y'])],
    });
    const first = makeNode('F', ['in'], ['F/inner', 'same'], {}, 'local');
    const second = makeNode('F', ['F/inner', 'same'], ['', '', 'out'], {}, 'local');
    const { graph } = inlineFunctions(makeModel([first, second], [fn]));
    expect(graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ['A', ['in', ''], ['F/inner_1']],
      ['B', ['F/inner_1'], ['F/inner']],
      ['Identity', ['in'], ['same']],
      ['A', ['F/inner', 'same'], ['out']],
      ['B', ['out'], ['F/y']],
    ]);
  });

  it('renames inside the subgraphs of a function, and unfolds calls in the subgraphs of the model', async () => {
    const { graph: branches } = await readFixture('subgraphs');
    const body = { ...branches.nodes[0]!, name: 'if' };
    const fn = makeFunction({ inputs: ['wide', 'deep', 'x'], outputs: ['y'], nodes: [body] });
    const call = (output: string): Node => makeNode('F', ['wide', 'deep', 'x'], [output], {}, 'local');
    const model: Model = {
      ...makeModel([call('once'), call('twice'), makeNode('Add', ['once', 'twice'], ['y'])], [fn]),
      graph: { ...branches, nodes: [call('once'), call('twice'), makeNode('Add', ['once', 'twice'], ['y'])] },
    };
    // The reader checks every name again.
    const written = await collect(encodeModel(inlineFunctions(model)).parts);
    await readModel(bytesSource('written', written));
    const x = new OrtTensor(
      'float32',
      Float32Array.from({ length: 1500 }, (_, i) => Math.cos(i)),
      [1500],
    );
    for (const [wide, deep] of [
      [true, true],
      [true, false],
      [false, true],
    ]) {
      const feeds = { x, wide: new OrtTensor('bool', [wide!], []), deep: new OrtTensor('bool', [deep!], []) };
      const [[doubled], [plain]] = [await run(written, feeds), await run(fileBytes('subgraphs.onnx'), feeds)];
      expect(doubled).toEqual(Float32Array.from(plain as Float32Array, (value) => 2 * value));
    }
  });

  it('refuses recursion, at any distance', () => {
    const f = makeFunction({ name: 'F', nodes: [makeNode('G', ['x'], ['y'], {}, 'local')] });
    const g = makeFunction({ name: 'G', nodes: [makeNode('F', ['x'], ['y'], {}, 'local')] });
    const call = makeNode('F', ['in'], ['out'], {}, 'local');
    expect(() => inlineFunctions(makeModel([call], [f, g]))).toThrow(MalformedModelError);
  });

  it('refuses calls that unfold without end, in bounded time', () => {
    const chain = Array.from({ length: 60 }, (_, i) =>
      makeFunction({
        name: `F${i}`,
        nodes: [
          makeNode(`F${i + 1}`, ['x'], ['a'], {}, 'local'),
          makeNode(`F${i + 1}`, ['a'], ['y'], {}, 'local'),
        ],
      }),
    );
    const last = makeFunction({ name: 'F60', outputs: ['x'], nodes: [] });
    const call = makeNode('F0', ['in'], ['out'], {}, 'local');
    expect(() => inlineFunctions(makeModel([call], [...chain, last]))).toThrow(UnsupportedModelError);
  });

  it('refuses a function written for another version of the operators', () => {
    const fn = makeFunction({ nodes: [makeNode('Op', ['x'], ['y'])], opsets: new Map([['', 11]]) });
    const call = makeNode('F', ['in'], ['out'], {}, 'local');
    expect(() => inlineFunctions(makeModel([call], [fn]))).toThrow(/version 11 .* the model 17/);
  });
});

function makeNode(
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, Attribute> = {},
  domain = '',
): Node {
  return { name: op, op, domain, inputs, outputs, attributes };
}

function makeFunction(parts: Partial<ModelFunction>): ModelFunction {
  return {
    name: 'F',
    domain: 'local',
    inputs: ['x'],
    outputs: ['y'],
    nodes: [],
    opsets: new Map([['', 17]]),
    attributes: [],
    attributeDefaults: {},
    ...parts,
  };
}

function makeModel(nodes: Node[], functions: ModelFunction[]): Model {
  return {
    irVersion: 8,
    opsets: new Map([
      ['', 17],
      ['local', 1],
    ]),
    producer: { name: '', version: '' },
    metadata: new Map(),
    functions,
    graph: {
      name: 'g',
      nodes,
      inputs: [{ name: 'in', dtype: 'float32', shape: [1] }],
      outputs: [{ name: 'out', dtype: 'float32', shape: [1] }],
      initializers: new Map(),
      valueInfo: new Map(),
    },
  };
}
