import { describe, expect, it } from 'vitest';
import type { Model, Tensor } from './model.ts';
import { specialise } from './specialise.ts';
import { tensorOf, valuesOf } from './tensors.ts';
import {
  difference,
  exportedModel,
  exportedNames,
  feedsFor,
  operatorCounts,
  run,
  runFile,
} from './testing/exported-models.ts';
import { graphOf, modelOf, node } from './testing/hand-made.ts';
import { typeValues } from './testing/type-values.ts';

/** Branches and sequences have no single static type before they are resolved. */
const plain = exportedNames.filter((name) => !/branches|encoder-dynamo/.test(name));

describe.each(plain)('types in the exported model %s', (name) => {
  it('are those that ONNX infers', async () => {
    const { model, shapes, types } = await exportedModel(name);
    const given = model.graph.inputs.map(
      ({ name, dtype }) => [name, { dtype: dtype!, shape: shapes[name]! }] as const,
    );
    const found = typeValues(model, new Map(given)).types;
    expect(Object.keys(types).length).toBeGreaterThan(30);
    for (const [value, type] of Object.entries(types)) {
      const got = found.get(value);
      expect([value, got?.dtype, got && [...got.shape]]).toEqual([value, ...type]);
    }
  });
});

/** What must not be left once the sizes are fixed. */
const shapeArithmetic = [
  'Shape',
  'Size',
  'Constant',
  'ConstantOfShape',
  'Range',
  'If',
  'Identity',
  'Dropout',
  'NonZero',
];

describe.each(exportedNames)('specialising the exported model %s', (name) => {
  it('keeps its outputs exactly and leaves no shape arithmetic', async () => {
    const { model, bytes, shapes } = await exportedModel(name);
    const graph = await specialise(model, { shapes });
    const feeds = feedsFor(new Map(graph.inputs.map((input) => [input.name, graph.types.get(input.name)!])));
    expect(difference(await runFile(bytes, feeds), await run(graph, feeds))).toBe(0);
    const counts = operatorCounts(graph);
    expect(shapeArithmetic.filter((op) => counts[op])).toEqual([]);
    expect(graph.nodes.length).toBeLessThan(model.graph.nodes.length);
    expect(graph.opset).toBe(21);
  });

  it('keeps every floating-point parameter that an output depends on, untouched', async () => {
    const { model, shapes } = await exportedModel(name);
    const graph = await specialise(model, { shapes });
    for (const [key, tensor] of model.graph.initializers) {
      if (!/weight|bias|class_token|positions|gamma|logit_scale|onnx::MatMul/.test(key)) continue;
      expect(graph.initializers.get(key), key).toBe(tensor);
    }
  });
});

const image: Model = modelOf({
  inputs: { image: ['float32', 'batch', 3, 'height', null] },
  nodes: [node('Relu', ['image'], ['out'])],
  outputs: ['out'],
});

