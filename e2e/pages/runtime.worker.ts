import { expose } from 'comlink';
import * as ort from 'onnxruntime-web/webgpu';
import { GraphBuilder } from '../../src/onnx/builder.ts';
import { addInput, addOutput, emptyGraph } from '../../src/onnx/graft.ts';
import type { ByteSource, TensorType } from '../../src/onnx/model.ts';
import { halfToNumber } from '../../src/onnx/tensors.ts';
import { type DeviceOptions, detect, type OpenDevice, openDevice } from '../../src/runtime/device.ts';
import { messageOf } from '../../src/runtime/errors.ts';
import {
  denseModel,
  leastSquaresModel,
  reshapeModel,
  roundModel,
  selectModel,
} from '../../src/runtime/fixtures/models.ts';
import { type Deviation, replayAll } from '../../src/runtime/fixtures/optimizer-replay.ts';
import { randomSample } from '../../src/runtime/fixtures/random-digest.ts';
import { graphSession } from '../../src/runtime/graph-session.ts';
import {
  createOptimizer,
  type Parameter,
  type StepReport,
  type UpdateConfig,
} from '../../src/runtime/optimizer.ts';
import { chooseProvider } from '../../src/runtime/provider.ts';
import { RandomStream } from '../../src/runtime/random.ts';
import { GpuRandom } from '../../src/runtime/random-gpu.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import type { CpuTensor, DeviceTensor, GpuTensor } from '../../src/runtime/tensor.ts';
import { measureThreads } from '../../src/runtime/threads.ts';
import { WeightStore } from '../../src/runtime/weights.ts';

const wasmPaths = new URL('/ort/', self.location.href).href;
const stream = new RandomStream(1, 'test');

const normal = (step: number, ...shape: number[]): CpuTensor => ({
  dtype: 'float32',
  shape,
  data: stream.normal({ step }, sizeOf(shape)),
});
const sizeOf = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);
const bytesOf = ({ data }: CpuTensor) => new Uint8Array(data.buffer);
const floats = (bytes: Uint8Array<ArrayBuffer>) => new Float32Array(bytes.buffer);

const onWasm = () => openRuntime({ ort, provider: 'wasm', threads: 1, wasmPaths });

async function onGpu(options?: DeviceOptions): Promise<{ runtime: Runtime; device: OpenDevice }> {
  const device = await openDevice(options);
  return { runtime: await openRuntime({ ort, provider: 'webgpu', device, threads: 1, wasmPaths }), device };
}

const onGpuAgain = (device: OpenDevice) => openRuntime({ ort, provider: 'webgpu', device });

/** Shows limits that the browser would not lower by itself: it rounds requests up to its own defaults. */
function pretend(device: GPUDevice, limits: Record<string, number>): void {
  const shown: Record<string, unknown> = {};
  for (const name in device.limits) shown[name] = device.limits[name as keyof GPUSupportedLimits];
  Object.defineProperty(device, 'limits', { value: { ...shown, ...limits } });
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};

/** Numbers of float32 between two, counted through their bits. */
const ulpsBetween = (a: number, b: number) => {
  const ordered = (x: number) => {
    const bits = new Int32Array(Float32Array.of(x).buffer)[0]!;
    return bits < 0 ? -(bits & 0x7fffffff) : bits;
  };
  return Math.abs(ordered(a) - ordered(b));
};

const sgd: UpdateConfig = {
  kind: 'sgd',
  momentum: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
};
const adamw: UpdateConfig = { ...sgd, kind: 'adamw', weightDecay: 0.01 };

