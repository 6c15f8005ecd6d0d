import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFile } from '../data/node-files.ts';
import { readModel } from '../onnx/decode.ts';
import { type OrtModule, openRuntime, type Runtime } from '../runtime/runtime.ts';
import { byteLengthOf } from '../runtime/tensor.ts';
import { ImageEmbedder } from './embed.ts';
import { TunedEmbedder } from './tuned-embedder.ts';

const imageSize = 64;
const images = 448;
const elements = 3 * imageSize ** 2;
const pixels = Float32Array.from({ length: images * elements }, (_, i) => Math.sin(i / 7 + i / 5000));

/** The whole set by ONNX Runtime's own session, image by image. */
const expected: number[] = [];
let runtime: Runtime;

const path = 'public/models/acuity-clip/onnx/vision_model.onnx';
let file: Awaited<ReturnType<typeof openFile>>;

afterAll(() => file.close());
beforeAll(async () => {
  file = await openFile(path);
  runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu', threads: 1 });
  const session = await ort.InferenceSession.create(path);
  for (let i = 0; i < images; i++) {
    const image = pixels.slice(i * elements, (i + 1) * elements);
    const given = new ort.Tensor('float32', image, [1, 3, imageSize, imageSize]);
    const { image_embeds: row } = await session.run({ [session.inputNames[0]!]: given });
    expected.push(...(row!.data as Float32Array));
  }
});

/** Embeds the set, and tells the batches in which. */
async function embedAll(embedder: TunedEmbedder): Promise<{ rows: number[]; batches: number[] }> {
  const [rows, batches]: number[][] = [[], []];
  for (let at = 0; at < images; at += batches!.at(-1)!) {
    batches!.push(embedder.batch);
    rows!.push(...(await embedder.embed(pixels.subarray(at * elements, (at + embedder.batch) * elements))));
  }
  return { rows: rows!, batches: batches! };
}

const farthest = (rows: readonly number[]): number =>
  rows.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);

describe('an embedder that measures its batch', () => {
  it('gives what one image at a time gives, but for rounding, and goes on with its choice', async () => {
    const model = await readModel(file);
    const embedder = await TunedEmbedder.open(runtime, model, { imageSize, images });
    const { rows, batches } = await embedAll(embedder);
    const chosen = embedder.batch;
    await embedder.release();
    expect(rows).toHaveLength(expected.length);
    expect(farthest(rows)).toBeLessThan(1e-5 * Math.max(...expected.map(Math.abs)));
    expect(batches.slice(0, 2)).toEqual([1, 1]);
    expect(batches).toContain(4);

    const again = await TunedEmbedder.open(runtime, model, { imageSize, images });
    expect(again.batch).toBe(chosen);
    await again.release();
    const fewer = await TunedEmbedder.open(runtime, model, { imageSize, images: 3 });
    expect(fewer.batch).toBe(Math.min(3, chosen));
    await fewer.release();
  });

  it('computes with replaced weights in every session, and reduces all tokens', async () => {
    const model = await readModel(file);
    const plain = await ImageEmbedder.open(runtime, model, { imageSize, batch: 1 });
    const replaced = new Map(
      plain.weightNames.map((name) => [name, new Uint8Array(byteLengthOf(plain.weight(name)!))]),
    );
    await plain.release();
    const embedder = await TunedEmbedder.open(runtime, model, { imageSize, images, replaced, tokens: true });
    for (let at = 0; at < 64; ) {
      const { batch } = embedder;
      const rows = await embedder.reduceTokens(
        pixels.subarray(at * elements, (at + batch) * elements),
        (tokens, index) => Float32Array.of(tokens.length / embedder.width, index, Math.hypot(...tokens)),
      );
      for (let i = 0; i < batch; i++) expect([...rows.subarray(3 * i, 3 * i + 3)]).toEqual([65, i, 0]);
      at += batch;
    }
    await embedder.release();
  });

  it('tries nothing on a small set', async () => {
    const embedder = await TunedEmbedder.open(runtime, await readModel(file), { imageSize, images: 100 });
    for (let i = 0; i < 3; i++) {
      expect(embedder.batch).toBe(16);
      await embedder.embed(pixels.subarray(0, 16 * elements));
    }
    await embedder.release();
  });
});
