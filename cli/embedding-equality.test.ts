import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { ImageMode } from '../src/data/decode.ts';
import { createImageJobs } from '../src/data/image-jobs.ts';
import { openFile } from '../src/data/node-files.ts';
import type { Preprocessing } from '../src/data/preprocess.ts';
import { differenceFrom, embeddingFixture } from '../src/data/testing/embedding-fixture.ts';
import { ImageEmbedder } from '../src/evaluation/embed.ts';
import { readModel } from '../src/onnx/decode.ts';
import { type OrtModule, openRuntime } from '../src/runtime/runtime.ts';
import { nodeDecoder } from './node-decoder.ts';

const { images, encoders } = embeddingFixture();
const jobs = createImageJobs(nodeDecoder);

describe.each(encoders)('$name on $embeddings.length images', ({ model, preprocessing, embeddings }) => {
  /** For each image, the largest difference from the reference. */
  async function differences(mode: ImageMode, recipe: Preprocessing): Promise<Map<string, number>> {
    const runtime = await openRuntime({ ort: ort as unknown as OrtModule, provider: 'cpu', threads: 1 });
    const file = await openFile(model);
    const embedder = await ImageEmbedder.open(runtime, await readModel(file), { imageSize: 224, batch: 1 });
    await file.close();
    const found = new Map<string, number>();
    for (const [i, { name, bytes }] of images.entries()) {
      const prepared = await jobs.prepare(new Blob([bytes]), mode, recipe);
      if (!prepared.ok) throw new Error(`${name}: ${prepared.reason}`);
      found.set(name, differenceFrom(embeddings[i]!, await embedder.embed(prepared.value.data)));
    }
    await embedder.release();
    return found;
  }

  it('gives the reference’s embeddings', async () => {
    const found = await differences('reference', preprocessing);
    expect(found.size).toBe(50);
    for (const [name, difference] of found) {
      // AVIF's colours at black and white are rounded by the build of its library.
      expect(difference, name).toBeLessThan(name.endsWith('.avif') ? 3e-4 : 1e-5);
    }
  });

  it('would not with another mode or filter', async () => {
    const photo = await differences('photo', preprocessing);
    for (const [name, difference] of photo) {
      if (/turned|alpha/.test(name)) expect(difference, name).toBeGreaterThan(1e-3);
    }
    const bilinear = await differences('reference', { ...preprocessing, filter: 'bilinear' });
    for (const [name, difference] of bilinear) expect(difference, name).toBeGreaterThan(1e-5);
  });
});