describe('input sizes', () => {
  const shapeOf = async (options: Parameters<typeof specialise>[1]) =>
    (await specialise(image, options)).types.get('out')?.shape;

  it('come from an explicit shape, a symbol, then the batch', async () => {
    expect(await shapeOf({ shapes: { image: [2, 3, 4, 5] }, batch: 9 })).toEqual([2, 3, 4, 5]);
    const open = { inputs: { image: ['float32', 'batch', 3, 'height', 'height'] as const } };
    const model = modelOf({ ...open, nodes: [node('Relu', ['image'], ['out'])], outputs: ['out'] });
    const graph = await specialise(model, { symbols: { height: 6 }, batch: 4 });
    expect(graph.types.get('out')?.shape).toEqual([4, 3, 6, 6]);
    expect(graph.inputs).toEqual([{ name: 'image', dtype: 'float32', shape: [4, 3, 6, 6] }]);
  });

  it('of one input carry over to others by their symbols', async () => {
    const model = modelOf({
      inputs: { a: ['float32', 'batch', 'width'], b: ['float32', 'batch', 'width'] },
      nodes: [node('Add', ['a', 'b'], ['sum'])],
      outputs: ['sum'],
    });
    expect((await specialise(model, { shapes: { b: [2, 5] } })).types.get('a')?.shape).toEqual([2, 5]);
  });

  it('that are missing are asked for by input, axis and option', async () => {
    await expect(specialise(image)).rejects.toThrow(
      /Input "image" has no size for axis 0 \("batch"\).*Pass --batch N or its shape, as in --shape image=1,3,224,224/,
    );
    await expect(specialise(image, { batch: 1 })).rejects.toThrow(/axis 2 \("height"\)/);
  });

  it('cannot contradict the file, name no input or be no size', async () => {
    await expect(specialise(image, { shapes: { image: [1, 4, 8, 8] } })).rejects.toThrow(
      /declared as \[batch, 3, height, \?\] and cannot have shape \[1, 4, 8, 8\]/,
    );
    await expect(specialise(image, { shapes: { picture: [1] } })).rejects.toThrow(
      /no input "picture".*Its inputs are image/,
    );
    await expect(specialise(image, { batch: 0 })).rejects.toThrow(/0 is no size for the batch/);
  });
});

const f32 = (shape: readonly number[], ...values: number[]): Tensor => tensorOf('float32', shape, values);

describe('folding', () => {
  it('keeps parameters and folds what is computed from constants alone', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 2] },
      initializers: { weight: f32([2], 1, 2), 'onnx::Mul_1': f32([], 4), logit_scale: f32([], 3) },
      nodes: [
        node('Constant', [], ['three'], { value: { type: 'tensor', value: f32([2], 3, 3) } }),
        node('Sqrt', ['onnx::Mul_1'], ['root']),
        node('Mul', ['three', 'root'], ['six']),
        node('Neg', ['weight'], ['negative']),
        node('Exp', ['logit_scale'], ['factor']),
        node('Sum', ['x', 'six', 'negative', 'factor'], ['out']),
      ],
      outputs: ['out'],
    });
    const graph = await specialise(model);
    expect(operatorCounts(graph)).toEqual({ Neg: 1, Exp: 1, Sum: 1 });
    expect([...graph.initializers.keys()].sort()).toEqual(['logit_scale', 'six', 'weight']);
    expect(valuesOf(graph.initializers.get('six')!)).toEqual([6, 6]);
    const kept = await specialise(model, { keep: ['onnx::Mul_1', 'negative'] });
    expect(operatorCounts(kept)).toEqual({ Sqrt: 1, Mul: 1, Neg: 1, Exp: 1, Sum: 1 });
  });

  it('lets nodes read parameters past Identity, but no output lose its name', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 2] },
      initializers: { weight: f32([2], 1, 2) },
      nodes: [
        node('Identity', ['weight'], ['alias']),
        node('Cast', ['alias'], ['again'], { to: 1 }),
        node('Mul', ['x', 'again'], ['product']),
        node('Identity', ['product'], ['out']),
      ],
      outputs: ['out'],
    });
    const graph = await specialise(model);
    expect(graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ['Mul', ['x', 'weight'], ['product']],
      ['Identity', ['product'], ['out']],
    ]);
  });

  it('reads constants that stayed in the file where a shape needs them', async () => {
    const shape = valuesOf(tensorOf('int64', [2], [3, 4]));
    const bytes = new Uint8Array(BigInt64Array.from(shape, BigInt).buffer);
    const source = { name: 'file', size: 16, read: async (at: number, n: number) => bytes.slice(at, at + n) };
    const model = modelOf({
      inputs: { x: ['float32', 12] },
      initializers: {
        shape: { dtype: 'int64', shape: [2], data: { kind: 'range', source, offset: 0, length: 16 } },
      },
      nodes: [node('Reshape', ['x', 'shape'], ['out'])],
      outputs: ['out'],
    });
    expect((await specialise(model)).types.get('out')?.shape).toEqual([3, 4]);
  });

  it('folds nothing large', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 1] },
      initializers: { size: tensorOf('int64', [1], [2 ** 19]) },
      nodes: [node('ConstantOfShape', ['size'], ['zeros']), node('Add', ['x', 'zeros'], ['out'])],
      outputs: ['out'],
    });
    expect(operatorCounts(await specialise(model))).toEqual({ ConstantOfShape: 1, Add: 1 });
  });
});

