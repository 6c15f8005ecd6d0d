import type { ImageContestant, ImageOpening } from './contestant.ts';

/** What is used of transformers.js, which is installed for this bench alone. */
interface Transformers {
  env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    backends: { onnx: { wasm: { wasmPaths: string; numThreads: number } } };
  };
  AutoProcessor: {
    from_pretrained(model: string): Promise<(images: unknown[]) => Promise<Record<string, unknown>>>;
  };
  CLIPVisionModelWithProjection: {
    from_pretrained(
      model: string,
      options: object,
    ): Promise<
      (inputs: Record<string, unknown>) => Promise<{ image_embeds: { data: Float32Array; dims: number[] } }>
    >;
  };
  RawImage: { fromBlob(blob: Blob): Promise<unknown> };
}

const installed = '/bench/embedding/node_modules/';

/** As its documentation shows: `RawImage`, `AutoProcessor`, `CLIPVisionModelWithProjection`, batches of images. */
export async function openTransformers({ backend, model, threads }: ImageOpening): Promise<ImageContestant> {
  const library: Transformers = await import(
    /* @vite-ignore */ `${installed}@huggingface/transformers/dist/transformers.web.js`
  );
  const { env, AutoProcessor, CLIPVisionModelWithProjection, RawImage } = library;
  const address = new URL(model, location.href);
  const [, parent, name] = /^(.*\/)([^/]+)\/$/.exec(address.pathname)!;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = parent!;
  env.useBrowserCache = false;
  env.backends.onnx.wasm.wasmPaths = new URL(`${installed}onnxruntime-web/dist/`, location.href).href;
  env.backends.onnx.wasm.numThreads = threads;
  const processor = await AutoProcessor.from_pretrained(name!);
  const vision = await CLIPVisionModelWithProjection.from_pretrained(name!, {
    device: backend,
    dtype: 'fp32',
  });
  return {
    setting: backend === 'wasm' ? `${threads} threads` : 'WebGPU',
    async embed(blobs, batch) {
      const rows: Float32Array[] = [];
      for (let from = 0; from < blobs.length; from += batch) {
        const images = await Promise.all(
          blobs.slice(from, from + batch).map((blob) => RawImage.fromBlob(blob)),
        );
        const { image_embeds: embeds } = await vision(await processor(images));
        const width = embeds.dims[1]!;
        for (let i = 0; i < images.length; i++) rows.push(embeds.data.slice(i * width, (i + 1) * width));
      }
      return { rows, batch };
    },
  };
}
