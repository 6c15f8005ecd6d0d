/**
 * Reads a model file and prints the seconds that takes and how far the process grows; with a second path also writes
 * the model there, weights passing through in chunks.
 *
 * Usage: npx tsx bench/read-model.ts MODEL.onnx [OUT.onnx]
 */
import { createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openFile } from '../src/data/node-files.ts';
import { readModel } from '../src/onnx/decode.ts';
import { type EncodedFile, encodeModel } from '../src/onnx/encode.ts';
import { streamParts } from '../src/onnx/parts.ts';

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Runs a step and prints its time and by how much the resident memory grew at most while it ran. */
async function measure<T>(what: string, step: () => Promise<T>): Promise<T> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);
  const start = performance.now();
  const result = await step();
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  peak = Math.max(peak, process.memoryUsage().rss);
  console.log(`${what}: ${seconds.toFixed(2)} s, resident memory grew by ${mebibytes(peak - before)}`);
  return result;
}

const save = (path: string, file: EncodedFile): Promise<void> =>
  pipeline(Readable.from(streamParts(file.parts)), createWriteStream(path));

const [path, out] = process.argv.slice(2);
if (!path) throw new Error('Give the path of a model');
const source = await openFile(path);
let bytesRead = 0;
const counted = {
  ...source,
  read(offset: number, length: number) {
    bytesRead += length;
    return source.read(offset, length);
  },
};
const model = await measure('Reading', () => readModel(counted));
const { nodes, initializers } = model.graph;
console.log(
  `  ${mebibytes(source.size)}, ${nodes.length} nodes, ${initializers.size} initialisers, ${mebibytes(bytesRead)} read`,
);
if (out) {
  await measure('Writing', async () => {
    const encoded = encodeModel(model);
    await save(out, encoded);
    for (const file of encoded.external ?? []) await save(join(dirname(out), file.name), file);
    console.log(`  ${mebibytes(encoded.size)}`);
  });
}
await source.close();