const branch = (...parts: Parameters<typeof graphOf>) =>
  ({ type: 'graph', value: graphOf(...parts) }) as const;

describe('conditionals and loops', () => {
  const choose = (condition: string) =>
    modelOf({
      inputs: { x: ['float32', 2, 3], flag: ['bool'] },
      initializers: { yes: tensorOf('bool', [], [1]), no: tensorOf('bool', [], [0]) },
      nodes: [
        node('Relu', ['x'], ['inner']),
        node('If', [condition], ['picked'], {
          then_branch: branch({ nodes: [node('Neg', ['x'], ['then'])], outputs: ['then'] }),
          else_branch: branch({
            // "inner" hides nothing: the outer value of that name must be read again afterwards.
            nodes: [node('Exp', ['x'], ['inner']), node('Sqrt', ['inner'], ['else'])],
            outputs: ['else'],
          }),
        }),
        node('Add', ['picked', 'inner'], ['out']),
      ],
      outputs: ['out'],
    });

  it('are replaced by the branch taken', async () => {
    expect(operatorCounts(await specialise(choose('yes')))).toEqual({ Relu: 1, Neg: 1, Add: 1 });
    const graph = await specialise(choose('no'));
    expect(graph.nodes.map((n) => n.op)).toEqual(['Relu', 'Exp', 'Sqrt', 'Add']);
    expect(graph.nodes.at(-1)!.inputs).toEqual(['picked', 'inner']);
    expect(graph.nodes[0]!.outputs).toEqual(['inner']);
    expect(graph.nodes[1]!.outputs).not.toEqual(['inner']);
  });

  it('that depend on inputs, and loops, are refused', async () => {
    await expect(specialise(choose('flag'))).rejects.toThrow(
      /condition is not known before the graph runs.*operator If/,
    );
    const loop = modelOf({
      inputs: { x: ['float32', 2] },
      nodes: [node('Loop', ['', '', 'x'], ['out'], { body: branch({ nodes: [], outputs: [] }) })],
      outputs: ['out'],
    });
    await expect(specialise(loop)).rejects.toThrow(/Loop runs a body.*loops unrolled/);
  });

  it('say how the loss depends on what is refused', async () => {
    const model = modelOf({
      inputs: { x: ['float32', 2, 3] },
      nodes: [
        node('Neg', ['x'], ['a']),
        node('Frobnicate', ['a'], ['b']),
        node('Exp', ['b'], ['c']),
        node('Sqrt', ['c'], ['y']),
      ],
      outputs: ['y'],
    });
    const message = /operator Frobnicate; shapes \[2, 3\]; path (y <- )?c <- b\)/;
    await expect(specialise(model)).rejects.toThrow(message);
    await expect(specialise(model, { keep: ['c'] })).rejects.toThrow(/path c <- b\)/);
  });
});

describe('outputs', () => {
  const two = modelOf({
    inputs: { x: ['float32', 2], ids: ['int64', 'tokens'] },
    nodes: [node('Neg', ['x'], ['a']), node('Frobnicate', ['ids'], ['b'])],
    outputs: ['a', 'b'],
  });

  it('may be chosen: what the others need is not even looked at', async () => {
    await expect(specialise(two, { batch: 1 })).rejects.toThrow(/Operator Frobnicate/);
    const graph = await specialise(two, { batch: 1, outputs: ['a'] });
    expect(graph.outputs).toEqual([{ name: 'a', dtype: 'float32', shape: [2] }]);
    await expect(specialise(two, { outputs: ['c'] })).rejects.toThrow(/no output "c".*a, b/);
  });

  it('take their inferred sizes but not another element type', async () => {
    const parts = {
      inputs: { x: ['float32', 2] as const },
      nodes: [node('Neg', ['x'], ['y'])],
      outputs: ['y'],
    };
    const model = modelOf(parts);
    model.graph.outputs = [{ name: 'y', dtype: 'float32', shape: [7] }];
    expect((await specialise(model)).outputs).toEqual([{ name: 'y', dtype: 'float32', shape: [2] }]);
    model.graph.outputs = [{ name: 'y', dtype: 'int64' }];
    await expect(specialise(model)).rejects.toThrow(/declared as int64 but computed as float32/);
  });
});

