/** One fixture by Acuity: `npx tsx tools/comparison/acuity.ts MODEL FILE` prints a line of JSON. */
import { argv, stdout } from 'node:process';
import { checkWholeModel } from '../../src/autodiff/testing/whole-model.ts';

const [name, file] = argv.slice(2) as [string, string];
try {
  const { relativeError, outputError, obstacles } = await checkWholeModel(name, file);
  const loads = outputError < 1e-4;
  const said = { loads, differentiates: 'all', error: relativeError, obstacles: obstacles.length };
  stdout.write(`${JSON.stringify(said)}\n`);
} catch (error) {
  const note = error instanceof Error ? error.message : String(error);
  stdout.write(`${JSON.stringify({ loads: false, differentiates: '', note })}\n`);
}
