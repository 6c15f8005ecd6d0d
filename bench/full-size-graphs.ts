import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFloat } from '../src/onnx/data-types.ts';
import { readModel } from '../src/onnx/decode.ts';
import type { ByteSource, TypedGraph } from '../src/onnx/model.ts';
import { retypeInput } from '../src/onnx/passes/retype-input.ts';
import { simplify } from '../src/onnx/passes/simplify.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { specialise } from '../src/onnx/specialise.ts';

/** A file of weights that is not there: nothing may read it. */
const absentWeights = (size: number): ByteSource => ({
  name: 'weights.bin',
  size,
  read: () => Promise.reject(new Error('The weights of a full-size model were read')),
});

/**
 * The forward graph of a model that `tools/reference/full_size.py` wrote, as a run would prepare it.
 *
 * @param weightsOf makes its file of weights, given the bytes that it should have
 */
export async function fullSizeGraph(
  folder: string,
  name: string,
  weightsOf: (size: number) => ByteSource = absentWeights,
): Promise<TypedGraph> {
  const source = bytesSource(`${name}.onnx`, readFileSync(join(folder, `${name}.onnx`)));
  const weights = weightsOf(Number(readFileSync(join(folder, `${name}.size`), 'utf8')));
  const model = await readModel(source, { external: new Map([['weights.bin', weights]]) });
  let graph = await specialise(model);
  for (const { name: input } of graph.inputs) {
    if (!isFloat(graph.types.get(input)!.dtype)) graph = retypeInput(graph, input, 'float32');
  }
  return simplify(graph);
}
