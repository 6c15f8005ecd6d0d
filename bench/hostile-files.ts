/**
 * Damages small real models in 10,000 ways and reads each: the result must be a model or a typed error. Prints the
 * slowest read, the heap and how many were refused, and exits with 1 on anything else.
 *
 * Usage: npx tsx bench/hostile-files.ts [mutations] [seed]
 */
import { readModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { ModelError } from '../src/onnx/errors.ts';
import { inlineFunctions } from '../src/onnx/functions.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { fileBytes, modelFiles, shards } from '../src/onnx/testing/model-files.ts';
import { mutate, randomInts } from '../src/onnx/testing/mutate.ts';

async function main(count: number, seed: number): Promise<void> {
  const random = randomInts(seed);
  const files = modelFiles.map((name) => fileBytes(`${name}.onnx`));
  const kinds = new Map<string, number>();
  const times: number[] = [];
  let peak = 0;
  for (let i = 0; i < count; i++) {
    const bytes = mutate(files[i % files.length]!, random);
    const start = performance.now();
    let outcome = 'model';
    try {
      const model = await readModel(bytesSource('mutated.onnx', bytes), { external: shards });
      encodeModel(inlineFunctions(model));
    } catch (error) {
      if (!(error instanceof ModelError)) {
        console.error(`Mutation ${i} of seed ${seed} (${modelFiles[i % files.length]}):`, error);
        process.exitCode = 1;
      }
      outcome = error instanceof Error ? error.name : 'other';
    }
    times.push(performance.now() - start);
    kinds.set(outcome, (kinds.get(outcome) ?? 0) + 1);
    peak = Math.max(peak, process.memoryUsage().heapUsed);
  }
  times.sort((a, b) => a - b);
  const ms = (fraction: number) =>
    `${times[Math.min(times.length - 1, Math.floor(fraction * times.length))]?.toFixed(1)} ms`;
  console.log(`${count} mutations of ${files.length} files, seed ${seed}`);
  for (const [kind, n] of kinds) console.log(`  ${kind}: ${n}`);
  console.log(`  median ${ms(0.5)}, 99th percentile ${ms(0.99)}, slowest ${ms(1)}`);
  console.log(`  heap at most ${(peak / 2 ** 20).toFixed(0)} MiB`);
}

const [count = '10000', seed = '1'] = process.argv.slice(2);
await main(Number(count), Number(seed));
