import { expose } from 'comlink';
import * as ort from 'onnxruntime-web/webgpu';
import type { Tensor } from '../../src/onnx/model.ts';
import { blobSource, bytesSource } from '../../src/onnx/sources.ts';
import { openDevice } from '../../src/runtime/device.ts';
import { openRuntime } from '../../src/runtime/runtime.ts';
import { WeightStore } from '../../src/runtime/weights.ts';
import type { LoadReply, LoadRequest } from './protocol.ts';

/** Bytes of a weight: that of a wide layer. */
const weightBytes = 32 * 2 ** 20;
const kept = 'weights.bin';

const loader = {
  /** Copies a file into OPFS, piece by piece. */
  async keep(file: File): Promise<void> {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(kept, { create: true });
    await file.stream().pipeTo(await handle.createWritable());
  },

  /** Brings float16 weights from a file, or from OPFS, into GPU buffers, and compares some of them with the file. */
  async load(file: File | null, way: LoadRequest['way']): Promise<LoadReply> {
    const folder = await navigator.storage.getDirectory();
    const blob = file ?? (await (await folder.getFileHandle(kept)).getFile());
    const device = await openDevice();
    const runtime = await openRuntime({ ort, provider: 'webgpu', device });
    const store = new WeightStore(runtime);
    const began = performance.now();
    const source =
      way === 'streamed'
        ? blobSource('weights.bin', blob)
        : bytesSource('weights.bin', new Uint8Array(await blob.arrayBuffer()));
    const names: string[] = [];
    for (let offset = 0; offset < blob.size; offset += weightBytes) {
      const length = Math.min(weightBytes, blob.size - offset);
      const data = { kind: 'range', source, offset, length } as const;
      const tensor: Tensor = { dtype: 'float16', shape: [length / 2], data };
      names.push(`w${offset / weightBytes}`);
      await store.load(names.at(-1)!, tensor);
    }
    await device.device.queue.onSubmittedWorkDone();
    const milliseconds = performance.now() - began;
    let wrong = 0;
    for (const index of [0, names.length >> 1, names.length - 1]) {
      const got = await store.read(names[index]!);
      const want = new Uint8Array(
        await blob.slice(index * weightBytes, index * weightBytes + got.length).arrayBuffer(),
      );
      for (let i = 0; i < want.length; i++) if (got[i] !== want[i]) wrong++;
    }
    store.release();
    device.close();
    return { adapter: device.adapter.description, milliseconds, wrong };
  },
};

export type Loader = typeof loader;

expose(loader);
