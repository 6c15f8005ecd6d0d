import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { denseModel, leastSquaresModel, reshapeModel, typesModel } from './fixtures/models.ts';
import { createOptimizer } from './optimizer.ts';
import { RandomStream } from './random.ts';
import { openRuntime } from './runtime.ts';
import { type CpuTensor, cpuTensor, type DeviceTensor } from './tensor.ts';

const stream = new RandomStream(1, 'test');
const normal = (step: number, ...shape: number[]): CpuTensor => ({
  dtype: 'float32',
  shape,
  data: stream.normal(
    { step },
    shape.reduce((n, d) => n * d, 1),
  ),
});

const dataOf = (tensor: DeviceTensor | undefined): Float32Array => {
  if (!tensor || !('data' in tensor) || !(tensor.data instanceof Float32Array))
    throw new Error('no float32 data');
  return tensor.data;
};

describe.each([
  ['wasm', web],
  ['cpu', node],
] as const)('sessions on %s', async (provider, ort) => {
  const runtime = await openRuntime({ ort, provider });
  const dense = await runtime.session(await denseModel(), { name: 'dense' });
  const x = normal(1, 4, 8);
  const w = normal(2, 8, 16);
  const feeds = new Map([
    ['x', x],
    ['w', w],
  ]);

  it('know their inputs and outputs', () => {
    expect([...dense.inputs.values()]).toEqual([
      { name: 'x', dtype: 'float32', shape: [4, 8] },
      { name: 'w', dtype: 'float32', shape: [8, 16] },
    ]);
    expect([...dense.outputs.keys()]).toEqual(['y']);
  });

  it('compute', async () => {
    const y = dataOf((await dense.run(feeds)).get('y'));
    for (let row = 0; row < 4; row++) {
      for (let column = 0; column < 16; column++) {
        let sum = 0;
        for (let k = 0; k < 8; k++)
          sum += (x.data[row * 8 + k]! as number) * (w.data[k * 16 + column]! as number);
        expect(y[row * 16 + column]).toBeCloseTo(Math.tanh(sum), 5);
      }
    }
  });

  it('write into given tensors', async () => {
    const y = cpuTensor({ dtype: 'float32', shape: [4, 16] });
    const fresh = dataOf((await dense.run(feeds, ['y'])).get('y'));
    const results = await dense.run(feeds, new Map([['y', y]]));
    expect(results.get('y')).toBe(y);
    expect(y.data).toEqual(fresh);
  });

  it('take a hundred runs at once', async () => {
    const runs = Array.from({ length: 100 }, (_, step) =>
      dense.run(
        new Map([
          ['x', normal(step, 4, 8)],
          ['w', w],
        ]),
      ),
    );
    const results = (await Promise.all(runs)).map((outputs) => dataOf(outputs.get('y')));
    for (const [step, result] of results.entries()) {
      const again = await dense.run(
        new Map([
          ['x', normal(step, 4, 8)],
          ['w', w],
        ]),
      );
      expect(dataOf(again.get('y'))).toEqual(result);
    }
  });

  it('are released after the runs asked for before, whoever goes first', async () => {
    const watching = await runtime.session(await denseModel(), { name: 'watching', priority: 'evaluation' });
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const runs = [1, 2, 3].map((i) => watching.run(feeds).then(note(`watched ${i}`)));
    const released = watching.release().then(note('released'));
    const steps = [1, 2].map((i) => dense.run(feeds).then(note(`step ${i}`)));
    await Promise.all([...runs, released, ...steps]);
    expect(order).toEqual(['step 1', 'step 2', 'watched 1', 'watched 2', 'watched 3', 'released']);
    await expect(watching.run(feeds)).rejects.toThrow('Session "watching" has been released');
  });

  it('name what is missing, unknown or misshapen', async () => {
    await expect(dense.run(new Map([['x', x]]))).rejects.toThrow(
      'Session "dense" lacks its input "w" (float32[8, 16])',
    );
    await expect(dense.run(new Map([...feeds, ['z', x]]))).rejects.toThrow(
      'Session "dense" has no input "z"',
    );
    await expect(dense.run(new Map([...feeds, ['x', w]]))).rejects.toThrow(
      'Session "dense": input "x" is float32[4, 8], got float32[8, 16]',
    );
    await expect(dense.run(feeds, ['q'])).rejects.toThrow('has no output "q". It has y');
    const half: CpuTensor = { dtype: 'float16', shape: [4, 8], data: new Uint16Array(32) };
    await expect(dense.run(new Map([...feeds, ['x', half]]))).rejects.toThrow('got float16[4, 8]');
  });

  it('exchange every element type', async () => {
    const session = await runtime.session(await typesModel(), { name: 'types' });
    const outputs = await session.run(
      new Map<string, CpuTensor>([
        ['h', { dtype: 'float16', shape: [4], data: Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x7bff) }],
        ['j', { dtype: 'int32', shape: [4], data: Int32Array.of(7, -8, 9, 10) }],
        ['c', { dtype: 'bool', shape: [4], data: Uint8Array.of(1, 0, 0, 1) }],
        ['i', { dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, 3n, 0n) }],
        ['u', { dtype: 'uint8', shape: [5], data: Uint8Array.of(1, 2, 3, 254, 255) }],
      ]),
    );
    expect(Object.fromEntries(outputs)).toEqual({
      picked: { dtype: 'float16', shape: [3], data: Uint16Array.of(0xc800, 0x7bff, 0x3c00) },
      whole: { dtype: 'int32', shape: [4], data: Int32Array.of(1, -8, 9, 65504) },
      index: { dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, 3n, 0n) },
      bytes: { dtype: 'uint8', shape: [5], data: Uint8Array.of(1, 2, 3, 254, 255) },
      not: { dtype: 'bool', shape: [4], data: Uint8Array.of(0, 1, 1, 0) },
    });
  });

  it('go on after a run that fails', async () => {
    const session = await runtime.session(await reshapeModel(), { name: 'reshape' });
    const shaped = (rows: bigint, columns: bigint) =>
      session.run(
        new Map<string, CpuTensor>([
          ['x', normal(3, 12)],
          ['s', { dtype: 'int64', shape: [2], data: BigInt64Array.of(rows, columns) }],
        ]),
      );
    expect((await shaped(3n, 4n)).get('y')!.shape).toEqual([3, 4]);
    await expect(shaped(5n, 5n)).rejects.toThrow('Session "reshape" failed');
    expect((await shaped(2n, 6n)).get('y')!.shape).toEqual([2, 6]);
  });

  it('are refused with their name when the model is broken', async () => {
    await expect(runtime.session(new Uint8Array([1, 2, 3]), { name: 'broken' })).rejects.toThrow(
      `Session "broken" cannot be made on the ${provider} provider`,
    );
  });

  it('end once, after the runs already asked for', async () => {
    const session = await runtime.session(await denseModel(), { name: 'short' });
    const run = session.run(feeds);
    await Promise.all([session.release(), session.release()]);
    expect((await run).has('y')).toBe(true);
    await session.released;
    await expect(session.run(feeds)).rejects.toThrow('has been released');
  });

  it('train: gradients from the graph, updates in place', async () => {
    const training = await runtime.session(await leastSquaresModel(), { name: 'training' });
    const truth = normal(10, 16, 4);
    const inputs = normal(11, 32, 16);
    const target = cpuTensor({ dtype: 'float32', shape: [32, 4] });
    for (let row = 0; row < 32; row++) {
      for (let column = 0; column < 4; column++) {
        let sum = 0;
        for (let k = 0; k < 16; k++) sum += dataOf(inputs)[row * 16 + k]! * dataOf(truth)[k * 4 + column]!;
        target.data[row * 4 + column] = sum;
      }
    }
    const weight = runtime.allocate({ dtype: 'float32', shape: [16, 4] });
    const optimizer = createOptimizer(runtime, [{ name: 'w', weight }], {
      kind: 'sgd',
      momentum: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 0,
    });
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const outputs = await training.run(
        new Map([
          ['x', inputs],
          ['w', weight],
          ['t', target],
        ]),
      );
      losses.push(dataOf(outputs.get('loss'))[0]!);
      await optimizer.accumulate(new Map([['w', outputs.get('gradient')!]]));
      await optimizer.step({ learningRate: 0.3 });
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 1e-3);
  });
});