const checks = {
  /** Loads the library once, so that later checks do not time it. */
  async start() {
    await (await onWasm()).session(await denseModel(), { name: 'start' });
  },

  async hardware() {
    const adapter = await detect();
    return { adapter, choice: chooseProvider(adapter), forced: chooseProvider(adapter, 'webgpu') };
  },

  /** One hundred runs asked for at once, on the GPU and on WebAssembly together. */
  async hundredAtOnce() {
    const { runtime, device } = await onGpu();
    const wasm = await onWasm();
    const model = await denseModel();
    const gpuSession = await runtime.session(model, { name: 'gpu', hostOutputs: ['y'] });
    const wasmSession = await wasm.session(model, { name: 'wasm' });
    const w = normal(0, 8, 16);
    const onDevice = runtime.upload(w, bytesOf(w));
    const feeds = (step: number, weight: DeviceTensor) =>
      new Map([
        ['x', normal(step, 4, 8)],
        ['w', weight],
      ] as const);
    await gpuSession.run(feeds(0, onDevice));
    const began = performance.now();
    const [gpu, cpu] = await Promise.all([
      Promise.all(Array.from({ length: 100 }, (_, step) => gpuSession.run(feeds(step, onDevice)))),
      Promise.all(Array.from({ length: 100 }, (_, step) => wasmSession.run(feeds(step, w)))),
    ]);
    const milliseconds = performance.now() - began;
    const values = (outputs: Map<string, DeviceTensor>) =>
      (outputs.get('y') as CpuTensor).data as Float32Array;
    const error = Math.max(...gpu.map((outputs, step) => worst(values(outputs), values(cpu[step]!))));
    const distinct = new Set(gpu.map((outputs) => values(outputs).join())).size;
    device.close();
    return { runs: gpu.length, distinct, error, milliseconds };
  },

  async optimizers(limits?: Record<string, number>): Promise<Deviation[]> {
    const { runtime, device } = await onGpu(limits ? { limits, features: false } : {});
    if (limits) pretend(device.device, limits);
    const deviations = await replayAll(runtime);
    device.close();
    return deviations;
  },

  /** Many tensors of many sizes, over several workgroups and groups, against the same update on the CPU. */
  async largeUpdate(kind: 'sgd' | 'adamw') {
    const { runtime, device } = await onGpu();
    const cpu = await onWasm();
    const shapes = [
      [1_200_003],
      [700, 513],
      [65_537],
      [256],
      [257],
      [1],
      [3, 5, 7],
      [40_000],
      [12],
      [1024, 64],
      [9],
    ];
    const config = kind === 'sgd' ? sgd : adamw;
    const make = (on: Runtime) => {
      const parameters = shapes.map((shape, k): Parameter => {
        const values = normal(k, ...shape);
        const weight = on.upload(values, bytesOf(values));
        return { name: `w${k}`, weight, reference: on.upload(values, bytesOf(values)) };
      });
      return { parameters, optimizer: createOptimizer(on, parameters, config) };
    };
    const gpu = make(runtime);
    const reference = make(cpu);
    let dispatches = 0;
    const reports: StepReport[][] = [];
    for (let step = 0; step < 3; step++) {
      const gradients = shapes.map((shape, k) => normal(100 * (step + 1) + k, ...shape));
      const named = (on: Runtime) =>
        new Map(gradients.map((g, k) => [`w${k}`, on.upload(g, bytesOf(g))] as const));
      await gpu.optimizer.accumulate(named(runtime));
      await reference.optimizer.accumulate(named(cpu));
      const counted = await device.count(() => gpu.optimizer.step({ learningRate: 0.01 }));
      dispatches = counted.counts.dispatches;
      reports.push([
        await counted.result.read(),
        await (await reference.optimizer.step({ learningRate: 0.01 })).read(),
      ]);
    }
    let error = 0;
    for (const [k, { weight }] of gpu.parameters.entries()) {
      const want = (reference.parameters[k]!.weight as CpuTensor).data as Float32Array;
      error = Math.max(error, worst(floats(await runtime.read(weight)), want));
    }
    const relative = (key: 'gradientNorm' | 'drift') =>
      Math.max(...reports.map(([a, b]) => Math.abs(a![key]! / b![key]! - 1)));
    // The state moves to a fresh optimiser and back without change.
    const state = await gpu.optimizer.state();
    const again = make(runtime);
    await again.optimizer.restore(state);
    const copy = await again.optimizer.state();
    const same = [...state.tensors].every(([key, bytes]) =>
      bytes.every((byte, i) => byte === copy.tensors.get(key)![i]),
    );
    device.close();
    return {
      error,
      norm: relative('gradientNorm'),
      drift: relative('drift'),
      dispatches,
      state: state.tensors.size,
      same,
    };
  },

  /** What the GPU says of gradients that are zero or not finite, and whether it kept its weights. */
  async badGradients() {
    const { runtime, device } = await onGpu();
    const make = (...values: number[]) =>
      runtime.upload(
        { dtype: 'float32', shape: [values.length] },
        new Uint8Array(Float32Array.from(values).buffer),
      );
    const outcomes = [];
    for (const values of [[Number.NaN], [Number.POSITIVE_INFINITY], [0]]) {
      const a = make(1, 2);
      const optimizer = createOptimizer(
        runtime,
        [
          { name: 'a', weight: a },
          { name: 'b', weight: make(3) },
        ],
        adamw,
      );
      const zero = values[0] === 0;
      await optimizer.accumulate(
        new Map([
          ['a', zero ? make(0, 0) : make(1, 1)],
          ['b', make(...values)],
        ]),
      );
      const report = await (await optimizer.step({ learningRate: 0.1 })).read();
      const { steps } = optimizer;
      outcomes.push({ ...report, steps, weights: [...floats(await runtime.read(a))] });
    }
    device.close();
    return outcomes;
  },

  /** Graph and optimiser interleaved for 40 steps on both providers. Gradients go to one tensor, written in place. */
  async training() {
    const run = async (runtime: Runtime) => {
      const session = await runtime.session(await leastSquaresModel(), { name: 'training' });
      const place = (tensor: CpuTensor) => runtime.upload(tensor, bytesOf(tensor));
      const [x, t] = [place(normal(1, 32, 16)), place(normal(2, 32, 4))];
      const weight = runtime.allocate({ dtype: 'float32', shape: [16, 4] });
      const gradient = runtime.allocate(weight);
      const loss = runtime.allocate({ dtype: 'float32', shape: [] });
      const optimizer = createOptimizer(runtime, [{ name: 'w', weight }], sgd);
      const fetches = new Map([
        ['loss', loss],
        ['gradient', gradient],
      ]);
      const losses: Promise<number>[] = [];
      for (let step = 0; step < 40; step++) {
        await session.run(
          new Map([
            ['x', x],
            ['w', weight],
            ['t', t],
          ]),
          fetches,
        );
        losses.push(runtime.read(loss).then((bytes) => floats(bytes)[0]!));
        await optimizer.accumulate(new Map([['w', gradient]]));
        await optimizer.step({ learningRate: 0.1 });
      }
      return { losses: await Promise.all(losses), weight: floats(await runtime.read(weight)) };
    };
    const { runtime, device } = await onGpu();
    const gpu = await run(runtime);
    const cpu = await run(await onWasm());
    device.close();
    return { gpu: gpu.losses, cpu: cpu.losses, weightError: worst(gpu.weight, cpu.weight) };
  },

  /** A run that meets a lost device, what is said afterwards, and a new start. */
  async deviceLoss() {
    const first = await onGpu();
    const session = await first.runtime.session(await denseModel(), { name: 'doomed', hostOutputs: ['y'] });
    const feeds = () =>
      new Map([
        ['x', normal(1, 4, 8)],
        ['w', normal(2, 8, 16)],
      ] as const);
    const before = (await session.run(feeds())).get('y') as CpuTensor;
    const tensor = first.runtime.allocate({ dtype: 'float32', shape: [4] });
    const problem = async (work: () => Promise<unknown>) => {
      try {
        await work();
        return null;
      } catch (error) {
        const { name, generation } = error as { name: string; generation?: number };
        return { name, generation, message: messageOf(error) };
      }
    };
    const running = problem(() => session.run(feeds()));
    first.device.device.destroy();
    const loss = await first.device.lost;
    const problems = [
      await running,
      await problem(() => session.run(feeds())),
      await problem(() => first.runtime.read(tensor)),
      await problem(() => openRuntime({ ort, provider: 'webgpu', device: first.device })),
    ];
    const release = await problem(() => session.release());
    const second = await onGpu();
    const again = await second.runtime.session(await denseModel(), { name: 'again', hostOutputs: ['y'] });
    const after = (await again.run(feeds())).get('y') as CpuTensor;
    const generations = [first.device.generation, second.device.generation];
    second.device.close();
    return {
      loss,
      problems,
      release,
      generations,
      error: worst(before.data as Float32Array, after.data as Float32Array),
    };
  },

  /** Streams float16 and float32 ranges of a Blob into GPU buffers and reads them back. */
  async weights() {
    const { runtime, device } = await onGpu();
    const count = 6 * 2 ** 20 + 3;
    const halves = new Uint16Array(count);
    for (let i = 0; i < count; i++) halves[i] = Math.imul(i, 40503) & 0x7bff;
    const blob = new Blob([new Uint8Array(5), halves]);
    const source: ByteSource = {
      name: 'weights.bin',
      size: blob.size,
      read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
    };
    const store = new WeightStore(runtime);
    const type: TensorType = { dtype: 'float16', shape: [count] };
    const data = { kind: 'range', source, offset: 5, length: 2 * count } as const;
    const progress: number[] = [];
    await store.load('plain', { ...type, data });
    await store.load(
      'wide',
      { ...type, data },
      { as: 'float32', onProgress: (bytes) => progress.push(bytes) },
    );
    const plain = new Uint16Array((await store.read('plain')).buffer.slice(0, 2 * count));
    const wide = floats(await store.read('wide'));
    let wrong = 0;
    for (let i = 0; i < count; i++)
      if (plain[i] !== halves[i] || wide[i] !== halfToNumber(halves[i]!)) wrong++;
    const snapshot = store.clone(['wide']);
    store.write('wide', new Uint8Array(4 * count));
    const kept =
      floats(await snapshot.read('wide'))[1] === wide[1] && floats(await store.read('wide'))[1] === 0;
    const bytes = runtime.gpuBytes;
    snapshot.release();
    store.release();
    const left = runtime.gpuBytes;
    device.close();
    return { wrong, length: wide.length, progress, kept, bytes, left };
  },

  /** Element types other than float32 in GPU buffers, and outputs whose size only the run tells. */
  async elementTypes() {
    const { runtime, device } = await onGpu();
    const place = (tensor: CpuTensor) => runtime.upload(tensor, bytesOf(tensor));
    const select = await runtime.session(await selectModel(), { name: 'select' });
    const outputs = await select.run(
      new Map([
        ['x', place({ dtype: 'float32', shape: [6], data: Float32Array.of(1, -2, 3, -4, 5, -6) })],
        ['c', place({ dtype: 'bool', shape: [6], data: Uint8Array.of(1, 1, 0, 0, 1, 1) })],
        ['i', place({ dtype: 'int64', shape: [3], data: BigInt64Array.of(5n, 2n, 0n) })],
        ['j', place({ dtype: 'int32', shape: [6], data: Int32Array.of(1, -2, 3, 4, 5, 2 ** 30 - 1) })],
      ]),
    );
    const read = (name: string) => runtime.read(outputs.get(name)!);
    const reshape = await runtime.session(await reshapeModel(), { name: 'reshape' });
    const shaped = async (rows: bigint, columns: bigint) => {
      const x = normal(3, 12);
      const shape: CpuTensor = { dtype: 'int64', shape: [2], data: BigInt64Array.of(rows, columns) };
      const y = (
        await reshape.run(
          new Map([
            ['x', place(x)],
            ['s', shape],
          ]),
        )
      ).get('y')!;
      const error = worst(
        floats(await runtime.read(y)),
        (x.data as Float32Array).map((value) => -value),
      );
      return { shape: y.shape, error };
    };
    const failure = async (work: () => Promise<unknown>) => work().then(() => 'nothing', messageOf);
    const results = {
      y: [...floats(await read('y'))],
      less: [...(await read('less'))],
      sum: [...new Int32Array((await read('sum')).buffer)],
      first: await shaped(3n, 4n),
      second: await shaped(6n, 2n),
      failed: await failure(() => shaped(5n, 5n)),
      afterwards: await failure(() => shaped(3n, 4n)),
    };
    device.close();
    return results;
  },

  /** What is said when something does not fit. */
  async refusals() {
    const { runtime, device } = await onGpu({
      limits: {
        maxStorageBufferBindingSize: 2 ** 27,
        maxBufferSize: 2 ** 28,
        maxStorageBuffersPerShaderStage: 8,
      },
    });
    const said = async (work: () => unknown) => {
      try {
        await work();
        return 'nothing';
      } catch (error) {
        return messageOf(error);
      }
    };
    const session = await runtime.session(await denseModel(), { name: 'dense' });
    const w = normal(2, 8, 16);
    const square = runtime.allocate({ dtype: 'float32', shape: [4, 8] });
    const feeds = new Map<string, DeviceTensor>([
      ['x', square],
      ['w', w],
    ]);
    const refusals = {
      limits: device.device.limits.maxStorageBufferBindingSize,
      tooLarge: await said(() => runtime.allocate({ dtype: 'float32', shape: [2 ** 26] })),
      noDevice: await said(() => openRuntime({ ort, provider: 'webgpu', wasmPaths })),
      fallback: await said(async () => runtime.session(await roundModel(), { name: 'rounding' })),
      shape: await said(() => session.run(feeds, new Map([['y', square]]))),
      gpuOnWasm: await said(async () => {
        const other = await (await onWasm()).session(await denseModel(), { name: 'wasm' });
        return other.run(feeds);
      }),
      impossibleLimit: await said(() => openDevice({ limits: { maxBufferSize: 2 ** 60 } })),
    };
    device.close();
    return refusals;
  },

  /** What is said when the GPU has no memory: for a tensor, and for the inner values of a run. */
  async outOfMemory() {
    const told = async (work: () => Promise<unknown>) => {
      try {
        await work();
        return null;
      } catch (error) {
        return { name: (error as Error).name, message: messageOf(error) };
      }
    };
    const feeds = () =>
      new Map([
        ['x', normal(1, 4, 8)],
        ['w', normal(2, 8, 16)],
      ] as const);
    /** The next large buffer finds no memory, as the browser tells it: the buffer is invalid, the event comes later. */
    const exhaust = (device: GPUDevice) => {
      const create = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        Reflect.deleteProperty(device, 'createBuffer');
        device.pushErrorScope('validation');
        const buffer = create({ ...descriptor, usage: 0x10000 });
        void device.popErrorScope().then(() => {
          const error = new GPUOutOfMemoryError('Buffer allocation failed');
          device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }));
        });
        return buffer;
      };
    };
    const allocation = await onGpu();
    const session = await allocation.runtime.session(await denseModel(), { name: 'dense' });
    exhaust(allocation.device.device);
    const tensor = allocation.runtime.allocate({ dtype: 'float32', shape: [1024] });
    const read = await told(() => allocation.runtime.read(tensor));
    const write = await told(async () => allocation.runtime.write(tensor, 0, new Uint8Array(4096)));
    const run = await told(() => session.run(feeds()));
    const start = await told(() => onGpuAgain(allocation.device));
    allocation.device.close();

    const running = await onGpu();
    const doomed = await running.runtime.session(await denseModel(), { name: 'doomed' });
    exhaust(running.device.device);
    const output = await told(async () => running.runtime.read((await doomed.run(feeds())).get('y')!));
    running.device.close();

    // Asked of the browser itself, on the software adapter alone: a computer should not be filled up for a test.
    const real = await onGpu();
    const { software } = real.device.adapter;
    const kept: DeviceTensor[] = [];
    const full = await told(async () => {
      const bytes = Math.min(real.device.device.limits.maxStorageBufferBindingSize, 2 ** 30);
      for (let i = 0; software && i < 256; i++) {
        const large = real.runtime.allocate({ dtype: 'float32', shape: [bytes / 4] });
        kept.push(large);
        real.runtime.write(large, 0, new Uint8Array(4));
        await real.device.device.queue.onSubmittedWorkDone();
      }
    });
    const held = real.runtime.gpuBytes;
    for (const one of kept) real.runtime.release(one);
    real.device.close();

    const after = await onGpu();
    const again = await after.runtime.session(await denseModel(), { name: 'again', hostOutputs: ['y'] });
    const shape = (await again.run(feeds())).get('y')!.shape;
    after.device.close();
    return { read, write, run, start, output, software, full, held, shape };
  },

  /** A command that the GPU refuses is told at the next reading, and float16 before anything is made. */
  async refusedCommands() {
    const { runtime, device } = await onGpu({ features: false });
    const tensor = runtime.allocate({ dtype: 'float32', shape: [4] }) as GpuTensor;
    const encoder = device.device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, 0, tensor.buffer, 8, 4096);
    device.device.queue.submit([encoder.finish()]);
    const refused = await runtime.read(tensor).then(() => 'nothing', messageOf);
    device.close();

    const narrow = await onGpu({ features: false });
    const graph = emptyGraph('half', 17);
    const b = new GraphBuilder(graph);
    addOutput(b, b.op('Relu', [addInput(b, 'x', 'float16', [4])]));
    const half = await graphSession(narrow.runtime, graph, { name: 'half' }).then(() => 'nothing', messageOf);
    narrow.device.close();
    return { refused, half };
  },

  /**
   * More inputs than a stage has storage buffers, and inner values beyond the binding limit, on a device with the least
   * that WebGPU promises: the numbers, and what is said.
   */
  async leastLimits() {
    const limits = {
      maxStorageBufferBindingSize: 2 ** 27,
      maxBufferSize: 2 ** 28,
      maxStorageBuffersPerShaderStage: 8,
    };
    const { runtime, device } = await onGpu({ limits });
    const build = (make: (b: GraphBuilder) => string) => {
      const graph = emptyGraph('least', 18);
      const b = new GraphBuilder(graph);
      addOutput(b, make(b));
      return graph;
    };
    const tell = async (work: () => Promise<number[]>) =>
      work().then(
        (values) => ({ values, said: null }),
        (error) => ({ values: null, said: messageOf(error) }),
      );
    const joined = build((b) =>
      b.op(
        'Concat',
        Array.from({ length: 12 }, (_, k) => addInput(b, `x${k}`, 'float32', [2])),
        { axis: 0 },
      ),
    );
    const many = await tell(async () => {
      const session = await graphSession(runtime, joined, { name: 'many' });
      const feeds = new Map(
        joined.inputs.map(({ name }, k): [string, DeviceTensor] => [
          name,
          { dtype: 'float32', shape: [2], data: Float32Array.of(k, -k) },
        ]),
      );
      const [y] = (await session.run(feeds)).values();
      return [...floats(await runtime.read(y!))];
    });
    // Scores of 164 MB: onnxruntime-web 1.30 takes them and computes wrong numbers, by half of the largest.
    const attention = build((b) => {
      const [q, k] = [addInput(b, 'q', 'float32', [6400, 8]), addInput(b, 'k', 'float32', [6400, 8])];
      const scores = b.op('MatMul', [q, b.op('Transpose', [k], { perm: [1, 0] })]);
      return b.op('MatMul', [b.op('Softmax', [scores], { axis: -1 }), k]);
    });
    const large = await graphSession(runtime, attention, { name: 'large' }).then(() => 'nothing', messageOf);
    device.close();
    return { many, large };
  },

  async randomDigest() {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', randomSample()));
    return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  },

  /** Blocks of words on the GPU for counters and keys, and the same draws on both sides, by their bits. */
  async gpuRandom(
    blocks: readonly (readonly [counter: readonly number[], key: readonly [number, number]])[],
    limits?: Record<string, number>,
  ) {
    const { runtime, device } = await onGpu(limits ? { limits, features: false } : {});
    const make = (dtype: 'int32' | 'float32', count: number) =>
      runtime.allocate({ dtype, shape: [count] }) as GpuTensor;
    const words: number[][] = [];
    for (const [[block, step, image, draw], key] of blocks) {
      const target = make('int32', 4);
      const address = { step: step!, image: image!, draw: draw! };
      new GpuRandom(device.device, key).words(target.buffer, { address, count: 4, block: block! });
      words.push([...new Uint32Array((await runtime.read(target)).buffer)]);
    }
    const random = new RandomStream(42, 'noise');
    const onDevice = new GpuRandom(device.device, random.key);
    const address = { step: 7, image: 3, draw: 1 };
    const rows = [0, 1, 2].map((row) => ({ ...address, image: 3 + row }));

    const count = 100_003;
    const noise = make('float32', 3 * count + 5);
    onDevice.normal(noise.buffer, { address, count, rows: 3, offset: 5 });
    const got = floats(await runtime.read(noise));
    let ulps = 0;
    for (const [row, at] of rows.entries()) {
      const wanted = random.normal(at, count);
      for (let i = 0; i < count; i++) {
        ulps = Math.max(ulps, ulpsBetween(got[5 + row * count + i]!, wanted[i]!));
      }
    }
    // A range of nearly 2^31 rejects almost half of the words: the rows must go on from the right ones.
    let wrong = 0;
    for (const [low, high] of [
      [0, 1000],
      [-5, 2 ** 30 + 2 ** 29],
      [0, 1],
    ] as const) {
      for (const as of ['int32', 'float32'] as const) {
        const target = make(as, 3 * 777);
        onDevice.integers(target.buffer, { address, count: 777, rows: 3, low, high, as });
        const bytes = await runtime.read(target);
        const values = as === 'int32' ? new Int32Array(bytes.buffer) : floats(bytes);
        const wanted = rows.flatMap((at) => [...random.integers(at, 777, low, high)]);
        for (const [i, value] of wanted.entries()) {
          if (values[i] !== (as === 'int32' ? value : Math.fround(value))) wrong++;
        }
      }
    }
    const tooLong = await Promise.resolve()
      .then(() => onDevice.normal(noise.buffer, { address, count: 4 * count }))
      .then(() => 'nothing', messageOf);
    device.close();
    return { words, ulps, before: [...got.subarray(0, 5)], wrong, tooLong };
  },

  async threads() {
    const began = performance.now();
    const first = await measureThreads({ wasmPaths });
    const seconds = (performance.now() - began) / 1000;
    const second = await measureThreads({ wasmPaths });
    return {
      isolated: crossOriginIsolated,
      cores: navigator.hardwareConcurrency,
      threads: first.threads,
      milliseconds: [...first.milliseconds],
      seconds,
      remembered: second === first,
    };
  },
};

export type RuntimeChecks = typeof checks;

expose(checks);
