/** One fixture by Acuity: `npx tsx tools/comparison/acuity.ts MODEL FILE` prints a line of JSON. */
import { argv, stdout } from 'node:process';
import { checkWholeModel } from '../../src/autodiff/testing/whole-model.ts';
import type { TypedGraph } from '../../src/onnx/model.ts';
import { retypeInput } from '../../src/onnx/passes/retype-input.ts';

/** As the app has it: an int64 timestep becomes float32, which it is exact in; token ids stay what they are. */
function withFloatTimestep(graph: TypedGraph): TypedGraph {
  const timestep = graph.inputs.find(({ name, dtype }) => name.startsWith('timestep') && dtype === 'int64');
  return timestep ? retypeInput(graph, timestep.name, 'float32') : graph;
}

const [name, file] = argv.slice(2) as [string, string];
try {
  const { relativeError, outputError, obstacles } = await checkWholeModel(name, file, withFloatTimestep);
  const loads = outputError < 1e-4;
  const said = { loads, differentiates: 'all', error: relativeError, obstacles };
  stdout.write(`${JSON.stringify(said)}\n`);
} catch (error) {
  const note = error instanceof Error ? error.message : String(error);
  stdout.write(`${JSON.stringify({ loads: false, differentiates: '', note })}\n`);
}
