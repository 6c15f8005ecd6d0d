import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asModel } from '../src/onnx/as-model.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { sizeOf } from '../src/onnx/data-types.ts';
import { readModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { addInput, addOutput, emptyGraph, rename } from '../src/onnx/graft.ts';
import type { DataType, Model } from '../src/onnx/model.ts';
import { collect } from '../src/onnx/parts.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { tensorOf } from '../src/onnx/tensors.ts';
import { main } from './acuity.ts';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'graph-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** loss = mean(softmax(tanh(x first) second)^2), x [batch, 6], beside an output `hidden` [batch, 5]. */
function perceptron(dtype: DataType = 'float32', layers = 1): Model {
  const b = new GraphBuilder(emptyGraph('perceptron', 21));
  const weight = (name: string, ...shape: number[]) => {
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + name.length));
    b.graph.initializers.set(name, tensorOf(dtype, shape, values));
    b.graph.types.set(name, { dtype, shape });
    return name;
  };
  let x = addInput(b, 'x', dtype, [3, 6]);
  for (let i = 1; i < layers; i++) x = b.op('Tanh', [b.op('MatMul', [x, weight(`layer${i}`, 6, 6)])]);
  const hidden = b.op('Tanh', [b.op('MatMul', [x, weight('first', 6, 5)])]);
  const soft = b.op('Softmax', [b.op('Gemm', [hidden, weight('second', 4, 5)], { transB: 1 })], { axis: -1 });
  const loss = b.op('ReduceMean', [b.op('Mul', [soft, soft])], { keepdims: 0 });
  rename(b.graph, loss, 'loss');
  rename(b.graph, hidden, 'hidden');
  addOutput(b, 'loss');
  addOutput(b, 'hidden');
  const model = asModel(b.graph);
  model.graph.inputs[0]!.shape = ['batch', 6];
  return model;
}

async function write(name: string, model: Model): Promise<void> {
  writeFileSync(join(folder, name), await collect(encodeModel(model).parts));
}

beforeAll(async () => {
  const model = perceptron();
  await write('model.onnx', model);
  await write('half.onnx', perceptron('float16'));
  await write('deep.onnx', perceptron('float32', 40));
  const stepped = perceptron();
  stepped.graph.nodes.find(({ op }) => op === 'Tanh')!.op = 'Hardmax';
  await write('hard.onnx', stepped);
  mkdirSync(join(folder, 'inner'));
});

const graph = (model: string, ...args: string[]) =>
  runCommand(folder, 'graph', model, '--loss', 'loss', '--out', 'train.onnx', '--batch', '3', ...args);

const written = async (name = 'train.onnx'): Promise<Model> =>
  readModel(bytesSource(name, readFileSync(join(folder, name))));

async function run(feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await InferenceSession.create(readFileSync(join(folder, 'train.onnx')), {
    logSeverityLevel: 4,
  });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
  );
}

const x = new Tensor(
  'float32',
  Float32Array.from({ length: 18 }, (_, i) => Math.cos(i)),
  [3, 6],
);

