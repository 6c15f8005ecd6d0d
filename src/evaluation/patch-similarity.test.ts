import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { openFile } from '../data/node-files.ts';
import { readModel } from '../onnx/decode.ts';
import { type OrtModule, openRuntime } from '../runtime/runtime.ts';
import { ImageEmbedder } from './embed.ts';
import { patchSimilarity } from './patch-similarity.ts';

it('gives each patch its cosine with the query', () => {
  const tokens = Float32Array.of(9, 9, 2, 0, 0, 3, -1, -1, 0, 0);
  const [same, apart, away, none] = patchSimilarity(tokens, Float32Array.of(5, 0));
  expect([same, apart, none]).toEqual([1, 0, 0]);
  expect(away).toBeCloseTo(-Math.SQRT1_2, 6);
  expect(() => patchSimilarity(tokens, Float32Array.of(1, 0, 0))).toThrow(/do not make tokens of 3/);
});

it('reads every token of the built-in encoder: the first is what ONNX Runtime gives as the embedding', async () => {
  const path = fileURLToPath(
    new URL('../../public/models/acuity-clip/onnx/vision_model.onnx', import.meta.url),
  );
  const file = await openFile(path);
  const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu', threads: 1 });
  const embedder = await ImageEmbedder.open(runtime, await readModel(file), {
    imageSize: 64,
    batch: 2,
    tokens: true,
  });
  const pixels = Float32Array.from({ length: 2 * 3 * 64 * 64 }, (_, i) => Math.sin(i / 7));
  const tokens = await embedder.embedTokens(pixels);
  expect(tokens).toHaveLength(2 * 65 * embedder.width);
  const session = await ort.InferenceSession.create(path);
  const { image_embeds: expected } = await session.run({
    [session.inputNames[0]!]: new ort.Tensor('float32', pixels, [2, 3, 64, 64]),
  });
  const embeddings = await embedder.embed(pixels);
  expect(embeddings).toHaveLength(expected!.data.length);
  for (const [i, value] of embeddings.entries()) expect(value).toBeCloseTo(expected!.data[i] as number, 4);
  expect(tokens.subarray(65 * embedder.width, 66 * embedder.width)).toEqual(
    embeddings.subarray(embedder.width),
  );
  await embedder.release();
  await file.close();
});