describe('operator sets', () => {
  const square = (opset: number) =>
    modelOf({ inputs: { x: ['float32', 2] }, nodes: [node('Neg', ['x'], ['y'])], outputs: ['y'] }, opset);

  it('become 21, or later where an operator is newer', async () => {
    const cumulative = modelOf(
      {
        inputs: { x: ['float32', 2] },
        initializers: { axis: tensorOf('int64', [], [0]) },
        nodes: [node('CumProd', ['x', 'axis'], ['y'])],
        outputs: ['y'],
      },
      26,
    );
    expect((await specialise(square(11))).opset).toBe(21);
    expect((await specialise(square(26))).opset).toBe(21);
    expect((await specialise(cumulative)).opset).toBe(26);
  });

  it('outside the known ones are refused', async () => {
    await expect(specialise(square(6))).rejects.toThrow(/opset 6.*Export it with an opset between 11 and 28/);
    await expect(specialise(square(99))).rejects.toThrow(/opset 99/);
  });
});

describe('sizes that no real model has', () => {
  const huge = tensorOf('int64', [2], [0, 2 ** 40]);
  const made = (...nodes: ReturnType<typeof node>[]) =>
    modelOf({
      inputs: { x: ['float32', 2] },
      initializers: {
        huge,
        many: tensorOf(
          'int64',
          [5000],
          Array.from({ length: 5000 }, (_, i) => i),
        ),
      },
      nodes,
      outputs: [nodes.at(-1)!.outputs[0]!],
    });

  it('take no memory where they are empty', async () => {
    const graph = await specialise(
      made(node('ConstantOfShape', ['huge'], ['zeros']), node('Transpose', ['zeros'], ['out'])),
    );
    expect(graph.types.get('out')?.shape).toEqual([2 ** 40, 0]);
  });

  it('are refused', async () => {
    await expect(specialise(made(node('Unsqueeze', ['x', 'many'], ['out'])))).rejects.toThrow(
      /5000 elements, more than/,
    );
    const wide = { axes: Array.from({ length: 5000 }, (_, i) => i) };
    const old = { ...made(node('Unsqueeze', ['x'], ['out'], wide)), opsets: new Map([['', 11]]) };
    await expect(specialise(old)).rejects.toThrow(/5000/);
    const cut = [
      node('Transpose', ['zeros'], ['turned']),
      node('SplitToSequence', ['turned'], ['parts']),
      node('SequenceLength', ['parts'], ['out']),
    ];
    await expect(specialise(made(node('ConstantOfShape', ['huge'], ['zeros']), ...cut))).rejects.toThrow(
      /too many/,
    );
  });

  it('do not keep folding busy', async () => {
    const steps = Array.from({ length: 2000 }, (_, i) => node('Add', [`v${i}`, 'one'], [`v${i + 1}`]));
    const model = modelOf({
      initializers: { size: tensorOf('int64', [1], [2 ** 17]), one: tensorOf('int64', [], [1]) },
      nodes: [
        node('ConstantOfShape', ['size'], ['v0'], {
          value: { type: 'tensor', value: tensorOf('int64', [1], [0]) },
        }),
        ...steps,
      ],
      outputs: ['v2000'],
    });
    const { Add: left } = operatorCounts(await specialise(model));
    expect(left).toBeGreaterThan(1000);
  });
});
