import * as ort from 'onnxruntime-web/webgpu';
import { largestBatch } from '../../src/evaluation/batch-search.ts';
import { TunedEmbedder } from '../../src/evaluation/tuned-embedder.ts';
import { readEncoderFolder } from '../../src/exchange/encoder-folder.ts';
import { ModelFolder } from '../../src/exchange/folder.ts';
import { blobSource } from '../../src/onnx/sources.ts';
import { openDevice } from '../../src/runtime/device.ts';
import { openRuntime } from '../../src/runtime/runtime.ts';
import { createImagePool } from '../../workers/image-workers.ts';
import type { ImageContestant, ImageOpening } from './contestant.ts';

const wasmPaths = {
  mjs: new URL('/ort/ort-wasm-simd-threaded.asyncify.mjs', location.href).href,
  wasm: new URL('/ort/ort-wasm-simd-threaded.asyncify.wasm', location.href).href,
};

/** The way of an image in the app: image workers prepare batches ahead, while the session runs. */
export async function openAcuity({ backend, model, threads }: ImageOpening): Promise<ImageContestant> {
  const device = backend === 'webgpu' ? await openDevice() : undefined;
  const runtime = await openRuntime({
    ort: ort as never,
    provider: backend,
    ...(device && { device }),
    threads,
    wasmPaths,
  });
  const files = await Promise.all(
    ['config.json', 'preprocessor_config.json', 'onnx/vision_model.onnx'].map(async (path) => {
      const answer = await fetch(`${model}${path}`);
      if (!answer.ok) throw new Error(`${model}${path}: ${answer.status}`);
      return [path, blobSource(path, await answer.blob())] as const;
    }),
  );
  const folder = await readEncoderFolder(new ModelFolder('bench', new Map(files)));
  const { imageSize, preprocessing, vision } = folder;
  const pool = createImagePool(navigator.hardwareConcurrency);
  const perImage = 3 * imageSize ** 2;
  let opened: TunedEmbedder | undefined;
  return {
    setting: backend === 'wasm' ? `${threads} threads` : 'WebGPU',
    async embed(blobs) {
      opened ??= await TunedEmbedder.open(runtime, vision, { imageSize, images: blobs.length });
      const embedder = opened;
      const { width } = embedder;
      const rows: Float32Array[] = [];
      const pixels = new Float32Array(largestBatch * perImage);
      let filled = 0;
      const flush = async () => {
        const values = await embedder.embed(pixels.subarray(0, filled * perImage));
        for (let i = 0; i < filled; i++) rows.push(values.slice(i * width, (i + 1) * width));
        filled = 0;
      };
      const prepared = pool.map(blobs, (jobs, blob) => jobs.prepare(blob, 'reference', preprocessing), {
        ahead: Math.max(largestBatch, 2 * pool.size),
      });
      for await (const image of prepared) {
        if (!image.ok) throw new Error(image.reason);
        pixels.set(image.value.data, filled++ * perImage);
        if (filled === embedder.batch) await flush();
      }
      if (filled > 0) await flush();
      return { rows, batch: embedder.batch };
    },
  };
}