describe('acuity graph', () => {
  it("writes the model's outputs and a gradient for every target", async () => {
    const { code, out, err } = await graph('model.onnx', '--targets', 'all');
    expect([code, err]).toEqual([0, expect.stringMatching(/^acuity: wrote train\.onnx in [\d.]+ s\n$/)]);
    expect(out).toMatch(/^train\.onnx: 3 gradients, \d+ forward and \d+ backward nodes, [\d.]+ MiB/);
    const model = await written();
    expect(model.graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([['x', [3, 6]]]);
    const names = ['x', 'first', 'second'].map((name) => `grad:${name}`);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['loss', 'hidden', ...names]);
    const results = await run({ x });
    const step = 1e-2;
    const moved = async (by: number) =>
      (
        await run({
          x: new Tensor(
            'float32',
            Float32Array.from(x.data as Float32Array, (v, i) => (i === 4 ? v + by : v)),
            [3, 6],
          ),
        })
      )['loss']![0]!;
    const difference = ((await moved(step)) - (await moved(-step))) / (2 * step);
    expect(results['grad:x']![4]).toBeCloseTo(difference, 4);
  });

  it('means by "all" what the file declares: no constants of its nodes, and nothing that it does not use', async () => {
    const model = perceptron();
    const { nodes, initializers } = model.graph;
    const half = { type: 'tensor', value: tensorOf('float32', [4], [1, 2, 3, 4]) } as const;
    const made = {
      name: '',
      op: 'Constant',
      domain: '',
      inputs: [],
      outputs: ['half'],
      attributes: { value: half },
    };
    const softmax = nodes.findIndex(({ op }) => op === 'Softmax');
    const [gemm] = nodes[softmax]!.inputs;
    const scaled = {
      name: '',
      op: 'Mul',
      domain: '',
      inputs: [gemm!, 'half'],
      outputs: ['scaled'],
      attributes: {},
    };
    nodes[softmax]!.inputs = ['scaled'];
    nodes.splice(softmax, 0, made, scaled);
    initializers.set('idle', tensorOf('float32', [2], [1, 2]));
    await write('constants.onnx', model);
    expect((await graph('constants.onnx', '--targets', 'all')).code).toBe(0);
    const outputs = (await written()).graph.outputs.map(({ name }) => name);
    expect(outputs).toEqual(['loss', 'hidden', 'grad:x', 'grad:first', 'grad:second']);
    const { code, err } = await graph('constants.onnx', '--targets', 'first,idle');
    expect(code).toBe(2);
    expect(err).toMatch(/"loss" does not depend on target "idle"/);
  });

  it('takes the incoming gradient as an input', async () => {
    const args = ['--loss', 'hidden', '--targets', 'first,x', '--out', 'inner/seeded.onnx', '--batch', '3'];
    expect(await runCommand(folder, 'graph', 'model.onnx', ...args)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^acuity: .*15 elements, not one.*--seed-gradient.*\n$/),
    });
    expect((await runCommand(folder, 'graph', 'model.onnx', ...args, '--seed-gradient')).code).toBe(0);
    const model = await written('inner/seeded.onnx');
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['x', `grad:hidden`]);
    expect(model.graph.outputs.slice(2).map(({ name }) => name)).toEqual(['grad:first', 'grad:x']);
  });

  it('recomputes to meet a budget, with the same gradients, and refuses one that cannot be met', async () => {
    const plain = await graph('deep.onnx', '--targets', 'x');
    const expected = await run({ x });
    expect(plain.out).not.toMatch(/run twice/);
    // 40 layers of [3, 6] take 2880 bytes.
    const budget = 2200;
    const { code, out } = await graph('deep.onnx', '--targets', 'x', '--recompute-budget', `${budget}B`);
    expect([code, out]).toEqual([0, expect.stringMatching(/\d+ nodes run twice/)]);
    expect(await run({ x })).toEqual(expected);
    const refused = await graph('deep.onnx', '--targets', 'x', '--recompute-budget', '0.1KiB');
    expect(refused).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^acuity: inner values take .*--recompute-budget.*\n$/),
    });
  });

  it('adds low-rank factors and takes them alone as targets', async () => {
    const { code } = await graph('model.onnx', '--targets', 'all', '--lora', '2', '--lora-weights', 's*d');
    expect(code).toBe(0);
    const model = await written();
    const gradients = model.graph.outputs.slice(2).map(({ name, shape }) => [name, shape]);
    expect(gradients).toEqual([
      ['grad:second.lora_down', [5, 2]],
      ['grad:second.lora_up', [2, 4]],
    ]);
    const results = await run({ x });
    expect(results['grad:second.lora_up']!.some((value) => value !== 0)).toBe(true);
    expect(results['grad:second.lora_down']!.every((value) => value === 0)).toBe(true);
    expect(
      await graph('model.onnx', '--targets', 'all', '--lora', '2', '--lora-weights', 'q*'),
    ).toMatchObject({
      code: 2,
      err: expect.stringMatching(/is called q\*/),
    });
  });

  it.each([
    ['f32', 'float32'],
    ['f16', 'float16'],
  ])('computes the softmax of a float16 model in %s when told to', async (precision, dtype) => {
    expect((await graph('half.onnx', '--targets', 'all', '--precision', precision)).code).toBe(0);
    const model = await written();
    const softmax = model.graph.nodes.find(({ op }) => op === 'Softmax')!;
    const cast = model.graph.nodes.find(({ outputs }) => outputs[0] === softmax.inputs[0]);
    expect(cast?.op === 'Cast').toBe(dtype === 'float32');
  });

  it.each<[string, string[], number, RegExp]>([
    ['no command', [], 64, /^$/],
    ['an unknown command', ['grph'], 64, /unknown command "grph": one of evaluate, graph, inspect/],
    ['no model', ['graph'], 64, /0 models named.*usage: acuity graph/],
    ['no loss', ['graph', 'model.onnx', '--targets', 'all', '--out', 'o.onnx'], 64, /--loss is missing/],
    ['an unknown option', ['graph', 'model.onnx', '--nope'], 64, /Unknown option '--nope'/],
    [
      'writing over the model',
      ['graph', 'model.onnx', '--loss', 'l', '--targets', 'all', '--out', './model.onnx'],
      64,
      /names the model itself/,
    ],
    [
      'a size that is none',
      ['graph', 'm', '--loss', 'l', '--targets', 'x', '--out', 'o', '--recompute-budget', '2 elephants'],
      64,
      /2GiB.*"2 elephants"/,
    ],
    [
      'factors without a rank',
      ['graph', 'm', '--loss', 'l', '--targets', 'x', '--out', 'o', '--lora-weights', 'x'],
      64,
      /need --lora RANK/,
    ],
    [
      'another precision',
      ['graph', 'm', '--loss', 'l', '--targets', 'x', '--out', 'o', '--precision', 'f8'],
      64,
      /f32 or f16/,
    ],
    [
      'a missing file',
      ['graph', 'none.onnx', '--loss', 'l', '--targets', 'all', '--out', 'o.onnx'],
      2,
      /cannot read none\.onnx/,
    ],
    [
      'a missing output folder',
      ['graph', 'model.onnx', '--batch', '1', '--loss', 'loss', '--targets', 'all', '--out', 'no/o.onnx'],
      2,
      /cannot write no\/o\.onnx: ENOENT/,
    ],
    [
      'an open batch',
      ['graph', 'model.onnx', '--loss', 'loss', '--targets', 'all', '--out', 'o.onnx'],
      2,
      /--batch|--shape/,
    ],
    [
      'an unknown loss',
      ['graph', 'model.onnx', '--batch', '1', '--loss', 'l', '--targets', 'all', '--out', 'o.onnx'],
      2,
      /no value "l"/,
    ],
    [
      'an unknown target',
      ['graph', 'model.onnx', '--batch', '1', '--loss', 'loss', '--targets', 'w', '--out', 'o.onnx'],
      2,
      /"w" is neither an input nor an initialiser/,
    ],
    [
      'a step function',
      ['graph', 'hard.onnx', '--batch', '1', '--loss', 'loss', '--targets', 'x', '--out', 'o.onnx'],
      2,
      /Hardmax/,
    ],
  ])('%s: the exit code and at most one line', async (_, args, expected, message) => {
    const { code, out, err } = await runCommand(folder, ...args);
    expect([code, err]).toEqual([expected, expect.stringMatching(message)]);
    expect(err.split('\n').length).toBeLessThanOrEqual(2);
    if (expected !== 64) expect(out).toBe('');
  });

  it('tells what it did not foresee as a failure of its own', async () => {
    let err = '';
    const code = await main(
      ['graph', 'model.onnx', '--loss', 'loss', '--targets', 'x', '--batch', '1', '--out', 'o.onnx'],
      {
        directory: folder,
        out: () => {
          throw new Error('the pipe\nis closed');
        },
        err: (text) => {
          err += text;
        },
      },
    );
    expect([code, err]).toEqual([1, 'acuity: failed: the pipe is closed\n']);
  });

  it('runs from another directory, as npm starts it', { timeout: 60_000 }, async () => {
    const root = fileURLToPath(new URL('..', import.meta.url));
    const args = ['run', '-s', '--prefix', root, 'acuity', '--', 'graph', '../model.onnx', '--loss', 'loss'];
    const output = execFileSync('npm', [...args, '--targets', 'all', '--out', 'far.onnx', '--batch', '2'], {
      cwd: join(folder, 'inner'),
      encoding: 'utf8',
    });
    expect(output).toMatch(/^far\.onnx: 3 gradients/);
    expect((await written('inner/far.onnx')).graph.outputs).toHaveLength(5);
  });
});
